"""Kills and failing disks while a release is made or packed: it is there as a whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.release import pack, verify
from tests.crash import test_crash
from tests.crash.harness import CLEAN, REFUSED, Case, digests, traced
from tests.crash.test_crash import SYNCS, needs_mount
from tests.release.project import Picture, Project

disk, strace = test_crash.disk, test_crash.strace  # fixtures
OLD, NEW = "sem-test-1.0.0", "sem-test-1.1.0"
BAG, SHARDS = f"{OLD}.bag.tar", f"{OLD}.shards"
MADE = (NEW, BAG, SHARDS)
STEPS = ("rename", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "link", *SYNCS)


class Releasing(Case):
    """A project in which release 1.1.0 is made by hard links and with originals, or 1.0.0 is packed.

    ``done`` holds release 1.0.0; ``wanted`` what each of them is when nothing disturbs it.
    """

    def stage(self, name: str, work: Path, cache: Path) -> None:
        if name == NEW:
            Project(self.root, changed()).make("1.1.0", work, originals=True, link="hardlink")
        elif name == BAG:
            pack.bag(work / OLD, work)
        else:
            pack.shards(work / OLD, work, 500)

    def ready(self, folder: Path) -> Path:
        """A folder of releases with 1.0.0 in it."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.done / OLD, folder / "work" / OLD)
        return folder / "work"

    def wait(self, name: str, work: Path) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.start(name, work), 0)[1])

    def check(self, name: str, work: Path, *, before: dict[str, str] | None = None) -> None:
        """The new one is whole or not there, the old one and the sources are what they were, and trying again helps."""
        self.holds(work, name)
        if not (work / name).exists():
            assert self.wait(name, work) == CLEAN, (work.parent / "said.txt").read_text()[-2000:]
            self.holds(work, name)
        assert {path.name for path in work.iterdir()} == {OLD, name}, "temporary files remain"
        assert name != NEW or verify.run(work / name, full=True, workers=1) == []

    def holds(self, work: Path, name: str) -> None:
        assert held(work / name) in ({}, self.wanted[name]), "something partial stands under the final name"
        assert held(work / OLD) == self.wanted[OLD]
        assert digests(self.root / "archive") | digests(self.root / "published") == self.inputs


def changed() -> list[Picture]:
    pictures = Project(Path()).pictures
    pictures[3:5] = [Picture(4, pictures[4].category, "train", quality=60)]
    return pictures


def held(path: Path) -> dict[str, str]:
    return {"": hashlib.md5(path.read_bytes()).hexdigest()} if path.is_file() else digests(path)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Releasing:
    root = tmp_path_factory.mktemp("case")
    Project(root).release("1.0.0", originals=True)
    Project(root, changed()).write()
    inputs = digests(root / "archive") | digests(root / "published")
    case = Releasing(root, root / "releases", {}, inputs, parameters=None)
    wanted = {OLD: digests(case.done / OLD)}
    for name in MADE:
        work = case.ready(tmp_path_factory.mktemp("undisturbed"))
        assert case.wait(name, work) == CLEAN, (work.parent / "said.txt").read_text()
        wanted[name] = held(work / name)
    return replace(case, wanted=wanted)


def sweep(case: Releasing, name: str, folder: Path, call: str, what: str, *, last: int = 999) -> int:
    """Disturb it at its first such call, its second and so on, until it runs through; how often it was."""
    for nth in range(1, last + 1):
        work = case.ready(folder)
        code, said = traced(case, name, work, f"{call}:{what}:when={nth}")
        assert code in (CLEAN, REFUSED, -signal.SIGKILL), said[-2000:]
        case.check(name, work)
        if code == CLEAN and "(INJECTED)" not in (folder / "strace.txt").read_text():
            return nth - 1
    return last


@pytest.mark.heavy
@pytest.mark.parametrize("name", MADE)
@pytest.mark.usefixtures("strace")
def test_killed_at_every_step(case, tmp_path, name):
    kills = {call: sweep(case, name, tmp_path / "x", call, "signal=SIGKILL") for call in STEPS}
    print(name, "kills:", {call: count for call, count in kills.items() if count})
    wanted = {
        NEW: ("mkdir", "link", "fsync", "syncfs", "rename"),
        BAG: ("fsync", "rename"),
        SHARDS: ("mkdir", "syncfs"),
    }
    assert min(kills[call] for call in wanted[name]) > 0


@pytest.mark.heavy
@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    ("call", "error"), [*((call, "EIO") for call in SYNCS), ("write", "ENOSPC"), ("link", "EDQUOT")]
)
@pytest.mark.usefixtures("strace")
def test_every_call_fails(case, tmp_path, name, call, error):
    print(name, call, error, sweep(case, name, tmp_path / "x", call, f"error={error}"))


@pytest.mark.parametrize(("call", "what"), [("renameat2", "signal=SIGKILL"), ("syncfs", "error=EIO")])
@pytest.mark.usefixtures("strace")
def test_disturbed_at_the_last_step(case, tmp_path, call, what):
    assert sweep(case, NEW, tmp_path / "x", call, what, last=1) == 1


def kill_at_random(case: Releasing, name: str, folder: Path, count: int) -> int:
    rng, killed, longest = random.Random(name), 0, 0.0
    for trial in range(count + 1):
        work = case.ready(folder)
        begin = time.monotonic()
        pid = case.start(name, work)
        if trial:  # the first is left alone, to know how long it takes
            time.sleep(rng.uniform(0, longest))  # the moment is what is tested
            os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        longest = longest or time.monotonic() - begin
        case.check(name, work)
    return killed


@pytest.mark.heavy
@pytest.mark.parametrize("name", MADE)
def test_killed_at_random(case, tmp_path, name):
    killed = kill_at_random(case, name, tmp_path / "x", 100)
    print(f"{name}: {killed} of 100 kills before the end")
    assert killed > 20


def test_killed_at_random_a_few_times(case, tmp_path):
    assert kill_at_random(case, NEW, tmp_path / "x", 5) <= 5


def full(case: Releasing, name: str, folder: Path, disk, size: int) -> int:
    work = folder / "work"
    disk(work, "size=64m")
    shutil.copytree(case.done / OLD, work / OLD)
    status = os.statvfs(work)
    taken = (status.f_blocks - status.f_bfree) * status.f_frsize
    subprocess.run(["mount", "-o", f"remount,size={taken + size}", work], check=True)
    code = case.wait(name, work)
    said = (folder / "said.txt").read_text()
    assert code == CLEAN or "No space left on device" in said, said[-2000:]
    assert code == CLEAN or {path.name for path in work.iterdir()} == {OLD}
    subprocess.run(["mount", "-o", "remount,size=64m", work], check=True)
    case.check(name, work)
    return code


@needs_mount
@pytest.mark.parametrize("name", [NEW, *(pytest.param(name, marks=pytest.mark.heavy) for name in (BAG, SHARDS))])
def test_a_disk_too_small_leaves_the_old_release_and_nothing_else(case, tmp_path, disk, name, request):
    steps = 20 if request.node.get_closest_marker("heavy") else 4
    needed = 400_000 if name == NEW else 200_000
    codes = [
        full(case, name, tmp_path / f"{step}", disk, needed * step // steps // 4096 * 4096 + 4096)
        for step in range(steps)
    ]
    codes.append(full(case, name, tmp_path / "enough", disk, 4_000_000))
    print(name, codes)
    assert codes[0] == REFUSED
    assert codes[-1] == CLEAN
