"""Kills and failing disks. After each: run again, and nothing tells that it ever happened."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from semtrace.cli.main import main
from semtrace.release.gates import GATES
from tests.conftest import PROJECT
from tests.crash.harness import (
    CLEAN,
    REFUSED,
    SPREAD,
    STAGES,
    Case,
    digests,
    fresh,
    group_is_gone,
    make_case,
    traced,
    until,
    with_workers,
    writes_to,
)

SYNCS = ("fsync", "fdatasync", "syncfs")
STEPS = ("rename", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", *SYNCS)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="session")
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not here, so no system call can be made to fail")
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("strace may not trace here")


def sweep(case: Case, name: str, folder: Path, call: str, what: str, *, old: str, last: int = 999) -> int:
    """Disturb the stage at its first such call, its second and so on, until it runs through; how often it was.

    Over nothing, over an ``old`` result, or over its ``own``, of which it takes over what it can.
    """
    for nth in range(1, last + 1):
        work, before = fresh(folder, name, old=old == "old")
        if old == "own":
            case.check(name, work, before=before)
            before = case.wanted[name]
        code, said = traced(case, name, work, f"{call}:{what}:when={nth}")  # strace counts each call for itself
        assert code in (CLEAN, REFUSED, -signal.SIGKILL), said[-2000:]
        if code == CLEAN:
            assert digests(work / name) == case.wanted[name]
        case.check(name, work, before=before)
        # one that failed without consequence, as the side cache's may, does not end the sweep
        if code == CLEAN and "(INJECTED)" not in (folder / "strace.txt").read_text():
            return nth - 1
    return last


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "old"),
    [("inventory", ""), *((name, "old") for name in STAGES), ("convert", "own"), ("label", "own")],
)
@pytest.mark.usefixtures("strace")
def test_killed_at_every_step(case, tmp_path, name, old):
    kills = {call: sweep(case, name, tmp_path / "x", call, "signal=SIGKILL", old=old) for call in STEPS}
    print(name, old, "kills:", {call: count for call, count in kills.items() if count})
    assert min(kills["mkdir"], kills["rename"], kills["syncfs"]) > 0
    assert not old or min(kills["renameat2"], kills["unlinkat"]) > 0


@pytest.mark.heavy
@pytest.mark.parametrize("name", STAGES)
@pytest.mark.usefixtures("strace")
def test_every_sync_fails(case, tmp_path, name):
    failed = {call: sweep(case, name, tmp_path / "x", call, "error=EIO", old="old") for call in SYNCS}
    print(name, "EIO:", {call: count for call, count in failed.items() if count})
    assert min(failed["fsync"], failed["syncfs"]) > 0


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize(("call", "what"), [("renameat2", "signal=SIGKILL"), ("syncfs", "error=EIO")])
def test_disturbed_at_the_last_step(case, tmp_path, call, what):
    assert sweep(case, "inventory", tmp_path / "x", call, what, old="old", last=1) == 1


@pytest.mark.heavy
@pytest.mark.parametrize("name", STAGES)
@pytest.mark.usefixtures("strace")
def test_no_space_at_any_write(case, tmp_path, name):
    """Whichever write it is that finds no room, also one of a worker or of the side cache, which may do without."""
    failed = {"write": 0, "pwrite64": 0}
    for call in failed:
        for nth in range(1, 200):
            work, before = fresh(tmp_path / "x", name, old=True)
            inject = f"{call}:error=ENOSPC:when={nth}"
            code, said = traced(case, name, work, inject, lambda pid, work=work: writes_to(case, name, work, pid))
            log = (tmp_path / "x/strace.txt").read_text()
            assert code == CLEAN or (code == REFUSED and "No space left on device" in said), said[-2000:]
            assert code == CLEAN or "needs more than the" in said
            case.check(name, work, before=before)
            if "(INJECTED)" not in log:
                break
            failed[call] += 1
    print(name, "ENOSPC:", failed)
    assert failed["write"] > 0


@pytest.mark.heavy
@pytest.mark.parametrize("name", STAGES)
@pytest.mark.usefixtures("strace")
def test_no_descriptor_at_some_opening(case, tmp_path, name):
    codes = []
    for nth in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
        work, before = fresh(tmp_path / "x", name, old=True)
        code, said = traced(case, name, work, f"openat:error=EMFILE:when={nth}")
        assert code == CLEAN or "Too many open files" in said, said[-2000:]
        if code == CLEAN:
            assert digests(work / name) == case.wanted[name]
        case.check(name, work, before=before)
        codes.append(code)
    print(name, "EMFILE:", codes)
    assert REFUSED in codes


def kill_at_random(case: Case, name: str, folder: Path, count: int, seed: int) -> int:
    """Kill a stage ``count`` times before its end; returns how often it was too late for that."""
    rng, killed, missed, longest = random.Random(seed), 0, 0, 0.0
    while killed < count:
        if killed % 3 < 2 or not longest:
            work, before = fresh(folder, name, old=killed % 3 == 1)
        else:
            before = case.wanted[name]  # over its own result, which the last check has left
        begin = time.monotonic()
        pid = case.start(name, work)
        if longest:  # the first is left alone, to know how long it takes
            time.sleep(rng.uniform(0, longest))  # the moment is what is tested
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        took = time.monotonic() - begin
        until(lambda pid=pid: group_is_gone(pid))  # no worker outlives its parent
        if code == -signal.SIGKILL:
            killed += 1
        else:  # the machine is less busy now than when it was measured
            assert code == CLEAN, (folder / "said.txt").read_text()[-2000:]
            missed += bool(longest)
            longest = min(longest or took, 0.9 * took)
        case.check(name, work, before=before)
    return missed


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "workers"),
    [*((name, n) for name in SPREAD for n in (1, 4)), *((name, 1) for name in STAGES[len(SPREAD) :])],
)
def test_killed_at_random(case, tmp_path, name, workers):
    missed = kill_at_random(with_workers(case, workers), name, tmp_path / "x", 50, seed=workers)
    print(f"{name}, {workers} workers: 50 kills before the end, {missed} too late")


@pytest.mark.heavy
@pytest.mark.parametrize("workers", [1, 4])
def test_a_killed_pipeline_goes_on(case, tmp_path, monkeypatch, workers):
    """All stages in one process, killed again and again: each folder is there and whole, or not at all."""
    rng, case, took, killed = random.Random(workers), with_workers(case, workers), 0.0, 0
    for trial in range(11):
        work = tmp_path / str(trial) / "work"
        work.mkdir(parents=True)
        began = time.monotonic()
        for _ in range(2 if trial else 0):  # the second run is killed too
            pid = case.start("all", work)
            time.sleep(rng.uniform(0, took))
            os.kill(pid, signal.SIGKILL)
            killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
            until(lambda pid=pid: group_is_gone(pid))
            for name in STAGES:
                found = digests(work / name) if (work / name).exists() else {}
                assert found in ({}, case.wanted[name]), name
        assert os.waitstatus_to_exitcode(os.waitpid(case.start("all", work), 0)[1]) == CLEAN
        took = took or time.monotonic() - began
        assert digests(work) == digests(case.done)
        assert digests(case.root / "archive") | digests(case.root / "published") == case.inputs
    print(f"all stages, {workers} workers: {killed} of 20 kills before the end")
    monkeypatch.chdir(tmp_path)  # and back at the end
    assert verify(case, work, tmp_path / "project") == 0


def verify(case: Case, work: Path, folder: Path) -> int:
    """Release these results and let `semtrace verify` look at the release; its exit code."""
    shutil.copytree(PROJECT / "conf", folder / "conf")
    shutil.copytree(work, folder / "data/work")
    os.chdir(folder)
    places = [f"dataset.{name}={case.root / name}" for name in ("archive", "published", "known")]
    assert main(["params", "dataset=archive", *places]) == 0
    allowed = [word for gate in GATES for word in ("--allow", gate)]
    assert main(["release", "--version", "1.0.0", "--date", "2026-01-01", *allowed]) == 0
    [release] = (folder / "data/releases").iterdir()
    return main(["verify", str(release), "--full", "--workers", "1"])


def test_killed_at_random_a_few_times(case, tmp_path):
    kill_at_random(with_workers(case, 2), "convert", tmp_path / "x", 3, seed=1)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "own"),
    [("inventory", False), ("convert", False), ("convert", True), ("fingerprint/tiff", False), ("match", False)],
)
def test_a_killed_worker_loses_nothing(case, tmp_path, name, own):
    lost = 0
    for _ in range(10):
        work, before = fresh(tmp_path / "x", name, old=False)
        if own:
            case.check(name, work, before=before)
            before = case.wanted[name]
        pid = with_workers(case, 2).start(name, work)
        until(lambda pid=pid: bool(children(pid)) or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))
        for child in children(pid)[:1]:
            os.kill(child, signal.SIGKILL)
            lost += 1
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == CLEAN, (tmp_path / "x/said.txt").read_text()
        assert digests(work / name) == case.wanted[name]
        case.check(name, work, before=before)
    assert lost > 5


def limited(case: Case, name: str, folder: Path, most: int) -> int:
    work, before = fresh(folder, name, old=True)

    def few() -> None:
        os.closerange(3, 1024)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    pid = case.start(name, work, few)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = (folder / "said.txt").read_text()
    assert code == CLEAN or "Too many open files" in said, said[-2000:]
    if code == CLEAN:
        assert digests(work / name) == case.wanted[name]
    case.check(name, work, before=before)
    return code


@pytest.mark.heavy
@pytest.mark.parametrize("name", STAGES)
def test_with_few_file_descriptors_it_is_right_or_refused(case, tmp_path, name):
    codes = [limited(case, name, tmp_path / "x", most) for most in range(4, 33)]
    print(name, codes)
    assert codes[0] == REFUSED
    assert codes[-1] == CLEAN


@pytest.fixture
def disk(tmp_path):
    """A function that makes a small disk at ``tmp_path/x/work``; skips where that is not allowed."""
    mounted = []

    def mount(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False).returncode:
            pytest.skip("mounting a small tmpfs is not allowed here")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


needs_mount = pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="needs root and mount")


def full(case: Case, name: str, folder: Path, disk, size: int) -> int:
    work = folder / "work"
    disk(work, f"size={size}")
    (work / name).mkdir(parents=True)
    (work / name / "old.csv").write_text("an earlier result")
    before = digests(work / name)
    code = os.waitstatus_to_exitcode(os.waitpid(case.start(name, work), 0)[1])
    said = (folder / "said.txt").read_text()
    if code == CLEAN:
        assert digests(work / name) == case.wanted[name]
    else:
        assert "No space left on device" in said, said[-2000:]
        assert "needs more than the" in said, said[-2000:]
        assert digests(work / name) == before
        assert [path.name for path in (work / name).parent.iterdir()] == [Path(name).name]
    subprocess.run(["mount", "-o", "remount,size=64m", work], check=True)
    case.check(name, work, before=before)
    return code


@needs_mount
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.heavy] * (name != "convert")) for name in STAGES]
)
def test_a_disk_too_small_leaves_the_old_result(case, tmp_path, disk, name, request):
    needed = sum(path.stat().st_size + 4096 for path in (case.done / name).rglob("*"))
    steps = 12 if request.node.get_closest_marker("heavy") else 2
    sizes = [max(8192, needed * step // steps // 4096 * 4096) for step in range(1, steps + 1)] + [8 * needed + 65_536]
    codes = [full(case, name, tmp_path / f"{i}", disk, size) for i, size in enumerate(sizes)]
    print(name, codes)
    assert codes[0] == REFUSED
    assert codes[-1] == CLEAN


@needs_mount
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.heavy] * (name != "label")) for name in STAGES])
def test_a_read_only_work_folder_is_refused(case, tmp_path, disk, name):
    work = tmp_path / "x/work"
    disk(work, "size=64m")
    (work / name).mkdir(parents=True)
    (work / name / "old.csv").write_text("an earlier result")
    before = digests(work / name)
    subprocess.run(["mount", "-o", "remount,ro", work], check=True)
    code = os.waitstatus_to_exitcode(os.waitpid(case.start(name, work), 0)[1])
    assert code == REFUSED
    assert "Read-only file system" in (tmp_path / "x/said.txt").read_text()
    subprocess.run(["mount", "-o", "remount,rw", work], check=True)
    case.check(name, work, before=before)


# --- what the command says


@pytest.fixture
def project_folder(case, tmp_path, monkeypatch):
    """A project on the small archive with an inventory, and the current folder in it."""
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    (tmp_path / "data/work").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    places = [f"dataset.{name}={case.root / name}" for name in ("archive", "published", "known")]
    assert main(["params", "dataset=archive", *places]) == 0
    return tmp_path


def said_by(*command: str, strace: str = "", descriptors: int = 0, workers: int = 1) -> str:
    """What `semtrace convert` says on its way to exit code 1, but for progress: one line, no traceback."""
    call = [sys.executable, "-m", "semtrace.cli", *command, "--workers", f"{workers}"]
    if strace:
        call = ["strace", "-f", "-o", os.devnull, "-e", f"inject={strace}", *call]

    def few() -> None:
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run(call, capture_output=True, text=True, check=False, preexec_fn=few, env=environment)
    assert done.returncode == 1, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "images/s" not in line]
    assert line.startswith("semtrace: error: ")
    return line


@pytest.mark.heavy
@needs_mount
def test_no_room_is_told_with_the_bytes_taken_and_free(case, project_folder, disk):
    disk(project_folder / "data/work", "size=60k")
    shutil.copytree(case.done / "inventory", project_folder / "data/work/inventory")
    said = said_by("convert")
    assert re.search(r"data/work/convert needs more than the [\d,]+ bytes .*; [\d,]+ bytes are free", said), said
    assert "make room, run again" in said
    assert {path.name for path in (project_folder / "data/work").iterdir()} == {"dataset.json", "inventory"}


@pytest.mark.heavy
@needs_mount
def test_no_room_in_the_second_process_of_a_run_is_told_alike(case, project_folder, disk):
    size = sum(path.stat().st_size + 4096 for path in (case.done / "inventory").rglob("*")) + 60_000
    disk(project_folder / "data/work", f"size={size}")
    said = said_by("run", workers=2)
    assert re.search(r"data/work/convert needs more than the [\d,]+ bytes .*; [\d,]+ bytes are free", said), said
    assert not [path for path in (project_folder / "data/work").iterdir() if path.name.endswith(".part")]


@pytest.mark.heavy
@needs_mount
def test_a_read_only_disk_is_told(project_folder, disk):
    disk(project_folder / "data/work", "size=1m,ro")
    assert "Read-only file system; semtrace writes into data/" in said_by("inventory")


@pytest.mark.heavy
@pytest.mark.usefixtures("strace")
def test_a_failing_disk_is_told(project_folder):
    assert "Input/output error; a disk fails" in said_by("inventory", strace="fsync:error=EIO")
    assert {path.name for path in (project_folder / "data/work").iterdir()} <= {"dataset.json"}


@pytest.mark.heavy
def test_too_few_descriptors_are_told(project_folder):
    assert "Too many open files; `ulimit -n`" in said_by("inventory", descriptors=14)
    assert {path.name for path in (project_folder / "data/work").iterdir()} <= {"dataset.json"}
