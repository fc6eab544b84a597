"""The command line of curation: ``semtrace curate STAGE``, and what stands beside the stages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from semtrace.curation.crop import CropInputs
    from semtrace.curation.settings import Settings
    from semtrace.stage.executor import Executor

CURATION_WORK = Path("data/work/curation")


def add(commands: Any, params_file: Path) -> None:
    """Add the verb ``curate`` with its own verbs to argparse's ``commands``; they read ``params_file``."""
    text = "from volumes, images and videos of electron microscopes to patches that a network can learn from"
    curate = commands.add_parser("curate", help=text, description=text[0].upper() + text[1:] + ".")
    verbs = curate.add_subparsers(dest="what", required=True, metavar="STAGE")

    def verb(name: str, run: Callable[..., Any], text: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=partial(_with_parameters, params_file, run))
        added.add_argument("--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes")
        added.add_argument(
            "--work",
            type=Path,
            default=CURATION_WORK,
            metavar="DIR",
            help="folder of the results (default: %(default)s)",
        )
        return added

    verb("generate", _generate, "make the embedded synthetic volumes, images and videos, with their truth")
    verb("import", _import, "list volumes, stacks, videos and folders of sections, with size, voxel and rule to grey")
    verb("clean", _clean, "make 2D images 8-bit single-channel TIFFs")
    verb("section", _section, "list the sections that are cut, on the planes whose voxels are square")
    verb("crop", _crop, "list every patch with its hash and measures: the Raw dataset")
    verb("deduplicate", _deduplicate, "keep one of patches that are alike: the Deduplicated dataset")
    whole = verb("all", _all, "all stages from import to deduplicate on one folder, without DVC")
    whole.add_argument("folder", type=Path, metavar="DIR", help="with volumes/ or images/ in it, or both")
    check = verb("check", _check, "cut kept patches again from their sources and compare them")
    check.add_argument("--sample", type=int, metavar="N", help="at most so many of each dataset; else all")
    cut = verb("cut", _cut, "write patches as TIFF")
    cut.add_argument("names", nargs="*", metavar="NAME", help="names of patches")
    cut.add_argument("--table", type=Path, metavar="CSV", help="a table with a column name, instead")
    cut.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    for reader in (check, cut):
        said = "what `curate all` ran on, in place of the dataset in params.yaml"
        reader.add_argument("--folder", type=Path, metavar="DIR", help=said)


def _with_parameters(params_file: Path, run: Callable[..., Any], given: argparse.Namespace) -> Any:
    from dataclasses import fields

    from semtrace.config import params
    from semtrace.curation.settings import Settings

    p = params.load(params_file, workers=given.workers)
    parts = {field.name: getattr(p, f"curation_{field.name.removesuffix('_volumes')}") for field in fields(Settings)}
    return run(given, Settings(**parts), p.executor)


def _inputs(given: argparse.Namespace, settings: Settings) -> CropInputs:
    from semtrace.curation.crop import CropInputs

    cleaned, folder = given.work / "clean", getattr(given, "folder", None)
    volumes = settings.dataset.volumes if folder is None else folder / "volumes"
    return CropInputs(volumes, given.work / "import", given.work / "section", cleaned if cleaned.is_dir() else None)


def _generate(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.io.extras import require_extra

    require_extra("curation")
    from semtrace.synthetic import em_dataset

    return em_dataset.generate_volumes(settings.dataset.volumes.parent, seed=1)


def _import(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.curation import import_volumes

    return import_volumes.run(settings.dataset.volumes, given.work / "import", settings.import_volumes, executor)


def _clean(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.curation import clean

    volumes = given.work / "import" / "volumes.csv"
    known = volumes if volumes.is_file() else None
    return clean.run(settings.dataset.images, known, given.work / "clean", settings.clean, executor)


def _section(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.curation import section

    reading, folders = settings.import_volumes.reading(), (given.work / "import", given.work / "section")
    return section.run(settings.dataset.volumes, *folders, settings.section, reading, executor)


def _crop(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.curation import crop

    reading = settings.import_volumes.reading()
    return crop.run(_inputs(given, settings), given.work / "raw", settings.crop, reading, executor)


def _deduplicate(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.curation import deduplicate

    raw, out = given.work / "raw", given.work / "deduplicated"
    reading = settings.import_volumes.reading()
    return deduplicate.run(raw, _inputs(given, settings), out, settings.deduplicate, reading, executor)


def _all(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from dataclasses import replace

    from semtrace.cli.stages import summary_text
    from semtrace.core.errors import InputError

    volumes, images = given.folder / "volumes", given.folder / "images"
    if not volumes.is_dir():
        raise InputError(f"{volumes}: no such folder; put volumes, stacks and videos there (images in {images})")
    chosen = replace(settings, dataset=replace(settings.dataset, volumes=volumes, images=images))
    stages: list[Callable[..., Any]] = [_import, *([_clean] if images.is_dir() else []), _section, _crop, _deduplicate]
    told = [f"{stage.__name__[1:]}: {summary_text(stage(given, chosen, executor))}" for stage in stages]
    return "\n" + "\n".join(told)


def _check(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.core.errors import UnreachableError
    from semtrace.curation import check

    reading = settings.import_volumes.reading()
    found = check.check(given.work / "deduplicated", _inputs(given, settings), reading, sample=given.sample)
    if found.different or found.changed:
        changed = ", ".join(found.changed) or "none"
        raise UnreachableError(
            f"{found.different} of {found.patches} patches differ; sources changed since import: {changed}. "
            "Run the pipeline again"
        )
    return f"{found.patches} patches were cut again; all are equal"


def _cut(given: argparse.Namespace, settings: Settings, executor: Executor) -> Any:
    from semtrace.core.errors import InputError
    from semtrace.curation import check
    from semtrace.curation.tables import PATCH_NAMES
    from semtrace.io import tables

    names = list(given.names)
    if given.table is not None:
        names += [row["name"] for row in tables.read(given.table, PATCH_NAMES)]
    if not names:
        raise InputError("no patch is named: give names, or --table with a table that has a column `name`")
    reading, raw = settings.import_volumes.reading(), given.work / "raw"
    written = check.cut_files(names, raw, _inputs(given, settings), given.out, reading)
    return f"{written.total()} patches of {len(written)} datasets written to {given.out}"
