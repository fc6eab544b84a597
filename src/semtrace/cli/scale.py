"""What the verbs of scales can do beside their stage: any folder of images, any table of known scales, MLflow."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import Any

from semtrace.cli import stages

SCALE_LAYOUTS = Path("data/raw/scale_layouts")


def add_scale_options(verb: str, parser: argparse.ArgumentParser) -> None:
    """The options of ``scale`` and ``validate-scale``."""
    if verb == "scale":
        parser.add_argument("--images", type=Path, metavar="DIR", help="any folder of images, in place of the flat set")
        parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results from --images")
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
    from semtrace.discovery.corrections import CORRECTIONS_FILE
    from semtrace.stage.inputs import check_folder

    job = stages.job(given, stages.ready(given))
    if bool(given.images) != bool(given.out):
        raise InputError("scale of a folder needs --images and --out together")
    if not given.images:
        return scale.stage(job)
    check_folder(given.images, "images")
    check_replaceable(given.out, {"scale.csv", "timings.csv", "rejects.csv", "review"})
    said = job.verdicts / CORRECTIONS_FILE
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


def add_correction(actions: Any) -> None:
    """Add the action ``scale`` to those of the verb ``verdicts``."""
    text = "set the pixel size of an image; `semtrace scale` uses it"
    correct = actions.add_parser("scale", help=text, description=_correct.__doc__)
    correct.add_argument("image", help="its file, or its md5 as the review page shows it")
    correct.add_argument("size", help="of a pixel: 9.77nm, 0.83 µm, 830 pm, or metres as 9.77e-9; none: take it back")
    correct.add_argument("--who", help="who says so; default: your name on this machine")
    correct.set_defaults(run=_correct)


def _correct(given: argparse.Namespace) -> str:
    """Write a person's pixel size of an image into scale.csv of dataset.verdicts, and the change into its history."""
    from semtrace.config import params
    from semtrace.core.errors import InputError
    from semtrace.discovery.corrections import CORRECTIONS_FILE, record_correction
    from semtrace.io.digests import md5
    from semtrace.io.files import read_regular
    from semtrace.review.people import own_name

    folder, image = params.load(stages.PARAMS).dataset.verdicts, Path(given.image)
    digest = md5(read_regular(image)) if image.is_file() else given.image
    try:
        size = None if given.size == "none" else _metres(given.size)
        changed = record_correction(folder, digest, size, given.who or own_name())
    except ValueError as error:
        raise InputError(f"{error}. Give a file or its md5, and a size such as 9.77nm") from None
    return f"{folder / CORRECTIONS_FILE}: {digest} {'' if changed else 'already '}{given.size}"


def _metres(text: str) -> float:
    """A pixel size in metres, given with a unit or without; a pm is a picometre here."""
    found = re.fullmatch(r"([\d.]+(?:e-?\d+)?) ?(m|mm|µm|μm|um|nm|pm)?", text.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is no pixel size")
    exponents = {"mm": -3, "µm": -6, "μm": -6, "um": -6, "nm": -9, "pm": -12}
    return float(f"{float(found[1]) * 10.0 ** exponents.get((found[2] or 'm').lower(), 0):.10g}")


def _layouts(params_file: Path, given: argparse.Namespace) -> Any:
    """The small archive of further scale bars."""
    from semtrace.config import params
    from semtrace.synthetic import scale_layouts

    seed = params.load(params_file, workers=given.workers).synthetic.seed
    return f"{scale_layouts.write(seed, given.out)} pictures in {given.out}"
