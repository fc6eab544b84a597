"""label: give every traced TIFF the category of its published images, and place a labelled copy.

A label comes from the forward table: each JPEG traced to an original votes for the category it was published in.
A content with votes for several categories is a conflict: listed, and settled only by a rule that was chosen for it.
Files in (the archive's hashes) = files out (labels.csv, each with its status) + rejects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from semtrace.core.errors import InputError
from semtrace.core.names import distinct
from semtrace.core.tracing.labels import Rule, Vocabulary, check_vocabulary, vocabulary_of
from semtrace.io import tables
from semtrace.io.cache import Cache
from semtrace.io.files import place, safe_join
from semtrace.io.reuse import link_if_unchanged, remember, remembered
from semtrace.io.staging import staged_folder
from semtrace.io.stat_cache import identify
from semtrace.io.subcategories import NAMED_SUBCATEGORIES, read_subcategories
from semtrace.io.verdicts import Verdicts, locate_verdicts, read_verdicts
from semtrace.provenance.label_rules import Labelling, conflict_rows, label_rows
from semtrace.provenance.tables import CONFLICTS, HASHES, HASHES_ALONE, JPEG_TO_TIFF, LABELS, TIFF_TO_JPEG
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import Reject, why_unreadable, write_rejects
from semtrace.stage.settings import LinkKind, Section, Whole


class LabelsSettings(Section, section="labels"):
    """The vocabulary (conf/labels/): position in ``categories`` is the label's number.

    An entry is ``Category``, or ``Category/Subcategory`` for folders in folders. Without entries the folders of the
    published set are the categories. ``depth`` says which folder of a path that is: the first, the second, … from the
    top, or the last; with 0 no picture has a category.
    """

    vocabulary: str
    categories: list[str]
    depth: Annotated[Whole, Field(ge=0)] | Literal["last"]

    @classmethod
    def read(cls, values: Any) -> Self:
        """See ``Section.read``; a list that says no depth means the last folder."""
        if isinstance(values, dict):
            values.setdefault("depth", "last")
        return super().read(values)

    @model_validator(mode="after")
    def _fit_for_use(self) -> Self:
        self.parsed()
        return self

    def parsed(self) -> Vocabulary:
        """The vocabulary, checked."""
        return vocabulary_of(self.vocabulary, self.categories, self.depth)


class Settings(Section, section="label"):
    """How labelled copies are made, and what becomes of conflicts (conf/label/)."""

    link: LinkKind
    conflicts: Rule
    priority: list[str]

    @model_validator(mode="after")
    def _priority_where_it_is_asked_for(self) -> Self:
        if (self.conflicts == "priority") != bool(self.priority):
            raise ValueError("label.priority lists categories, the strongest first, for label.conflicts=priority alone")
        return self


@dataclass(frozen=True)
class Summary:
    """What was labelled."""

    tiffs: int
    statuses: dict[str, int]
    categories: dict[str, int]
    renamed: int
    conflicts: dict[str, int]
    placed_by: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The stage on the dataset's images."""
    p = job.params
    return run(
        job.archive, job.hashes("tiff"), [job.hashes("jpeg")], job.result("match"), job.result("label"),
        p.labels.parsed(), p.label, near=p.match.rules(p.hash.size**2).criteria.hamming_threshold,
        verdicts=locate_verdicts(job.verdicts, job.known), subcategories=job.verdicts / NAMED_SUBCATEGORIES.name,
        cache=job.executor.cache,
    )  # fmt: skip


def run(
    archive: Path | None,
    tiff_hashes: Path,
    jpeg_hashes: Sequence[Path],
    match: Path,
    out: Path,
    vocabulary: Vocabulary,
    settings: Settings,
    *,
    near: float,
    verdicts: Path | None = None,
    subcategories: Path | None = None,
    cache: Path | None = None,
) -> Summary:
    """Write ``images/<Category>/L<n>_<name>``, ``labels.csv``, ``conflicts.csv`` and ``rejects.csv`` to ``out``.

    Args:
        archive: root of the TIFF paths; None where the images are absent: then no copies are made.
        tiff_hashes: the archive's hash table; file, path and phash are enough.
        jpeg_hashes: the published set's hash table, or one per category.
        match: folder of the match stage.
        out: folder to write.
        vocabulary: categories and their numbers; where they are found, those of the hash tables' paths.
        settings: how copies are made, and the rule for conflicts.
        near: hashes nearer than this many bits may be one picture.
        verdicts: table of a person's verdicts; it may be missing.
        subcategories: table of sub-categories that a person named, by md5; it may be missing.
        cache: file of the side cache; with it an original that has not changed need not be read to know that.

    Raises:
        InputError: vocabulary, priorities or verdicts do not fit the published set; or the rule is ``verdicts`` and a
            conflict has none.

    """
    originals = tables.read(tiff_hashes, HASHES, required=HASHES_ALONE)
    published = [row for file in jpeg_hashes for row in tables.read(file, HASHES, required=HASHES_ALONE)]
    forward = tables.read(match / "jpeg_to_tiff.csv", JPEG_TO_TIFF)
    backward = tables.read(match / "tiff_to_jpeg.csv", TIFF_TO_JPEG)
    known = read_verdicts(verdicts) if verdicts is not None and verdicts.is_file() else Verdicts()
    vocabulary = vocabulary.fitted(row["path"] for row in published)
    if not vocabulary.categories:  # nothing is labelled
        known = replace(known, categories={})
    try:
        check_vocabulary((row["path"] for row in published), vocabulary)
    except ValueError as error:
        raise InputError(str(error)) from error
    for where, named in (("label.priority", settings.priority), (str(verdicts), known.categories.values())):
        unknown = sorted(set(named) - set(vocabulary.categories))
        if unknown:
            raise InputError(f"{where}: {unknown[0]!r} is not in vocabulary {vocabulary.name!r}")
    if {row["path"] for row in originals} != {row["TIFF_path"] for row in backward}:
        raise InputError(f"{match}: made from other hashes than {tiff_hashes}; run the match stage again")

    below = read_subcategories(subcategories) if subcategories is not None else {}
    labelling = Labelling(vocabulary, settings.conflicts, tuple(settings.priority), known, below)
    rows = label_rows(originals, published, forward, backward, labelling)
    conflicts = conflict_rows(originals, published, forward, labelling, near)
    open_ = [row for row in conflicts if (row["rule"], row["resolution"]) == ("verdicts", "excluded")]
    if open_:
        raise InputError(
            f"label.conflicts=verdicts, but {len(open_)} contents under several categories have no verdict: "
            f"{open_[0]['content']} is published as {open_[0]['categories']}. Name their categories in verdicts.csv; "
            "label.conflicts=exclude lists them all in conflicts.csv"
        )
    digests = {row["path"]: row["md5"] for row in originals} if archive is not None else {}
    renamed = _name_outputs(rows, digests) if archive is not None else 0
    with staged_folder(out) as folder:
        rejects, placed = _place(archive, folder, out, rows, digests, settings.link, cache) if archive else ([], {})
        failed = {reject.path for reject in rejects}
        rows = [row for row in rows if row["tiff_path"] not in failed]
        tables.write(folder / "labels.csv", LABELS, rows)
        tables.write(folder / "conflicts.csv", CONFLICTS, conflicts)
        statuses = {row["tiff_path"]: row["status"] for row in rows}  # a picture with two labels is one picture
        counts = write_rejects(folder, rejects, rows_in=len(originals), rows_out=len(statuses))
    if cache is not None:
        made = [row for row in rows if row["output_path"]]
        with Cache(cache) as store:
            remember(out / "images", ((row["output_path"], digests[row["tiff_path"]]) for row in made), store)
    return Summary(
        tiffs=len(originals),
        statuses=dict(sorted(Counter(statuses.values()).items())),
        categories=dict(sorted(Counter(row["category"] for row in rows if row["status"] == "labelled").items())),
        renamed=renamed,
        conflicts=dict(sorted(Counter(row["kind"] for row in conflicts).items())),
        placed_by=placed,
        rejects=counts,
    )


def _name_outputs(rows: list[dict[str, Any]], digests: dict[str, str]) -> int:
    labelled = [row for row in rows if row["status"] == "labelled"]
    wanted = [f"{_folder(row)}/{row['label']}_{PurePosixPath(row['tiff_path']).name}" for row in labelled]
    names = distinct(wanted, [digests[row["tiff_path"]] for row in labelled])
    renamed = 0
    for row, want, name in zip(labelled, wanted, names, strict=True):
        row["output_path"] = name
        if name != want:
            renamed += 1
            row["detail"] = f"renamed: another file is called {PurePosixPath(want).name} too"
    return renamed


def _folder(row: dict[str, Any]) -> str:
    """Of a labelled copy: its category, and below it its sub-category where it has one."""
    return "/".join(filter(None, (row["top_category"], row["subcategory"])))


def _place(
    archive: Path,
    folder: Path,
    out: Path,
    rows: list[dict[str, Any]],
    digests: dict[str, str],
    link: str,
    cache_file: Path | None,
) -> tuple[list[Reject], dict[str, int]]:
    rejects: dict[str, Reject] = {}
    placed, root = Counter[str](), archive.resolve()
    images, earlier = folder / "images", out / "images"
    labelled = [row for row in rows if row["status"] == "labelled"]
    images.mkdir()
    for parent in {safe_join(images, row["output_path"]).parent for row in labelled}:
        parent.mkdir(parents=True, exist_ok=True)
    with Cache(cache_file or folder / "none", readonly=True) as cache:
        facts = remembered(earlier, cache)
        for row in labelled:
            path, output = row["tiff_path"], row["output_path"]
            source, target = safe_join(root, path), safe_join(images, output)
            try:
                kept = link != "hardlink" and link_if_unchanged(
                    f"{earlier}/{output}", str(target), digests[path], facts.get(output)
                )
                how = "kept" if kept else place(source, target, link=link)
                # asked after the copy was made, so that no change before or during it goes unseen
                unchanged = identify(str(source), cache).digest == digests[path]
            except OSError as error:
                if error.filename != str(source):  # the copy, not the original, cannot be had: no space, say
                    raise
                rejects[path] = Reject.of(path, "label", why_unreadable(error))
                target.unlink(missing_ok=True)  # where the copy was made before the original went
                continue
            if unchanged:
                placed[how] += 1
            else:
                target.unlink()
                rejects[path] = Reject(path, "label", "changed", "not the file that was traced; run the pipeline again")
    return list(rejects.values()), dict(sorted(placed.items()))
