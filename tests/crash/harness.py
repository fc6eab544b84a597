"""One stage in a process of its own, disturbed; then the oracle that holds after every disturbance."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from semtrace.config.params import Params
from semtrace.provenance import convert, deduplicate, fingerprint, inventory, label, match, plot, validate
from semtrace.stage.executor import Executor
from tests.pipeline import defaults, run_all
from tests.small_archive import build

SPREAD = ("inventory", "convert", "fingerprint/tiff", "fingerprint/jpeg", "match", "deduplicate")  # over workers
STAGES = (*SPREAD, "label", "validate", "plot")
CLEAN, REFUSED = 0, 3  # exit codes of the process: done, or ended by an OSError


def digests(folder: Path) -> dict[str, str]:
    """What a folder holds: every file's path and digest, every other entry's path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest() if path.is_file() else "-"
        for path in sorted(folder.rglob("*"))
    }


@dataclass(frozen=True)
class Case:
    """A finished run, of which one stage at a time is run again elsewhere under a disturbance."""

    root: Path
    done: Path
    wanted: dict[str, dict[str, str]]
    inputs: dict[str, str]
    parameters: Params
    workers: int = 1

    def stage(self, name: str, work: Path, cache: Path) -> None:
        archive, published, known = (self.root / part for part in ("archive", "published", "known"))
        p, ready, executor = self.parameters, self.done, Executor(self.workers, cache)
        listing, out = ready / "inventory/inventory.csv", work / name
        hashes = ready / "fingerprint/tiff/hashes.csv", ready / "fingerprint/jpeg/hashes.csv"
        near = p.match.rules(p.hash.size**2).criteria.hamming_threshold
        if name == "inventory":
            inventory.run(archive, out, executor)
        elif name == "convert":
            convert.run(archive, listing, out, p.convert, executor)
        elif name == "fingerprint/tiff":
            fingerprint.tiffs(archive, listing, out, p.hash, p.fingerprint, executor)
        elif name == "fingerprint/jpeg":
            fingerprint.jpegs(published, out, p.hash, p.fingerprint, executor)
        elif name == "match":
            match.run(
                hashes[0], [hashes[1]], out, p.match, executor, archive=archive, published=published,
                converted=ready / "convert/converted.csv", verdicts=known / "verdicts.csv",
            )  # fmt: skip
        elif name == "deduplicate":
            deduplicate.run(
                {"tiff": [hashes[0]], "jpeg": [hashes[1]]}, out, p.deduplicate, executor,
                roots={"tiff": archive, "jpeg": published}, inventory=listing,
                mapping=ready / "match/jpeg_to_tiff.csv", verdicts=known / "verdicts.csv",
            )  # fmt: skip
        elif name == "all":
            run_all(archive, published, known, work, defaults(work.parent, workers=self.workers))
        elif name == "label":
            label.run(
                archive, hashes[0], [hashes[1]], ready / "match", out, p.labels.parsed(), p.label,
                near=near, verdicts=known / "verdicts.csv", cache=cache,
            )  # fmt: skip
        elif name == "validate":
            validate.run(ready, archive, published, known, out)
        else:
            plot.run(ready, out, plot.Thresholds(near, 120, 300))

    def start(self, name: str, work: Path, prepare: Callable[[], object] = lambda: None) -> int:
        """Run a stage in a child that leads its own group; returns its process id."""
        child = os.fork()
        if child:
            return child
        code = 4
        try:
            os.setsid()
            quiet = os.open(work.parent / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(quiet, 1), os.dup2(quiet, 2), os.close(quiet)
            sys.stdout = sys.stderr = os.fdopen(2, "w")
            prepare()
            self.stage(name, work, work.parent / "cache.sqlite")
            code = CLEAN
        except OSError as error:
            print(f"OSError: {error}")
            code = REFUSED
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def check(self, name: str, work: Path, *, before: dict[str, str]) -> None:
        """Assert that nothing partial has the final name; run again undisturbed; assert that all is as it should be."""
        out = work / name
        found = digests(out) if out.exists() else {}
        assert found in ({}, before, self.wanted[name]), "something partial stands under the final name"
        assert not before or found, "the old result is gone and no new one is there"
        pid = self.start(name, work)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == CLEAN, (work.parent / "said.txt").read_text()[-2000:]
        assert digests(out) == self.wanted[name]
        assert {path.name for path in out.parent.iterdir()} == {out.name}, "temporary files remain"
        assert digests(self.root / "archive") | digests(self.root / "published") == self.inputs


def make_case(root: Path) -> Case:
    build(root)
    parameters = defaults(root)
    run_all(root / "archive", root / "published", root / "known", root / "work", parameters)
    wanted = {name: digests(root / "work" / name) for name in STAGES}
    return Case(root, root / "work", wanted, digests(root / "archive") | digests(root / "published"), parameters)


def fresh(folder: Path, name: str, *, old: bool) -> tuple[Path, dict[str, str]]:
    """A work folder, with ``old`` an earlier result in it; returns it and what the folder of the stage holds."""
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    (work / name).parent.mkdir(parents=True)
    if not old:
        return work, {}
    (work / name).mkdir()
    (work / name / "old.csv").write_text("an earlier result")
    return work, digests(work / name)


def with_workers(case: Case, workers: int) -> Case:
    return replace(case, workers=workers)


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for another process, however busy the machine is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def state(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def writes_to(case: Case, name: str, work: Path, pid: int) -> list[Path]:
    """Every file that a stage run as ``pid`` writes, under the name it has while it is written, and the side cache."""
    staging = (work / name).with_name(f".{Path(name).name}.part")
    files = [staging / path for path, digest in case.wanted[name].items() if digest != "-"]
    temporary = [path.with_name(f".{path.name[:200]}.{end}{pid}.part") for path in files for end in ("", "rows.")]
    cache = work.parent / "cache.sqlite"
    return [*files, *temporary, cache, cache.with_name("cache.sqlite-wal"), cache.with_name("cache.sqlite-shm")]


def traced(
    case: Case, name: str, work: Path, inject: str, only: Callable[[int], list[Path]] = lambda _: []
) -> tuple[int, str]:
    """Run a stage and its workers under ``strace -e inject=…``, for what concerns ``only`` these files, if there are.

    Returns its exit code (negative: the signal) and what it said.
    """
    pid = case.start(name, work, lambda: os.kill(os.getpid(), signal.SIGSTOP))
    until(lambda: state(pid)["State"].startswith(("T", "t")))
    log = work.parent / "strace.txt"
    paths = [word for path in only(pid) for word in ("-P", str(path))]
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(pid), "-o", log, "-e", f"inject={inject}", *paths], stderr=subprocess.DEVNULL
    )
    until(lambda: state(pid)["TracerPid"] == str(tracer.pid) or tracer.poll() is not None)
    os.kill(pid, signal.SIGCONT)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    tracer.wait()
    return code, (work.parent / "said.txt").read_text()


def group_is_gone(pid: int) -> bool:
    """Whether no process is left of the group that ``pid`` led."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False
