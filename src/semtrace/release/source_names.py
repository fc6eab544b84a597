"""What a release calls the originals: by their md5, by their file names, or by their paths in the archive.

Folders and names of an archive often name people. A release says them only where ``release.source_paths`` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import yaml

from semtrace.io import tables
from semtrace.io.schema import Table
from semtrace.provenance.stages import STAGES
from semtrace.provenance.tables import CONFLICTS, GROUPS, JPEG_TO_TIFF, LABELS, TIFF_TO_JPEG

if TYPE_CHECKING:  # the settings are read without it
    from semtrace.release.contents import ReleaseSources

SourcePaths = Literal["digest", "name", "full"]
_NOT_LISTED = "not_listed"  # an original that the inventory does not have
_NAMED_IN: Mapping[str, tuple[str, ...]] = {
    JPEG_TO_TIFF.name: ("matched_tiff_path", "runner_up_path"),
    TIFF_TO_JPEG.name: ("TIFF_file", "TIFF_path"),
    LABELS.name: ("tiff_path",),
    CONFLICTS.name: ("content",),
    GROUPS.name: ("path", "keeper", "linked_to"),
}
_EITHER = (CONFLICTS.name, GROUPS.name)  # their columns name originals and other things
_HEADER = "# The parameters of the stages that made this release. Names of folders are left out.\n"


@dataclass(frozen=True)
class SourceNames:
    """The name of each original in a release.

    Attributes:
        kind: ``digest``: ``<md5>.tif``; ``name``: the file's name without its folders; ``full``: the path.
        md5: of each original by its path in the archive; empty where the inventory does not have it.
    """

    kind: SourcePaths
    md5: Mapping[str, str]

    def of(self, path: str) -> str:
        """What an original is called; empty for no original."""
        if self.kind == "full" or not path:
            return path
        if self.kind == "name":
            return PurePosixPath(path).name
        return f"{self.md5[path]}.tif" if self.md5.get(path) else _NOT_LISTED

    def of_any(self, text: str) -> str:
        """The same where ``text`` may be something else than an original's path; that stays as it is."""
        return self.of(text) if text in self.md5 else text

    def rows(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows of a table of the pipeline, its originals called as in the release."""
        call: Callable[[str], str] = self.of_any if table.name in _EITHER else self.of
        named = _NAMED_IN[table.name]
        made = [{name: call(row[name]) if name in named else row[name] for name in table.names} for row in rows]
        if table is TIFF_TO_JPEG:
            for row in made:
                row["TIFF_file"] = PurePosixPath(row["TIFF_path"]).name
        elif table is LABELS and self.kind == "digest":
            for row in made:  # the copy has the name of its original, and the remark names others
                folder = PurePosixPath(row["output_path"]).parent
                copied = f"{folder}/{row['label']}_{row['tiff_path']}" if row["output_path"] else ""
                row |= {"output_path": copied, "detail": ""}
        elif table is LABELS:
            for row in made:
                row["detail"] = ""
        return made

    def write_table(self, source: Path, table: Table, target: Path) -> None:
        """Write a table of the pipeline into the release."""
        tables.write(target, table, self.rows(table, tables.read(source, table)))


def source_names(kind: SourcePaths, sources: ReleaseSources) -> SourceNames:
    """The names of all originals that a table names, those too that the inventory does not have any more."""
    named = [row["path"] for row in sources.originals]
    named += [row["path"] for row in sources.groups if row["side"] == "tiff"]
    named += [row["tiff_path"] for row in sources.labels]
    named += [row[name] for row in sources.mapping for name in _NAMED_IN[JPEG_TO_TIFF.name]]
    known = {row["path"]: row["md5"] for row in sources.inventory}
    return SourceNames(kind, dict.fromkeys(filter(None, named), "") | known)


def parameters_alone(text: str) -> str:
    """Of ``params.yaml`` what decides the results of the main pipeline, without the names of any folder."""
    whole = yaml.safe_load(text) or {}
    sections = dict.fromkeys(name.partition(".")[0] for stage in STAGES for name in stage.params)
    kept = {name: whole[name] for name in [*sections, "release"] if name in whole and name != "dataset"}
    return _written({"dataset": _name_alone(whole.get("dataset")), **kept})


def curation_parameters_alone(text: str) -> str:
    """The same for curation; of files of weights their sha256 stay."""
    whole = yaml.safe_load(text) or {}
    found = dict(whole.get("curation") or {})
    found["dataset"] = _name_alone(found.get("dataset"))
    classify, train = dict(found.get("classify") or {}), dict(found.get("train") or {})
    classify.pop("resnet", None)
    train.pop("start", None)
    if classify.get("weights") not in ("trained", "packaged"):  # a folder
        classify.pop("weights", None)
    found |= {"classify": classify, "train": train}
    return _written({"curation": found, **{name: whole[name] for name in ("release",) if name in whole}})


def _name_alone(dataset: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"name": (dataset or {}).get("name")}


def _written(tree: Mapping[str, Any]) -> str:
    return _HEADER + yaml.safe_dump(dict(tree), sort_keys=False, allow_unicode=True)
