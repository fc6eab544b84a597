"""join: the tables of folders of an archive that were worked on one by one, as those of the whole archive.

What is known of a TIFF by itself (inventory, conversion, hashes) is taken as it is; what depends on the others is
settled here: which of equal contents is the keeper, and that no two JPEGs have one name. So the tables are those, byte
for byte, of an archive that was never divided. The JPEGs stay where they are, each in its shard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.files import outside
from semtrace.io.schema import Table
from semtrace.io.staging import staged_folder
from semtrace.provenance.convert import Settings, names
from semtrace.provenance.tables import CONVERTED, HASHES, INVENTORY
from semtrace.stage.inputs import check_folder
from semtrace.stage.listing import why_left_out
from semtrace.stage.rejects import REJECTS, Reject, printable, write_rejects

TableRows = list[dict[str, Any]]


@dataclass(frozen=True)
class Summary:
    """What was joined."""

    shards: int
    images: int
    contents: int
    rejects: int


def run(
    archive: Path, shards: Mapping[str, str], parts: Path, out: Path, settings: Settings, exclude: Sequence[str] = ()
) -> Summary:
    """Write ``inventory/``, ``convert/`` and ``fingerprint/tiff/`` to the folder ``out``: tables and rejects.

    Args:
        archive: of which the shards are folders.
        shards: name -> folder below ``archive``.
        parts: folder with the results of each shard under its name.
        out: folder to write.
        settings: how the TIFFs were converted.
        exclude: what is left out, see ``list_inputs``.

    Raises:
        InputError: there are no shards; part of the archive is in none; or two JPEGs of different shards have one name.

    """
    check_folder(archive, "archive")
    reasons = {name: why_left_out(archive, name, exclude) for name in outside(archive, set(shards.values()))}
    left = [name for name, reason in reasons.items() if reason is None]
    if not shards or left:
        named = ", ".join(printable(name) for name in left[:5])
        raise InputError(
            f"{archive}: {len(left)} entries are in none of dataset.shards ({named}). Name their folders there, move "
            "loose files into one, and run `semtrace params`"
        )
    inventory, refused = _read(shards, parts, "inventory", INVENTORY)
    refused += [Reject.of(printable(name), "inventory", reason) for name, reason in reasons.items() if reason]
    keepers: dict[str, str] = {}
    for row in inventory:
        keeper = keepers.setdefault(row["md5"], row["path"])
        row["duplicate_of"] = "" if keeper == row["path"] else keeper
    converted, failed = _read(shards, parts, "convert", CONVERTED)
    converted, failed = _of_keepers(inventory, converted, failed, shards, settings.layout)
    hashes, unhashed = _read(shards, parts, "fingerprint/tiff", HASHES)
    _write(out / "inventory", INVENTORY, inventory, refused)
    _write(out / "convert", CONVERTED, converted, failed)
    _write(out / "fingerprint" / "tiff", HASHES, hashes, unhashed)
    return Summary(len(shards), len(inventory), len(keepers), len(refused) + len(failed) + len(unhashed))


def _read(shards: Mapping[str, str], parts: Path, stage: str, table: Table) -> tuple[TableRows, list[Reject]]:
    """Rows and rejects of a stage in all shards, by path in the archive."""
    rows: TableRows = []
    rejects: list[Reject] = []
    for name, folder in shards.items():
        place = parts / name / stage
        rows += [{**row, "path": f"{folder}/{row['path']}"} for row in tables.read(place / table.name, table)]
        for row in tables.read(place / "rejects.csv", REJECTS):
            rejects.append(Reject(f"{folder}/{row['path']}", row["stage"], row["reason"], row["detail"]))
    return sorted(rows, key=lambda row: str(row["path"])), rejects


def _of_keepers(
    inventory: TableRows, converted: TableRows, failed: list[Reject], shards: Mapping[str, str], layout: str
) -> tuple[TableRows, list[Reject]]:
    """What became of each TIFF is what became of its keeper, which may lie in another shard."""
    made, lost = {row["path"]: row for row in converted}, {reject.path: reject for reject in failed}
    unique = [row for row in inventory if not row["duplicate_of"]]
    wanted = names([row["path"] for row in unique], [row["md5"] for row in unique], layout)
    for row, name in zip(unique, wanted, strict=True):
        if row["path"] in made:
            one = made[row["path"]]
            if layout == "tree":
                folder = next(folder for folder in shards.values() if row["path"].startswith(f"{folder}/"))
                one["jpeg_path"] = f"{folder}/{one['jpeg_path']}"
            if one["jpeg_path"] != name:
                raise InputError(f"{one['jpeg_path']}: the name of a JPEG depends on other shards; use convert=flat")
    of = [(row, row["duplicate_of"] or row["path"]) for row in inventory]
    rows = [{**made[keeper], "path": row["path"], "md5": row["md5"]} for row, keeper in of if keeper in made]
    rejects = [
        Reject(row["path"], "convert", lost[keeper].reason, lost[keeper].detail) for row, keeper in of if keeper in lost
    ]
    return rows, rejects


def _write(folder: Path, table: Table, rows: TableRows, rejects: list[Reject]) -> None:
    with staged_folder(folder) as staging:
        tables.write(staging / table.name, table, rows)
        write_rejects(staging, rejects, rows_in=len(rows) + len(rejects), rows_out=len(rows))
