"""The tables that the stages leave behind, for a handful of small pictures, and a release made of them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from semtrace.core.tracing.labels import Vocabulary
from semtrace.io import tables
from semtrace.io.project_state import Checkout
from semtrace.io.schema import Table
from semtrace.provenance.tables import CONFLICTS, GROUPS, HASHES, INVENTORY, JPEG_TO_TIFF, LABELS, TIFF_TO_JPEG
from semtrace.release import build
from semtrace.release.settings import Creator, Settings, parse_version
from semtrace.stage.rejects import REJECTS

CATEGORIES = ("Porous_Sponge", "Particles", "Tips", "Fibres")
CLEAN = Checkout("a" * 40, "2026-11-21", (), (), ())
SETTINGS = Settings(
    name="sem-test",
    title="Test <pictures> & more",
    description="Ten small pictures.\n\nTaken by nobody.",
    licence="CC-BY-4.0",
    publisher="CNR-IOM",
    doi="10.5281/zenodo.1",
    url="https://example.org/sem-test",
    link="reflink",
    originals=False,
    source_paths="digest",
    uses="",
    limitations="",
    source="",
    personal_data="",
    creators=[Creator("Orrù, Marta", "0000-0002-1825-0097", "CNR-IOM"), Creator("The microscopy group")],
    keywords=["scanning electron microscopy"],
    include=["matched"],
)


@dataclass
class Picture:
    """One published image and what the stages said of it."""

    seed: int
    category: str
    split: str
    decision: str = "matched"
    group: str = ""
    quality: int = 90
    labelled: str | None = None  # the category of its original; None: that of the picture, "": a conflict
    data: bytes = b""
    name: str = ""  # of the published file; else it follows from the seed

    def __post_init__(self) -> None:
        pixels = np.random.default_rng(self.seed).integers(0, 255, (24, 32), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=self.quality)
        self.data = self.data or buffer.getvalue()

    @property
    def md5(self) -> str:
        return hashlib.md5(self.data).hexdigest()

    @property
    def path(self) -> str:
        digits = hashlib.md5((self.name or str(self.seed)).encode()).hexdigest()
        return f"{self.category}/L{CATEGORIES.index(self.category)}_{digits}.jpg"

    @property
    def tiff(self) -> bytes:
        """A real one, of 16 bits."""
        pixels = np.random.default_rng(self.seed).integers(0, 65535, (52, 64), np.uint16)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "TIFF")
        return buffer.getvalue()

    @property
    def original(self) -> str:
        return f"Müller É/img_{self.seed:03}.tif"


def ten() -> list[Picture]:
    parts = ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
    return [Picture(seed, CATEGORIES[seed % 4], parts[seed]) for seed in range(10)]


@dataclass
class Project:
    """A project's folder with these pictures."""

    root: Path
    pictures: list[Picture] = field(default_factory=ten)

    def write(self) -> None:
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        for p in self.pictures:
            file = self.root / "published" / p.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(p.data)
            original = self.root / "archive" / p.original
            original.parent.mkdir(parents=True, exist_ok=True)
            original.write_bytes(p.tiff)
            known = _known(p)
            original_group = {"path": p.original, "side": "tiff", "group": f"o{p.seed}", "split": p.split}
            rows["groups"].append(dict.fromkeys(GROUPS.names) | original_group)
            for name, (_, table) in _TABLES.items():
                if name not in ("rejects", "conflicts"):
                    rows[name].append({column: known[name].get(column, "") for column in table.names})
            if p.labelled == "":
                rows["conflicts"].append(
                    {"kind": "several_categories", "content": p.original, "categories": "Fibres|Tips", "files": p.path,
                     "resolution": "excluded", "rule": "exclude"}
                )  # fmt: skip
        for name, (files, table) in _TABLES.items():
            for file_name in files:
                target = self.root / "work" / file_name
                target.parent.mkdir(parents=True, exist_ok=True)
                tables.write(target, table, rows[name])
        (self.root / "params.yaml").write_text(yaml.safe_dump({"made": "by a test"}))

    def release(self, version: str, *allow: str, checkout: Checkout = CLEAN, **say: Any) -> Path:
        """Write the project and make it; returns its folder."""
        self.write()
        return self.make(version, self.root / "releases", *allow, checkout=checkout, **say)

    def make(self, version: str, releases: Path, *allow: str, checkout: Checkout = CLEAN, **say: Any) -> Path:
        """Make a release of what is written; returns its folder."""
        order = build.ReleaseOrder(parse_version(version), "2026-11-21", allow, checkout, "semtrace repro")
        done = build.run(
            self.root / "work", self.root / "published", self.root / "archive", releases,
            self.root / "params.yaml", replace(SETTINGS, **say), Vocabulary("test", CATEGORIES), order,
        )  # fmt: skip
        return Path(done.folder)


_TABLES: dict[str, tuple[tuple[str, ...], Table]] = {
    "jpeg": (("fingerprint/jpeg/hashes.csv",), HASHES),
    "tiff": (("fingerprint/tiff/hashes.csv",), HASHES),
    "rejects": (("fingerprint/jpeg/rejects.csv", "match/rejects.csv"), REJECTS),
    "mapping": (("match/jpeg_to_tiff.csv",), JPEG_TO_TIFF),
    "back": (("match/tiff_to_jpeg.csv",), TIFF_TO_JPEG),
    "inventory": (("inventory/inventory.csv",), INVENTORY),
    "labels": (("label/labels.csv",), LABELS),
    "conflicts": (("label/conflicts.csv",), CONFLICTS),
    "groups": (("deduplicate/groups.csv",), GROUPS),
}


def _known(p: Picture) -> dict[str, dict[str, Any]]:
    name = p.category if p.labelled is None else p.labelled
    pixels = hashlib.md5(b"pixels" + p.data).hexdigest()
    traced = p.decision != "unmatched"
    evidence = {"matched": "ssim", "ambiguous": "hamming", "unmatched": ""}[p.decision]
    return {
        "jpeg": {"path": p.path, "md5": p.md5, "phash": "0f" * 128, "bytes": len(p.data), "content_id": pixels,
                 "width": 32, "height": 24, "health": "ok"},
        "tiff": {"path": p.original, "phash": "0f" * 128, "bar_top": 48},
        "mapping": {"jpeg_path": p.path, "matched_tiff_path": p.original if traced else "", "decision": p.decision,
                    "evidence": evidence, "symmetry": "identity", "reason": "ssim"},
        "back": {"TIFF_path": p.original},
        "inventory": {"path": p.original, "md5": hashlib.md5(p.tiff).hexdigest(), "bytes": len(p.tiff), "width": 64,
                      "height": 52, "pixel_size_m": "1.25e-09", "instrument": "Zeiss SUPRA 40" if p.seed % 2 else ""},
        "labels": {"tiff_path": p.original, "category": name, "status": "labelled" if name else "conflict"},
        "groups": {"path": p.path, "side": "jpeg", "group": p.group or f"g{p.seed}", "split": p.split},
    }  # fmt: skip
