"""What a cluster agrees with beside its shape: the instrument, the user, the day, the width, the data bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.statistics.agreement import agreement
from semtrace.discovery.images import EXPLAINING
from semtrace.io import tables
from semtrace.io.schema import Column, Table

_INVENTORY = Table("inventory.csv", 1, (Column("path", "text", ""), Column("instrument", "text", "")))
_MAPPING = Table("jpeg_to_tiff.csv", 1, (Column("jpeg_path", "text", ""), Column("matched_tiff_path", "text", "")))
# Of tables of the stages inventory and match what is read here.

ATTRIBUTES = (*EXPLAINING, "width", "bar")


def attributes(images: Mapping[str, Mapping[str, Any]], mapping: Path, inventory: Path) -> dict[str, dict[str, str]]:
    """Attributes of every image by path; an attribute that is not known is left out.

    Args:
        images: rows of ``images.csv``.
        mapping: of published images to originals; with the inventory it lends them instrument and user.
        inventory: of the originals; both may be absent.

    """
    found: dict[str, dict[str, str]] = {}
    lent = _lent(mapping, inventory)
    for path, row in images.items():
        share = 1 - row["picture_rows"] / row["height"]
        bar = f"bar of {share:.0%}" if row["crop"] == "bar" else "no bar found"
        own = {name: row[name] for name in EXPLAINING if row.get(name)}
        found[path] = {**lent.get(path, {}), **own, "width": str(row["width"]), "bar": bar}
    return found


def _lent(mapping: Path, inventory: Path) -> dict[str, dict[str, str]]:
    if not mapping.is_file() or not inventory.is_file():
        return {}
    facts = {row["path"]: row for row in tables.read(inventory, _INVENTORY)}
    lent = {}
    for row in tables.read(mapping, _MAPPING):
        original = facts.get(row["matched_tiff_path"])
        if original is not None:
            user = PurePosixPath(original["path"]).parts[0]
            lent[row["jpeg_path"]] = {"user": user}
            if original["instrument"]:
                lent[row["jpeg_path"]]["instrument"] = original["instrument"]
    return lent


@dataclass(frozen=True)
class Explanation:
    """The attribute that a node agrees with most.

    Attributes:
        attribute: its name, empty where none is known or none agrees.
        ami: adjusted mutual information with belonging to the node rather than to the rest of its parent.
        value: the commonest value in the node.
        is_confounded: above the bound, and more than the category says: "an instrument, not a shape".

    """

    attribute: str
    ami: float
    value: str
    is_confounded: bool


def explain(
    inside: NDArray[np.bool_], of: Sequence[Mapping[str, str]], categories: Sequence[str], bound: float
) -> Explanation:
    """Explain why some points of a parent are a node of their own.

    Args:
        inside: of the parent's points, which are in the node.
        of: attributes of the parent's points.
        categories: known ones of the parent's points, empty where unknown.
        bound: least AMI of a confounded node.

    """
    best = Explanation("", 0.0, "", False)
    if inside.all() or not inside.any():
        return best
    shape = _ami(inside, categories)
    for name in ATTRIBUTES:
        values = [row.get(name, "") for row in of]
        ami = _ami(inside, values)
        if ami > best.ami:
            common = Counter(value for value, here in zip(values, inside, strict=True) if here and value)
            value = min(common.items(), key=lambda item: (-item[1], item[0]))[0]
            best = Explanation(name, ami, value, ami >= bound and ami > shape)
    return best


def _ami(inside: NDArray[np.bool_], values: Sequence[str]) -> float:
    has = np.array([bool(value) for value in values])
    names = sorted({value for value in values if value})
    if len(names) < 2 or has.sum() < 4:
        return 0.0
    codes = np.array([names.index(value) for value in values if value])
    return agreement(codes, inside[has].astype(np.int64)).ami
