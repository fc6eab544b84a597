"""The command line: one verb per stage, one clear message when something is wrong.

Exit codes: 0 done, 1 failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from semtrace import __version__
from semtrace.cli import (
    completion,
    curate,
    discovery,
    doctor,
    find,
    help_text,
    init,
    release,
    repro,
    review,
    run,
    scale,
    stages,
    tables_alone,
    tuning,
    ui,
    watch,
)
from semtrace.config import pipeline

_READER_GONE = 141  # exit code, as of a program that SIGPIPE ended
_ANYWHERE = ("init", "completion", "verify", "diff", "pack", "watch")  # they need nothing of a project
_SAYS_ALL = ("find", "init", "run", "repro")  # their summary stands for itself
_NO_RESULTS = ("params", "repro", "ui", "verdicts", "review", *_ANYWHERE)  # or they hold the folder themselves


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    # Before anything imports them: neither MLflow nor DVC phones home.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    # Work is spread over processes, one per core: threads of BLAS inside each would only get in the way.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Arrow, which pandas and MLflow import, would start a thread, and workers are forked only where there is none: else
    # each of them loads all libraries and kernels anew.
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    if sys.getfilesystemencoding() != "utf-8":  # names are UTF-8 in every table, whatever the locale makes of them
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606  (this very command)
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        parser.print_help()
        return 0
    given, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(given, "overrides") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # argparse takes overrides before an option, and leaves those after it
        given.overrides += rest

    if stages.is_silent(given):
        os.environ["TQDM_DISABLE"] = "1"  # no progress bars
    from semtrace.core.errors import SemtraceError
    from semtrace.io.terminal import harmless

    try:
        with _held(given):
            if given.verb not in _ANYWHERE:
                from semtrace.cli import preconditions

                preconditions.begin(given)
            summary = given.run(given)
    except SemtraceError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        gone = "the output cannot be written, because its reader is gone; the work stopped. Run it again to go on"
        return _fail(gone, _READER_GONE)
    except OSError as error:
        return _fail(_explain(error, getattr(given, "work", stages.WORK)), 1)
    except RuntimeError as error:
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not loaded to ask for it
            return _fail("the CUDA device has no room: lower executor.memory_mb, or set executor.device=cpu", 1)
        if "no locator available" not in str(error):  # numba's words where it can write nowhere
            raise
        return _fail("compiled kernels can be kept nowhere: set NUMBA_CACHE_DIR to a folder that can be written", 1)
    except MemoryError:
        return _fail("memory ran out; nothing half-done was kept. Run it again with fewer --workers", 1)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing half-done was kept, run it again to go on", 130)
    if summary is not None and getattr(given, "json", False):
        print(stages.summary_json(summary))
    elif summary is not None and not stages.is_silent(given):
        said = stages.summary_text(summary)
        print(harmless(said if given.verb in _SAYS_ALL else f"{given.verb}: {said}"))
    return 0


def _held(given: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Hold the folder where stages read each other's results, so that two runs never mix; readers share it."""
    elsewhere = bool(getattr(given, "out", None))  # what is written there is staged
    # One release at a time, though it only reads here: it names the one before.
    reads = given.verb in ("track", "doctor", "find") or (given.verb == "sweep" and elsewhere)
    if given.verb in _NO_RESULTS or (elsewhere and not reads) or not stages.PARAMS.is_file():
        return contextlib.nullcontext()
    held = stages.SHARDS / given.name if given.verb == "shard" else getattr(given, "work", stages.WORK)
    if getattr(given, "filtered", False):
        held = curate.CURATION_WORK
    if reads and not held.is_dir():
        return contextlib.nullcontext()
    from semtrace.io.staging import locked

    held.mkdir(parents=True, exist_ok=True)
    return locked(held, shared=reads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="semtrace",
        description="Trace published electron-microscope images back to their originals, label them, and prove it.",
        formatter_class=help_text.GroupedHelp,
    )
    parser.add_argument("--version", action="version", version=f"semtrace {__version__}")
    commands = parser.add_subparsers(dest="verb", required=True, metavar="VERB", help="one of those below")
    helps: dict[str, str] = {}

    def verb(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        helps[name] = text
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        told = added.add_mutually_exclusive_group()
        told.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
        told.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
        return added

    params = verb("params", stages.params, "compose conf/ into params.yaml")
    params.add_argument("--check", action="store_true", help="write nothing; exit 1 when params.yaml is out of date")
    reproduce = verb("repro", repro.repro, "compose conf/, let DVC run what has changed, print the report, log the run")
    claim = verb("claim", repro.claim, "reserve data/work for this dataset; refuse the results of another dataset")
    for held in (reproduce, claim):
        held.add_argument("--replace", action="store_true", help="remove the results of another dataset there")
    for declared in pipeline.MAIN:
        added = verb(declared.name, partial(stages.run_stage, declared), declared.help)
        if declared.sides:
            added.add_argument("side", choices=declared.sides, help="which side")
        if declared.name in tables_alone.RESULT_FILES:
            tables_alone.add_options(declared.name, added)
        if declared.name == "report":
            review.add_report_options(added)
    thresholds = "test all combinations of thresholds on images with known originals, choose one"
    calibrate = verb("calibrate", tuning.calibrate, thresholds)
    grid = "try hash sizes and thresholds, compare them in MLflow, recommend one"
    sweep = verb("sweep", tuning.sweep, grid)
    verb("track", stages.track, "log the finished pipeline run to MLflow")
    whole = verb("run", run.run, "all stages from inventory to report at once, without DVC: for a quick look")
    for composed, when in ((params, ""), (reproduce, ""), (whole, "; none: params.yaml as it is")):
        text = f"Hydra overrides, e.g. dataset=archive match.min_ssim=0.8{when}"
        composed.add_argument("overrides", nargs="*", help=text)
    shard = verb("shard", stages.shard, "inventory, convert and fingerprint one folder of the archive by itself")
    shard.add_argument("name", help="which: a name in dataset.shards; results go to data/shards/NAME")
    join = verb("join", stages.join, "join the tables of all shards into those of the whole archive")
    scale.add_layouts(verb, stages.PARAMS)
    doctor.add(verb)
    find.add(verb)
    init.add(verb)
    for stage in commands.choices.values():
        if stage not in (params, reproduce, claim):
            stage.add_argument(
                "--workers", type=int, metavar="N", help="processes, 0 = one per core; no result changes"
            )
        if stage not in (params, reproduce, shard):
            work = stages.JOINED if stage is join else stages.WORK
            stage.add_argument(
                "--work", type=Path, default=work, metavar="DIR", help="folder of the results (default: %(default)s)"
            )
    calibrate.add_argument("--precision", type=float, metavar="P", help="in place of calibrate.precision, e.g. 0.99")
    calibrate.add_argument("--sample", type=int, metavar="N", help="in place of calibrate.sample")
    sweep.add_argument("overrides", nargs="*", help="Hydra overrides, e.g. hash.size=8,16 match.min_ssim=0.7,0.85")
    sweep.add_argument("-m", "--multirun", action="store_true", help="as Hydra has it; a sweep always is one")
    sweep.add_argument("--out", type=Path, metavar="DIR", help="in place of sweep/ there, for two sweeps at once")
    release.add(verb, stages.PARAMS, stages.WORK)
    discovery.add(verb)
    review.add(verb)
    ui.add(verb)
    watch.add(verb)
    helps["curate"] = curate.add(commands, stages.PARAMS)
    completion.add(verb, parser)
    for name, one in commands.choices.items():
        help_text.end_help(one, name, pipeline.BY_VERB.get(name))
    parser.epilog = help_text.verbs_by_group(helps)
    return parser


def _explain(error: OSError, work: Path) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(next((p for p in [work, *work.parents] if p.exists()), Path())).free
        where = f"{free:,} bytes are free where {work} lies"
        return f"{what}; {where}. Nothing half-written was kept: make room, run again"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{what}; `ulimit -n` says how many may be: raise it. Nothing half-written was kept"
    if error.errno == errno.EIO:
        return f"{what}; a disk fails (the kernel's log names it). Nothing half-written was kept"
    if error.errno == errno.EROFS:
        return f"{what}; semtrace writes into data/, .cache/, conf/match/ and params.yaml. Nothing was changed"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{what}; `ls -ld` shows the permissions. Inputs need read permission, data/work write permission"
    return what


def _fail(message: str, code: int) -> int:
    from semtrace.io.terminal import harmless

    if code_file := os.environ.get(stages.CODE_FILE):  # DVC itself exits with 255 whatever the reason
        with contextlib.suppress(OSError):
            Path(code_file).write_text(str(code))

    print(harmless(f"semtrace: error: {message}"), file=sys.stderr)
    return code


def command() -> int:
    """``main`` as all that this process does."""
    # Next to nothing here is in cycles. To look for garbage as often as by default takes a tenth of a short run,
    # and to look through all that is loaded, at its end, a third of a second.
    gc.set_threshold(50_000)
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, as in `semtrace ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more
        code = _READER_GONE
    gc.freeze()
    return code
