"""The command line of curation: ``semtrace curate STAGE``, and what stands beside the stages."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semtrace.curation.stages import STAGES
from semtrace.synthetic.stages import EM_STAGES

if TYPE_CHECKING:
    from semtrace.curation.settings import Settings
    from semtrace.stage.declaration import Job

CURATION_WORK = Path("data/work/curation")


def add(commands: Any, params_file: Path) -> str:
    """Add the verb ``curate`` with its own verbs to argparse's ``commands``; they read ``params_file``.

    Returns:
        The line of help.
    """
    text = "from volumes, images and videos of electron microscopes to patches that a network can learn from"
    curate = commands.add_parser("curate", help=text, description=text[0].upper() + text[1:] + ".")
    verbs = curate.add_subparsers(dest="what", required=True, metavar="STAGE")

    def verb(name: str, run: Callable[[argparse.Namespace, Job], Any], text: str) -> argparse.ArgumentParser:
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

    made = {}
    for declared in (*EM_STAGES, *STAGES):
        name = declared.name.removeprefix("curate ")
        made[name] = verb(name, partial(_stage, declared.run), declared.help)
    made["import"].add_argument(
        "--to-byte", type=Path, metavar="DIR", help="write volumes of signed bytes as unsigned copies into DIR instead"
    )
    made["show"].add_argument("--csv", action="store_true", help="the Parquet tables as CSV too")
    whole = verb("all", _all, "all stages from import to show on one folder, without DVC")
    whole.add_argument("folder", type=Path, metavar="DIR", help="with volumes/ or images/ in it, or both")
    label = verb("label", _label, "label patches in a browser on this machine")
    label.add_argument("--who", help="who labels; default: your name on this machine")
    label.add_argument("--port", type=int, default=0, metavar="N", help="to listen on; 0: any that is free")
    label.add_argument("--open", action="store_true", help="open a browser")
    label.add_argument(
        "--import", dest="arrays", nargs=2, type=Path, metavar=("NAMES.npy", "LABELS.npy"),
        help="take over the two arrays of the published notebook instead",
    )  # fmt: skip
    check = verb("check", _check, "cut kept patches again from their sources and compare them")
    check.add_argument("--sample", type=int, metavar="N", help="at most so many of each dataset; else all")
    cut = verb("cut", _cut, "write patches as TIFF")
    cut.add_argument("names", nargs="*", metavar="NAME", help="names of patches")
    cut.add_argument("--table", type=Path, metavar="CSV", help="a table with a column name, instead")
    cut.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    export = verb("export", _export, "write the list of exemplars as the published scripts have it")
    export.add_argument("--npy-stack", type=Path, required=True, metavar="DIR", help="the folder to write")
    track = verb("track", _nothing, "record the result as a run in MLflow")
    track.set_defaults(run=partial(_track, params_file))
    weights = verb("weights", _weights, "train the packaged classifier again, on generated pictures alone")
    weights.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    for reader in (check, cut, label):
        said = "what `curate all` ran on, in place of the dataset in params.yaml"
        reader.add_argument("--folder", type=Path, metavar="DIR", help=said)
    return text


def _with_parameters(
    params_file: Path, run: Callable[[argparse.Namespace, Job], Any], given: argparse.Namespace
) -> Any:
    from dataclasses import fields, replace

    from semtrace.config import params
    from semtrace.curation.settings import Settings
    from semtrace.io.extras import require_extra
    from semtrace.stage.declaration import Job

    require_extra("curation")

    p = params.load(params_file, workers=given.workers)
    parts = {field.name: getattr(p, f"curation_{field.name.removesuffix('_volumes')}") for field in fields(Settings)}
    settings = Settings(**parts)
    data = settings.dataset
    if (folder := getattr(given, "folder", None)) is not None:
        known, verdicts = folder / "truth", given.work / "verdicts"
        data = replace(data, volumes=folder / "volumes", images=folder / "images", known=known, verdicts=verdicts)
        settings = replace(settings, dataset=data)
    return run(given, Job(settings, data.volumes, data.images, data.known, data.verdicts, given.work, p.executor))


def _stage(run: Callable[[Job], Any], given: argparse.Namespace, job: Job) -> Any:
    from dataclasses import replace

    if getattr(given, "to_byte", None) is not None:
        from semtrace.curation.to_byte import write_unsigned

        return write_unsigned(job.archive, given.to_byte, job.params.import_volumes)
    if getattr(given, "csv", False):
        job = replace(job, params=replace(job.params, show=replace(job.params.show, csv=True)))
    return run(job)


def _all(given: argparse.Namespace, job: Job) -> Any:
    from semtrace.cli.stages import summary_text
    from semtrace.core.errors import InputError

    if not job.archive.is_dir():
        raise InputError(
            f"{job.archive}: no such folder; put volumes, stacks and videos there (images in {job.published})"
        )
    done = [stage for stage in STAGES if stage.name != "curate clean" or job.published.is_dir()]
    told = [f"{stage.name.removeprefix('curate ')}: {summary_text(stage.run(job))}" for stage in done]
    return "\n" + "\n".join(told)


def _label(given: argparse.Namespace, job: Job) -> Any:
    import contextlib

    from semtrace.curation.crop import crop_inputs
    from semtrace.curation.label import LabelDesk
    from semtrace.curation.label_page import label_app
    from semtrace.io.staging import scratch_folder
    from semtrace.review.people import own_name
    from semtrace.web.serve import browser_opened, listen, serve_page

    who = given.who or own_name()
    if given.arrays is not None:
        return _import_labels(given, job, who)
    settings: Settings = job.params
    with contextlib.ExitStack() as held:
        scratch = held.enter_context(scratch_folder(given.work / ".label.scratch"))
        reading = settings.import_volumes.reading()
        desk = LabelDesk(crop_inputs(job), job.work, job.verdicts, settings.label, reading, who, scratch)
        listening = held.enter_context(listen(given.port))

        def ready(address: str) -> None:
            print(f"label: open {address}\nlabel: answers go to {job.verdicts} as {who}; Ctrl+C ends it", flush=True)
            if given.open:
                held.enter_context(browser_opened(address))

        serve_page(label_app(desk), listening, ready)
        return f"{sum(desk.screen()['labels'].values())} patches have a label; run the pipeline, which uses them"


def _import_labels(given: argparse.Namespace, job: Job, who: str) -> str:
    from semtrace.curation import tables as contracts
    from semtrace.curation.patch_labels import import_labels, write_patch_labels
    from semtrace.io import tables
    from semtrace.io.columns import read_columns

    known: dict[str, str] = {}
    folder = job.result("deduplicated")
    for row in tables.read(folder / "datasets.csv", contracts.DATASETS):
        columns = read_columns(folder / f"{row['dataset']}.parquet", contracts.DEDUPLICATED)
        pairs = zip(columns["name"].tolist(), columns["md5"].tolist(), strict=True)
        known |= {name: digest for name, digest in pairs if digest}
    names, labels = given.arrays
    rows, unknown = import_labels(names, labels, known)
    write_patch_labels(job.verdicts, rows, who=who, origin="import")
    first = f"; no exemplar has the name of {len(unknown)} others, the first {unknown[0]!r}" if unknown else ""
    return f"{len(rows)} labels taken over into {job.verdicts}{first}"


def _check(given: argparse.Namespace, job: Job) -> Any:
    from semtrace.core.errors import UnreachableError
    from semtrace.curation import check
    from semtrace.curation.crop import crop_inputs

    reading = job.params.import_volumes.reading()
    found = check.check(job.result("deduplicated"), crop_inputs(job), reading, sample=given.sample)
    if found.different or found.changed:
        changed = ", ".join(found.changed) or "none"
        raise UnreachableError(
            f"{found.different} of {found.patches} patches differ; sources changed since import: {changed}. "
            "Run the pipeline again"
        )
    return f"{found.patches} patches were cut again; all are equal"


def _cut(given: argparse.Namespace, job: Job) -> Any:
    from semtrace.core.errors import InputError
    from semtrace.curation import check
    from semtrace.curation.crop import crop_inputs
    from semtrace.curation.tables import PATCH_NAMES
    from semtrace.io import tables

    names = list(given.names)
    if given.table is not None:
        names += [row["name"] for row in tables.read(given.table, PATCH_NAMES)]
    if not names:
        raise InputError("no patch is named: give names, or --table with a table that has a column `name`")
    reading = job.params.import_volumes.reading()
    written = check.cut_files(names, job.result("raw"), crop_inputs(job), given.out, reading)
    return f"{written.total()} patches of {len(written)} datasets written to {given.out}"


def _export(given: argparse.Namespace, job: Job) -> Any:
    from semtrace.curation.npy_stack import write_npy_stack

    count = write_npy_stack(job.result("deduplicated") / "deduplicated_fpaths.npy", given.npy_stack)
    return f"{count} paths written to {given.npy_stack}"


def _nothing(given: argparse.Namespace, job: Job) -> None:
    """Stands in for a verb that needs all parameters."""


def _track(params_file: Path, given: argparse.Namespace) -> str:
    from semtrace.config import params
    from semtrace.tracking.curation_run import log_curation

    return log_curation(params.load(params_file), given.work)


def _weights(given: argparse.Namespace, job: Job) -> Any:
    from semtrace.curation.train_linear import train_packaged
    from semtrace.models.patch_classifier import PACKAGED, read_model_facts
    from semtrace.synthetic.training_patches import training_patches

    digest = train_packaged(training_patches(1), given.out)
    same = digest == read_model_facts(PACKAGED)["sha256"]
    return f"sha256 {digest}, {'as packaged' if same else 'not as packaged'}"
