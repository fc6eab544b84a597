"""Run the stages one after the other on any archive, as `dvc repro` does, and publish real images for tests."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import yaml
from PIL import Image

from semtrace.config import params
from semtrace.io.images import decode
from semtrace.provenance import convert, deduplicate, fingerprint, inventory, label, match, plot, validate

CONF = Path(__file__).resolve().parents[1] / "conf"
CATEGORIES = yaml.safe_load((CONF / "labels" / "nffa.yaml").read_text())["categories"]


def defaults(tmp: Path, *overrides: str, workers: int = 1) -> params.Params:
    """What conf/ says, with a side cache of the test's own."""
    here = [f"executor.workers={workers}", f"executor.cache={tmp / 'cache.sqlite'}"]
    return params.Params(yaml.safe_load(params.composed(CONF, [*overrides, *here])), "conf")


def run_all(archive: Path, published: Path, known: Path, work: Path, p: params.Params) -> dict:
    """All stages; returns their summaries by name, ``validate``'s being metrics.json."""
    listing, tiff, jpeg = work / "inventory/inventory.csv", work / "fingerprint/tiff", work / "fingerprint/jpeg"
    hashes = tiff / "hashes.csv", jpeg / "hashes.csv"
    done: dict = {"inventory": inventory.run(archive, work / "inventory", p.executor)}
    done["convert"] = convert.run(archive, listing, work / "convert", p.convert, p.executor)
    done["tiff"] = fingerprint.tiffs(archive, listing, tiff, p.hash, p.fingerprint, p.executor)
    done["jpeg"] = fingerprint.jpegs(published, jpeg, p.hash, p.fingerprint, p.executor)
    done["match"] = match.run(
        hashes[0], [hashes[1]], work / "match", p.match, p.executor, archive=archive, published=published,
        converted=work / "convert/converted.csv", verdicts=known / "verdicts.csv",
    )  # fmt: skip
    done["deduplicate"] = deduplicate.run(
        {"tiff": [hashes[0]], "jpeg": [hashes[1]]}, work / "deduplicate", p.deduplicate, p.executor,
        roots={"tiff": archive, "jpeg": published}, inventory=listing, mapping=work / "match/jpeg_to_tiff.csv",
        verdicts=known / "verdicts.csv",
    )  # fmt: skip
    criteria = p.match.criteria(p.hash.size**2)
    done["label"] = label.run(
        archive, hashes[0], [hashes[1]], work / "match", work / "label", p.labels.parsed(), p.label,
        near=criteria.hamming_threshold, verdicts=known / "verdicts.csv",
    )  # fmt: skip
    done["validate"] = validate.run(work, known, work / "validate")
    lines = plot.Thresholds(criteria.hamming_threshold, criteria.ssim_trigger)
    done["plot"] = plot.run(work / "match/jpeg_to_tiff.csv", work / "plot", lines)
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
