"""verify: is this release what it was when it was made? Nothing missing, nothing more, nothing changed."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from semtrace.core.errors import InputError
from semtrace.core.path_index import one_form
from semtrace.io import tables
from semtrace.io.files import UnsafePathError, safe_join, sha256, walk
from semtrace.io.tables import TableError
from semtrace.parallel.processes import Crashed, map_images
from semtrace.release.build import FOLDERS, SUMS
from semtrace.release.card import header
from semtrace.release.contents import original_file, picture_file, viewer_file, viewer_rows
from semtrace.release.tables import FIRST_COLUMNS, MANIFEST, METADATA
from semtrace.stage.rejects import printable

FindingKind = Literal["missing", "unexpected", "changed", "dangerous", "inconsistent"]


@dataclass(frozen=True, order=True)
class Deviation:
    """What is wrong with a release.

    Attributes:
        kind: ``missing``: promised, not there. ``unexpected``: there, not promised. ``changed``: other bytes.
            ``dangerous``: a path that leads out of the folder, or something that is no plain file. ``inconsistent``:
            manifest, card and Croissant description say different things.
        path: below the release, as it is written there.
        detail: in words.
    """

    kind: FindingKind
    path: str
    detail: str


def run(release: Path, *, full: bool, workers: int) -> list[Deviation]:
    """Check a release folder; nothing in it is believed, followed or changed.

    Fast: every promised file is there with its size, no other is, and all but the pictures has its digest; manifest,
    card and Croissant description agree. Full: the pictures have theirs, too.

    Args:
        release: the folder.
        full: read every picture.
        workers: processes; 0 means one per core.

    Returns:
        The failures, sorted; none: the release is unchanged.

    A file system or a copying program may change the Unicode form of names. A promised file that is not there counts
    as the only unpromised one whose name is equal in composed form (``renamed``).

    Raises:
        InputError: not a release at all.

    """
    there, found = _listing(release)
    if SUMS not in there:
        raise InputError(f"{release}: not a release, it has no plain file {SUMS}")
    odd = {failure.path for failure in found}
    promised = dict(_sums(release, found))
    other = _renamed(promised.keys() - there.keys() - odd, there.keys() - promised.keys())
    at = {written: name for name, written in other.items()}
    there = {at.get(written, written): size for written, size in there.items()}
    rows = _manifest(release, found) if "manifest.csv" in there else []

    for name in promised.keys() - there.keys() - odd:
        found.append(Deviation("missing", name, "not in the folder"))
    for name in there.keys() - promised.keys() - {SUMS}:
        found.append(Deviation("unexpected", printable(name), f"in the folder, but not in {SUMS}"))
    listed = [(name, row[f"{of}bytes"], row[f"{of}sha256"]) for row in rows for of, name in _files(row)]
    sizes = {name: size for name, size, _ in listed}
    resized = set()
    for name, size, _ in listed:
        if name in there and size != there[name]:
            resized.add(name)
            found.append(Deviation("changed", name, f"{there[name]} bytes, not {size}"))
    read = [name for name in sorted(promised.keys() & there.keys() - resized) if full or name not in sizes]
    digest = partial(_digest, release, other)
    for name, is_ in zip(read, map_images(digest, read, workers=workers, what="verify", chunk=64), strict=True):
        if is_ != promised[name]:
            found.append(Deviation("changed", name, _said(is_)))
    for name, _, long in listed:
        if promised.get(name) != long:
            found.append(Deviation("inconsistent", name, f"manifest.csv and {SUMS} promise different digests"))
    viewers = {viewer_file(row["split"]) for row in rows}
    if rows:  # without a manifest nothing can be said of it, and what is wrong with it is said above
        for name in promised.keys() - sizes.keys():
            if name.startswith(FOLDERS) and name not in viewers:
                found.append(Deviation("inconsistent", name, f"in {SUMS}, but not in manifest.csv"))
        found += _misnamed(rows)
        found += _contradictions(release, rows, there.keys())
        found += _viewer_tables(release, rows, viewers & there.keys())
        if full and "manifest.parquet" in there:
            found += _parquet(release, rows)
    return sorted(set(found))


def counts(release: Path) -> tuple[int, int]:
    """How many files a release holds, and how many of them are pictures and originals."""
    there, rows = _listing(release)[0], _manifest(release, [])
    return len(there), len({name for row in rows for _, name in _files(row)})


def renamed(release: Path) -> dict[str, str]:
    """The files whose names came back in another Unicode form: the promised name -> the name in the folder."""
    there, promised = _listing(release)[0], sums(release)
    return _renamed(promised.keys() - there.keys(), there.keys() - promised.keys())


def _renamed(missing: Iterable[str], unexpected: Iterable[str]) -> dict[str, str]:
    """Promised name -> the name in the folder that is equal in composed form, where one alone is on either side."""
    promised, written = _by_form(missing), _by_form(unexpected)
    return {
        promised[key][0]: written[key][0]
        for key in promised.keys() & written.keys()
        if len(promised[key]) == len(written[key]) == 1
    }


def _by_form(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(one_form(name), []).append(name)
    return found


def sums(release: Path) -> dict[str, str]:
    """The digests that a release promises: path -> sha256, without what is no such line or leads out."""
    return dict(_sums(release, []))


def _listing(release: Path) -> tuple[dict[str, int], list[Deviation]]:
    """Plain files and their sizes; failures for what is none."""
    there, found = {}, []
    for name, path in walk(release):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            there[name] = status.st_size
        else:
            what = f"a symbolic link to {str(path.readlink())!r}" if path.is_symlink() else "a pipe, socket or device"
            found.append(Deviation("dangerous", printable(name), f"{what}; a release holds plain files only"))
    return there, found


def _sums(release: Path, found: list[Deviation]) -> Iterator[tuple[str, str]]:
    text = (release / SUMS).read_text(encoding="utf-8", errors="backslashreplace")
    seen = set()
    for number, line in enumerate(text.split("\n")[:-1], 1):
        parsed = re.fullmatch(r"([0-9a-f]{64})  (.+)", line)
        if not parsed or parsed[2] in seen:
            found.append(Deviation("changed", SUMS, f"line {number} is none of `sha256sum`, or names a file twice"))
        elif _leads_out(release, parsed[2]):
            found.append(Deviation("dangerous", parsed[2], f"line {number} of {SUMS} leads out of the release"))
        else:
            seen.add(parsed[2])
            yield parsed[2], parsed[1]


def _manifest(release: Path, found: list[Deviation]) -> list[dict[str, Any]]:
    try:
        rows = tables.read(release / "manifest.csv", MANIFEST, required=FIRST_COLUMNS)
    except TableError as error:
        found.append(Deviation("changed", "manifest.csv", f"cannot be read: {error}"))
        return []
    bad = [name for row in rows for _, name in _files(row) if _leads_out(release, name)]
    found += [Deviation("dangerous", name, "a row of manifest.csv leads out of the release") for name in bad]
    return [row for row in rows if not {name for _, name in _files(row)} & set(bad)]


def _files(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The files that a row of the manifest names, and how the columns begin that describe each."""
    yield "", row["path"]
    if row["source_file"]:
        yield "source_", row["source_file"]


def _leads_out(release: Path, name: str) -> bool:
    try:
        safe_join(release, name)
    except UnsafePathError:
        return True
    return "\\" in name or ":" in name  # on Windows a folder of its own, or a drive


def _digest(release: Path, other: Mapping[str, str], name: str) -> str:
    try:
        return sha256(safe_join(release, other.get(name, name)))
    except (OSError, UnsafePathError) as error:
        return f"cannot be read: {error}"


def _said(read: str | Crashed) -> str:
    """In words, what reading a file gave where that is not the promised digest."""
    if isinstance(read, Crashed):
        return read.detail
    return "other bytes than at the release" if re.fullmatch(r"[0-9a-f]{64}", read) else read


def _misnamed(rows: list[dict[str, Any]]) -> Iterator[Deviation]:
    for row in rows:
        kind = row["category"], row["label"]
        wanted = {picture_file(row["split"], *kind, row["md5"]), original_file(*kind, row["source_md5"])}
        for name in {name for _, name in _files(row)} - wanted:
            yield Deviation("inconsistent", name, f"its row in manifest.csv describes {min(wanted)}")


def _contradictions(release: Path, rows: list[dict[str, Any]], there: Collection[str]) -> Iterator[Deviation]:
    """Where manifest, card and Croissant description disagree; what is no plain file is not read."""
    licence = "|".join(sorted({row["licence"] for row in rows}))
    categories = sorted({row["category"] for row in rows})
    first = rows[0] if rows else MANIFEST.names  # an earlier release has fewer columns
    if len({(row["label"], row["category"]) for row in rows}) != len(categories):
        yield Deviation("inconsistent", "manifest.csv", "a category has two labels")
    wanted: dict[str, dict[str, Any]] = {
        "README.md": {
            "licence": licence.lower() or "unknown",
            "pictures": dict(sorted(Counter(row["split"] for row in rows).items())),
            "categories": categories,
        },
        "croissant.json": {
            "licence": licence,
            "columns": [*(name for name in MANIFEST.names if name in first), "image"],
            "originals": any(row["source_file"] for row in rows),
            "digest of manifest.csv": _digest(release, {}, "manifest.csv"),
        },
    }
    versions = []
    for name, read in (("README.md", _card), ("croissant.json", _croissant)):
        if name not in there:
            continue
        try:
            said = read((release / name).read_text(encoding="utf-8"))
        except (OSError, InputError, ValueError, LookupError, TypeError, AttributeError) as error:
            yield Deviation("inconsistent", name, f"cannot be read: {error!r}")
            continue
        versions.append(said.pop("version"))
        for what, value in said.items():
            if value != wanted[name][what]:
                yield Deviation("inconsistent", name, f"{what}: {value}; by manifest.csv {wanted[name][what]}")
    if versions[1:] and versions[0] != versions[1]:
        yield Deviation("inconsistent", "croissant.json", f"version: {versions[1]}; by README.md {versions[0]}")


def _card(text: str) -> dict[str, Any]:
    card = header(text)
    info = card["dataset_info"]
    return {
        "version": card["version"],
        "licence": card["license"],
        "pictures": {part["name"]: part["num_examples"] for part in info["splits"]},
        "categories": list(info["features"][1]["dtype"]["class_label"]["names"].values()),
    }


def _croissant(text: str) -> dict[str, Any]:
    tree = json.loads(text)
    files = {file["name"]: file for file in tree["distribution"]}
    return {
        "version": tree["version"],
        "licence": tree.get("license", ""),
        "columns": [field["name"] for field in tree["recordSet"][0]["field"]],
        "originals": "original-files" in files,
        "digest of manifest.csv": files["manifest.csv"]["sha256"],
    }


def _viewer_tables(release: Path, rows: list[dict[str, Any]], there: Collection[str]) -> Iterator[Deviation]:
    """The tables for viewers that say something else than the manifest; an earlier release has none."""
    for part, wanted in viewer_rows(rows).items():
        if (name := viewer_file(part)) not in there:
            continue
        try:
            same = tables.read(safe_join(release, name), METADATA) == sorted(wanted, key=lambda row: row["file_name"])
        except (OSError, TableError) as error:
            yield Deviation("inconsistent", name, f"cannot be read: {error}")
            continue
        if not same:
            yield Deviation("inconsistent", name, "other rows than manifest.csv")


def _parquet(release: Path, rows: list[dict[str, Any]]) -> Iterator[Deviation]:
    try:
        same = tables.read_parquet(release / "manifest.parquet", MANIFEST) == rows
    except (OSError, TableError) as error:
        yield Deviation("inconsistent", "manifest.parquet", f"cannot be read: {error}")
        return
    if not same:
        yield Deviation("inconsistent", "manifest.parquet", "other rows than manifest.csv")
