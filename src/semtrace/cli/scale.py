"""The command line of scales: the flat set, the scale of every image, subsets, and the comparison with truth."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

SCALE_LAYOUTS = Path("data/raw/scale_layouts")
SCALE_VERDICTS = Path("data/verdicts")


def add(verb: Any, params_file: Path, work: Path) -> None:
    """Add the verbs with ``verb(name, function, help)``; they read ``params_file`` and the results in ``work``."""
    flat = "list the unique images, TIFF and JPEG one to one, with the labels of all published sets"
    verb("flat", partial(_flat, params_file), flat)
    scale = verb("scale", partial(_scale, params_file), "read the scale of every image: bar, tags, printed lengths")
    scale.add_argument("--images", type=Path, metavar="DIR", help="any folder of images, in place of the flat set")
    scale.add_argument("--out", type=Path, metavar="DIR", help="folder for what comes from --images")
    verb("subset", partial(_subset, params_file), "make subsets by scale, and tables of scales by category")
    check = verb("validate-scale", partial(_validate, params_file), "compare scale.csv with known scales")
    check.add_argument("--scale", type=Path, metavar="CSV", help="default: scale/scale.csv of the results")
    check.add_argument("--truth", type=Path, metavar="CSV", help="default: scale.csv of dataset.known")
    check.add_argument("--out", type=Path, metavar="DIR", help="default: validate_scale/ of the results")
    check.add_argument("--track", action="store_true", help="log the metrics, tables and review page to MLflow")
    layouts = verb("generate-scales", partial(_layouts, params_file), "draw a small archive of further scale bars")
    layouts.add_argument("--out", type=Path, metavar="DIR", default=SCALE_LAYOUTS, help="folder (default: %(default)s)")


def _load(params_file: Path, given: argparse.Namespace) -> Any:
    from semtrace.config import params

    return params.load(params_file, workers=given.workers)


def _flat(params_file: Path, given: argparse.Namespace) -> Any:
    """The flat set."""
    from semtrace.discovery import flat

    p, done = _load(params_file, given), given.work
    tables = flat.FlatTables(
        done / "inventory/inventory.csv", done / "convert/converted.csv", done / "deduplicate/groups.csv",
        done / "fingerprint/jpeg/hashes.csv", done / "match/jpeg_to_tiff.csv",
    )  # fmt: skip
    sets = {name: Path(folder) for name, folder in p.dataset.sets.items()}
    return flat.run(p.dataset.archive, tables, sets, done / "flat", p.executor, exclude=p.dataset.exclude)


def _scale(params_file: Path, given: argparse.Namespace) -> Any:
    """Scales of the flat set, or of any folder."""
    from semtrace.cli.tables_alone import check_replaceable
    from semtrace.core.errors import InputError
    from semtrace.discovery import scale
    from semtrace.discovery.scale_tables import FLAT
    from semtrace.io import tables
    from semtrace.stage.inputs import check_folder

    p = _load(params_file, given)
    said = SCALE_VERDICTS / p.dataset.name / "scale.csv"
    if bool(given.images) != bool(given.out):
        raise InputError("scale of a folder needs --images and --out together")
    if given.images:
        check_folder(given.images, "images")
        check_replaceable(given.out, {"scale.csv", "timings.csv", "rejects.csv", "review"})
        listed = scale.every_image(given.images)
        return scale.run(given.images, listed, given.out, p.scale, p.executor, corrections=said)
    rows = tables.read(given.work / "flat/flat.csv", FLAT)
    listed = [(row["tiff_path"], row["md5"]) for row in rows if not row["left_out_for"]]
    return scale.run(p.dataset.archive, listed, given.work / "scale", p.scale, p.executor, corrections=said)


def _subset(params_file: Path, given: argparse.Namespace) -> Any:
    """Subsets by scale."""
    from semtrace.discovery import subset

    p, done = _load(params_file, given), given.work
    flat, scale, labels = done / "flat/flat.csv", done / "scale/scale.csv", done / "flat/labels.csv"
    return subset.run(flat, scale, labels, done / "subset", p.subset)


def _validate(params_file: Path, given: argparse.Namespace) -> Any:
    """Scales against known ones."""
    from semtrace.discovery import validate_scale

    p = _load(params_file, given)
    scale = given.scale or given.work / "scale/scale.csv"
    out = given.out or given.work / "validate_scale"
    done = validate_scale.run(scale, given.truth or p.dataset.known / "scale.csv", out)
    if given.track:
        from semtrace.tracking import scale_run

        print(scale_run.log_scale(p, out, scale.parent / "review"))
    return done


def _layouts(params_file: Path, given: argparse.Namespace) -> Any:
    """The small archive of further scale bars."""
    from semtrace.synthetic import scale_layouts

    return f"{scale_layouts.write(_load(params_file, given).synthetic.seed, given.out)} pictures in {given.out}"
