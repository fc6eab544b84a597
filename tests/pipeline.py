"""Run the stages one after the other on any archive, as `dvc repro` does, and publish real images for tests."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path

import yaml
from PIL import Image

from semtrace.config import params
from semtrace.io.images import decode
from semtrace.provenance.stages import STAGES
from semtrace.stage.declaration import Job

CONF = Path(__file__).resolve().parents[1] / "conf"
CATEGORIES = yaml.safe_load((CONF / "labels" / "nffa.yaml").read_text())["categories"]


def defaults(tmp: Path, *overrides: str, workers: int = 1) -> params.Params:
    """What conf/ says, with a side cache of the test's own."""
    tree = yaml.safe_load(_composed(overrides))
    tree["executor"] |= {"workers": workers, "cache": str(tmp / "cache.sqlite")}
    return params.Params(tree, "conf")


@cache
def _composed(overrides: tuple[str, ...]) -> str:
    """Composed once for each set of overrides: Hydra takes half a second."""
    return params.composed(CONF, list(overrides))


def run_all(archive: Path, published: Path, known: Path, work: Path, p: params.Params) -> dict:
    """All stages as they are declared; their summaries by name (fingerprint's by side), for validate metrics.json."""
    done: dict = {}
    for stage in STAGES:
        for side in stage.sides or ("",):
            job = Job(p, archive, published, known, known.with_name("verdicts"), work, p.executor, side=side)
            done[side or stage.name] = stage.run(job)
    done["validate"] = json.loads((work / "validate/metrics.json").read_text())
    return done


def table(file: Path) -> list[dict[str, str]]:
    """Rows of a CSV table."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def publish(picture: Image.Image, target: Path, **options: object) -> str:
    """Save a picture as a published JPEG; returns its path relative to the set (two folders up of the file)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    data = io.BytesIO()
    picture.save(data, "JPEG", **options)
    target.write_bytes(data.getvalue())
    return f"{target.parent.name}/{target.name}"


def grey(file: Path) -> Image.Image:
    """The picture in a TIFF as semtrace sees it."""
    return Image.fromarray(decode(file.read_bytes()).gray)
