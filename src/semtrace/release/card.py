"""What a release says to people: the dataset card README.md, CITATION.cff, CHANGELOG.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from semtrace.core.errors import InputError
from semtrace.release import describe
from semtrace.release.compare import REPORTED, Difference
from semtrace.release.contents import LEFT_OUT_REASONS
from semtrace.release.describe import Release
from semtrace.release.tables import METADATA

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_DTYPES = {"text": "string", "integer": "int64", "number": "float64"}
CONTACT_SHEET = "metadata/contact_sheet.png"
_LISTED = 20  # changes of one kind that CHANGELOG.md names


def card(release: Release) -> str:
    """README.md: a YAML header as the Hugging Face Hub and ``datasets`` read it, then the card."""
    s = release.settings
    header: dict[str, Any] = {
        "license": s.licence.lower() or "unknown",
        "pretty_name": s.title or s.name,
        "version": str(release.version),
        "task_categories": ["image-classification"],
        "size_categories": [next((name for most, name in _SIZES if release.pictures < most), "n>1M")],
        "tags": list(s.keywords),
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": part, "path": f"data/{part}/**"} for part in release.parts],
            }
        ],
        "dataset_info": {
            "features": [
                {"name": "image", "dtype": "image"},
                {
                    "name": "label",
                    "dtype": {"class_label": {"names": {str(n): name for n, name in enumerate(_used(release))}}},
                },
                *(
                    {"name": column.name, "dtype": _DTYPES[column.kind]}
                    for column in METADATA.columns
                    if column.name not in ("file_name", "label")
                ),
            ],
            "splits": [
                {"name": part, "num_bytes": release.sizes[part], "num_examples": sum(counts.values())}
                for part, counts in release.parts.items()
            ],
            "dataset_size": sum(release.sizes.values()),
        },
    }
    head = yaml.safe_dump(header, sort_keys=False, allow_unicode=True)
    body = [
        f"# {_plain(s.title or s.name)}",
        f"Version {release.version}, {release.date}. Licence: {_text(s.licence) or 'not stated'}.",
        _text(s.description),
        f"![Some pictures of each category]({CONTACT_SHEET})",
        "## What is inside",
        f"{release.pictures:,} pictures (JPEG), one copy of each picture. A picture is in the part of the split of its "
        "duplicate group: copies of one picture, and frames of one field, are never in two parts"
        + (", but for those under Known flaws." if "groups" in dict(release.allowed) else "."),
        _table(release),
        "[manifest.csv](manifest.csv) (and the same as [manifest.parquet](manifest.parquet)) has a row for each "
        "picture: digests, size, category, split, the published file and the original it was traced to, the evidence, "
        "the pixel size. `data/<part>/metadata.csv` says the same in few columns, for viewers of image folders. "
        "[columns.csv](metadata/documentation/columns.csv) explains the columns, "
        "[CHANGELOG.md](CHANGELOG.md) says what changed since the version before.",
        f"[originals/](originals) has the originals of these pictures ({release.originals:,} TIFF files, unchanged) in "
        "folders by category; the column `source_file` names that of each picture."
        if release.originals
        else "",
        "## Uses",
        _text(s.uses),
        "Training and testing of methods that tell categories of microscope images apart. Copies and frames of one "
        "field are in one part, so the test part shows nothing that the training part has.",
        "## Source",
        _text(s.source),
        _source(release),
        "## Limitations",
        _text(s.limitations),
        "\n".join(f"- {line}" for line in _limitations(release)),
        "## Personal data",
        _text(s.personal_data),
        _personal_data(release),
        "## How it was made",
        "Published images were traced to their originals in the archive by semtrace"
        + (f", commit `{release.commit[:12]}`" if release.commit else "")
        + ". The full mapping is in [metadata/mappings/](metadata/mappings), the measured accuracy, where the truth is "
        "known, in [metadata/statistics/](metadata/statistics), the parameters in "
        "[params.yaml](metadata/documentation/params.yaml).",
        _listed("The evidence for the original", release.evidence, describe.EVIDENCE),
        _listed(
            "Published images that are not inside ([left_out.csv](metadata/documentation/left_out.csv) names each)",
            release.left_out,
            LEFT_OUT_REASONS,
        ),
        "## Known flaws",
        "\n".join(f"- **{gate}** (accepted at the release): {_plain(message)}." for gate, message in release.allowed)
        or "All release checks passed.",
        "## Check it, read it",
        "```sh\nsemtrace verify .            # every file there, no other, right sizes\n"
        "semtrace verify . --full     # every digest too\n"
        "sha256sum --quiet --check SHA256SUMS   # the same by coreutils\n```",
        '```python\nfrom datasets import load_dataset\n\nload_dataset(".")["train"]  # image, label, …\n```\n\n'
        "There `label` is the category's name, and its number, if any, the place in alphabetical order; it is not the "
        "number of the table above.",
        "## Cite it",
        f"> {_plain(release.citation)}",
    ]
    return f"---\n{head}---\n\n" + "\n\n".join(part for part in body if part) + "\n"


def _source(release: Release) -> str:
    named = {name: count for name, count in release.instruments.items() if name}
    known = ", ".join(f"{_plain(name)} ({count:,})" for name, count in named.items())
    total, unnamed = sum(release.instruments.values()), release.instruments.get("", 0)
    first = f"The pictures show {total:,} originals of an archive of microscope images."
    if not known:
        return f"{first} Their tags name no instrument."
    return f"{first} Instruments, as the tags of the originals name them: {known}; not named: {unnamed:,}."


def _limitations(release: Release) -> Iterator[str]:
    counts = Counter[str]()
    for part in release.parts.values():
        counts.update(part)
    (least, few), *_, (most, many) = sorted(counts.items(), key=lambda item: (item[1], item[0])) * 2
    if few != many:
        yield f"The categories differ in size: {_plain(most)} has {many:,} pictures, {_plain(least)} has {few:,}."
    yield "A category is that of the folder of a published image, unless a person or a rule settled another."
    proven = sum(release.evidence.get(name, 0) for name in describe.PROOFS)
    yield f"{proven:,} of {release.pictures:,} pictures have a proof of their original; the others are alike enough."
    yield f"The pixel size is known for {release.pixel_sizes:,} of {release.pictures:,} pictures."
    yield "The pictures are JPEG files as they were published: their grey values are no measurements."


def _personal_data(release: Release) -> str:
    said = {
        "digest": "No names of files or folders of the archive are inside: an original is called by its md5.",
        "name": "The names of the originals' files are inside, their folders are not.",
        "full": "The paths of the originals in the archive are inside.",
    }[release.settings.source_paths]
    more = " The JPEG files are as published; their metadata and data bars were not searched for names of people."
    if release.originals:
        more += " The TIFF files are unchanged; tags of microscopes often name the operator and folders."
    return said + more


def header(text: str) -> dict[str, Any]:
    """The YAML header of a card.

    Raises:
        InputError: there is none.

    """
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    try:
        read = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        read = None
    if not isinstance(read, dict):
        raise InputError("README.md: no YAML header")
    return read


def citation_file(release: Release) -> str:
    """CITATION.cff 1.2.0."""
    s = release.settings
    people: list[dict[str, str]] = []
    for creator in s.creators:
        family, comma, given = (part.strip() for part in creator.name.partition(","))
        person = {"family-names": family, "given-names": given} if comma else {"name": creator.name}
        if creator.orcid:
            person["orcid"] = f"https://orcid.org/{creator.orcid}"
        if creator.affiliation and comma:
            person["affiliation"] = creator.affiliation
        people.append(person)
    whole: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it.",
        "type": "dataset",
        "title": s.title or s.name,
        "version": str(release.version),
        "date-released": release.date,
        "authors": people or [{"name": release.people}],
        "license": s.licence,
        "doi": s.doi,
        "url": s.url,
        "abstract": s.description,
        "keywords": list(s.keywords),
    }
    kept = {key: value for key, value in whole.items() if value not in ("", [])}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)


def changelog(release: Release, previous: str, difference: Difference | None, before: str) -> str:
    """CHANGELOG.md: what changed since the version ``previous``, above what ``before`` (its CHANGELOG.md) says.

    A ``difference`` of None says that there is nothing to compare with.
    """
    if difference is not None:
        counts = ", ".join(f"{count:,} {kind}" for kind, count in difference.counts.items())
        lines = [f"Since {previous}: {counts}."]
        for kind in REPORTED:
            rows = difference.rows(kind)
            lines += [f"- {kind}: " + " → ".join(path for path in row.values() if path) for row in rows[:_LISTED]]
            if len(rows) > _LISTED:
                lines.append(f"- {kind}: {len(rows) - _LISTED:,} more, see `metadata/documentation/changes.csv`")
    elif previous:
        lines = [f"Not compared with {previous}, which was not at hand."]
    else:
        lines = [f"The first release: {release.pictures:,} pictures."]
    older = before.partition("\n\n")[2]
    return f"# Changes\n\n## {release.version}, {release.date}\n\n" + "\n".join(lines) + "\n" + (older and f"\n{older}")


def _table(release: Release) -> str:
    parts = list(release.parts)
    used = sorted(_used(release), key=list(release.categories).index)
    lines = [("label", "category", *parts, "all"), ("---", "---", *("---:" for _ in [*parts, "all"]))]
    for name in used:
        counts = [release.parts[part].get(name, 0) for part in parts]
        numbers = (f"{count:,}" for count in [*counts, sum(counts)])
        lines.append((release.categories[name], _plain(name), *numbers))
    totals = [sum(release.parts[part].values()) for part in parts]
    lines.append(("", "all", *(f"{count:,}" for count in [*totals, sum(totals)])))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _used(release: Release) -> list[str]:
    """The categories that have pictures, in the order in which ``datasets`` numbers folders: by name."""
    return sorted({name for counts in release.parts.values() for name in counts})


def _listed(title: str, counts: Mapping[str, int], meanings: Mapping[str, str]) -> str:
    lines = [f"- {count:,}: {meanings[name]} (`{name}`)" for name, count in counts.items()]
    return f"{title}:\n\n" + ("\n".join(lines) or "- none")


def _text(text: str) -> str:
    """A person's words as Markdown text: what would be a tag is shown as it is written."""
    return text.replace("&", "&amp;").replace("<", "&lt;").strip()


def _plain(text: str) -> str:
    """Words and names of files as Markdown text in which nothing is markup."""
    return re.sub(r"[\\`*_\[\]|~]", r"\\\g<0>", _text(text))
