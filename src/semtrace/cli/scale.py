"""What the verbs of scales can do beside their stage: any folder of images, any table of known scales, MLflow."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from semtrace.cli import stages

SCALE_LAYOUTS = Path("data/raw/scale_layouts")


def add_options(verb: str, parser: argparse.ArgumentParser) -> None:
    """The options of ``scale`` and ``validate-scale``."""
    if verb == "scale":
        parser.add_argument("--images", type=Path, metavar="DIR", help="any folder of images, in place of the flat set")
        parser.add_argument("--out", type=Path, metavar="DIR", help="folder for what comes from --images")
    if verb == "validate-scale":
        parser.add_argument("--scale", type=Path, metavar="CSV", help="default: scale/scale.csv of the results")
        parser.add_argument("--truth", type=Path, metavar="CSV", help="default: scale.csv of dataset.known")
        parser.add_argument("--out", type=Path, metavar="DIR", help="default: validate_scale/ of the results")
        parser.add_argument("--track", action="store_true", help="log the metrics, tables and review page to MLflow")


def add_layouts(verb: Any, params_file: Path) -> None:
    """Add the verb ``generate-scales`` with ``verb(name, function, help)``."""
    layouts = verb("generate-scales", partial(_layouts, params_file), "draw a small archive of further scale bars")
    layouts.add_argument("--out", type=Path, metavar="DIR", default=SCALE_LAYOUTS, help="folder (default: %(default)s)")


def scale_stage(given: argparse.Namespace) -> Any:
    """Scales of the flat set, or of any folder."""
    from semtrace.cli.tables_alone import check_replaceable
    from semtrace.core.errors import InputError
    from semtrace.discovery import scale
    from semtrace.stage.inputs import check_folder

    job = stages.job(given, stages.ready(given))
    if bool(given.images) != bool(given.out):
        raise InputError("scale of a folder needs --images and --out together")
    if not given.images:
        return scale.stage(job)
    check_folder(given.images, "images")
    check_replaceable(given.out, {"scale.csv", "timings.csv", "rejects.csv", "review"})
    said = job.verdicts / scale.CORRECTIONS_FILE
    listed = scale.every_image(given.images)
    return scale.run(given.images, listed, given.out, job.params.scale, job.executor, corrections=said)


def validate_stage(given: argparse.Namespace) -> Any:
    """Scales against known ones."""
    from semtrace.discovery import validate_scale

    job = stages.job(given, stages.load_params(given))
    scale = given.scale or job.result("scale/scale.csv")
    out = given.out or job.result("validate_scale")
    done = validate_scale.run(scale, given.truth or job.known / "scale.csv", out)
    if given.track:
        from semtrace.tracking import scale_run

        print(scale_run.log_scale(job.params, out, scale.parent / "review"))
    return done


def _layouts(params_file: Path, given: argparse.Namespace) -> Any:
    """The small archive of further scale bars."""
    from semtrace.config import params
    from semtrace.synthetic import scale_layouts

    seed = params.load(params_file, workers=given.workers).synthetic.seed
    return f"{scale_layouts.write(seed, given.out)} pictures in {given.out}"
