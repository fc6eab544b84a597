"""The labels of published sets, joined to the flat set by content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from semtrace.core.tracing.content_labels import Labelled, join_labels
from semtrace.io.cache import Cache
from semtrace.io.stat_cache import KIND, identify
from semtrace.stage.listing import JPEG_EXTENSIONS, list_inputs


@dataclass(frozen=True)
class Joined:
    """Rows of ``sets.csv``, ``labels.csv``, ``label_conflicts.csv`` and ``jpeg_only.csv``."""

    sets: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    conflicts: list[dict[str, Any]]
    jpeg_only: list[dict[str, Any]]


def join_sets(
    sets: Mapping[str, Path],
    kept: Mapping[str, str],
    traced: Mapping[str, tuple[str, str]],
    cache: Path,
    exclude: Sequence[str] = (),
) -> Joined:
    """Join the files of published sets to the flat set by the md5 of the JPEG, else as the match traced them.

    Args:
        sets: name to folder.
        kept: md5 of a JPEG of the flat set to the md5 of its TIFF.
        traced: md5 of a published JPEG to the md5 of its TIFF and the evidence of the match.
        cache: file of the side cache, which knows the digests of files that have not changed.
        exclude: what is left out of the sets, see ``list_inputs``.

    """
    files = [file for name, folder in sorted(sets.items()) for file in _files(name, folder, cache, exclude)]
    how = {file.content: ("direct", kept[file.content]) for file in files if file.content in kept}
    for file in files:
        if file.content not in how and file.content in traced:
            tiff, evidence = traced[file.content]
            how[file.content] = evidence, tiff
    found = [file._replace(content=how[file.content][1]) for file in files if file.content in how]
    labels, conflicts = join_labels(found)
    by_place = {(file.set_name, file.path): how[file.content][0] for file in files if file.content in how}
    return Joined(
        sets=[_set_row(name, [file for file in files if file.set_name == name], how) for name in sorted(sets)],
        labels=[
            {
                "md5": content, "category": label.category, "subcategory": label.subcategory,
                "sets": "|".join(sorted({file.set_name for file in label.files})),
                "how": "|".join(sorted({by_place[file.set_name, file.path] for file in label.files})),
                "files": _places(label.files),
            }
            for content, label in labels.items()
        ],
        conflicts=[
            {"md5": content, "categories": "|".join(one.categories), "files": _places(one.files)}
            for content, one in conflicts.items()
        ],
        jpeg_only=[
            {"set": file.set_name, "path": file.path, "md5": file.content, "category": file.category,
             "subcategory": file.subcategory}
            for file in files if file.content not in how
        ],
    )  # fmt: skip


def _files(name: str, folder: Path, cache_file: Path, exclude: Sequence[str]) -> list[Labelled]:
    """The JPEGs of a set with their categories: the first folder, and the second where there is one."""
    found, fresh = [], []
    with Cache(cache_file) as cache:
        for path, file, reason in list_inputs(folder.resolve(), exclude):
            parts = PurePosixPath(path).parts
            if reason or PurePosixPath(path).suffix.lower() not in JPEG_EXTENSIONS or len(parts) < 2:
                continue
            content = identify(str(file), cache)
            fresh += [(KIND, str(file), content.entry)] if content.entry else []
            found.append(Labelled(name, path, content.digest, parts[0], parts[1] if len(parts) > 2 else ""))
        cache.put(fresh)
    return found


def _set_row(name: str, files: list[Labelled], how: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    contents = {file.content for file in files}
    _, conflicts = join_labels(files)
    evidence = Counter(how[content][0] if content in how else "" for content in contents)
    return {
        "set": name, "categories": len({(file.category, file.subcategory) for file in files}), "files": len(files),
        "contents": len(contents), "not_found": evidence[""],
        "reencoded": len(contents) - evidence[""] - evidence["direct"],
        "contents_in_conflict": len(conflicts), "files_in_conflict": sum(len(one.files) for one in conflicts.values()),
    }  # fmt: skip


def _places(files: tuple[Labelled, ...]) -> str:
    return "|".join(f"{file.set_name}:{file.path}" for file in files)
