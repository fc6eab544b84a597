"""kill -9 at every rename, link, removal, sync and commit; then a restart: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from semtrace.parallel import system_calls
from tests.watch.harness import World, contents, picture, similar, tree

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = ("rename", "renameat2", "link", "linkat", "unlink", "fsync", "fdatasync")
FILES = {"a/1.bmp": picture(1), "a/2.bmp": similar(1), "a/3.bmp": picture(3), "a/4.png": picture(3, "PNG")}
UNIQUE, ARCHIVE = ["a/1.bmp", "a/3.bmp"], ["a/2.bmp", "a/4.png"]


def prepared(base: Path, elsewhere: Path | None) -> World:
    """A world with pictures that nobody has sorted; ``elsewhere``: another file system for what they become."""
    base.mkdir()
    w = World(base)
    if elsewhere is not None:
        shutil.rmtree(elsewhere, ignore_errors=True)
        w.unique, w.archive = elsewhere / "unique", elsewhere / "archive"
    for path, data in FILES.items():
        w.put(path, data)
    w.stop()
    return w


def killed(work: Callable[[], object], call: str, number: int) -> bool:
    """Whether work, done by another process, is ended by being killed at that system call of that number."""
    child = os.fork()
    if child == 0:
        try:
            os.kill(os.getpid(), signal.SIGSTOP)
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    _until(lambda: _state(child)["State"][0] in "Tt")
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(child), "-o", os.devnull, "-e", f"inject={call}:signal=KILL:when={number}"],
        stderr=subprocess.DEVNULL,
    )
    _until(lambda: _state(child)["TracerPid"] == str(tracer.pid) or tracer.poll() is not None)
    os.kill(child, signal.SIGCONT)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    tracer.wait()
    assert code in (0, -signal.SIGKILL), "the watcher ended by itself"
    return code != 0


def sorted_out(w: World) -> None:
    w.start()
    w.go(14)
    w.stop()


def check(w: World, before: list[str]) -> None:
    """What holds right after the kill, and after the restart."""
    assert set(contents(w.root, w.unique, w.archive)) >= set(before), "a picture is nowhere"
    for folder in (w.unique, w.archive):
        seen = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".semtrace-")]
        for path in seen:
            assert path.read_bytes() in FILES.values(), "something partial has a final name"
    w.start()
    w.go(80)
    assert contents(w.root, w.unique, w.archive) == before, "lost, or there twice"
    assert sorted(tree(w.unique)) == UNIQUE
    assert sorted(tree(w.archive)) == ARCHIVE
    left = [path for folder in (w.unique, w.archive) for path in folder.rglob(".semtrace-*")]
    assert not left, "temporary files remain"
    assert w.watcher._sorter.failed == 0
    w.stop()


def kill_at(base: Path, elsewhere: Path | None, call: str, number: int) -> bool:
    w = prepared(base, elsewhere)
    before = contents(w.root)
    was_killed = killed(lambda: sorted_out(w), call, number)
    check(w, before)
    shutil.rmtree(base)
    return was_killed


@pytest.mark.parametrize(("call", "number"), [("renameat2", 2), ("fdatasync", 4), ("fsync", 3)])
def test_a_few_kills(quick_path, call, number):
    kill_at(quick_path / "x", None, call, number)


@pytest.mark.heavy
@pytest.mark.parametrize("how", ["one file system", "another file system", "no renaming without overwriting"])
def test_a_kill_at_every_call(quick_path, tmp_path, monkeypatch, how):
    elsewhere = tmp_path / "other" if how == "another file system" else None
    if elsewhere is not None and tmp_path.stat().st_dev == quick_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    if how == "no renaming without overwriting":  # links in its place
        monkeypatch.setattr(system_calls, "_renameat2", lambda: None)
    kills = dict.fromkeys(CALLS, 0)
    for call in CALLS:
        while kill_at(quick_path / "x", elsewhere, call, kills[call] + 1):
            kills[call] += 1
    print(kills)
    assert sum(kills.values()) > 12


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def _state(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
