from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from semtrace.parallel.background import BackgroundProcess
from semtrace.parallel.processes import map_images


def double(x: int) -> int:
    return 2 * x


def fail(words: str) -> None:
    raise OSError(28, words)


def die() -> None:
    os._exit(7)


def wait_for(file: Path) -> str:
    """As a stage does that is interrupted, clear up, which takes a moment; uninterrupted it waits for ever."""
    try:
        file.touch()
        while True:
            time.sleep(0.01)
    finally:
        time.sleep(0.3)
        file.unlink()


def in_workers() -> list[int]:
    return list(map_images(double, range(20), workers=2, what="t", chunk=3))


@pytest.mark.parametrize("alone", [False, True])
def test_results_come_in_the_order_of_the_tasks(alone):
    with BackgroundProcess(alone=alone) as other:
        for x in range(5):
            other.begin("t", partial(double, x))
        assert [other.result() for _ in range(5)] == [0, 2, 4, 6, 8]


def test_it_is_another_process_that_may_have_workers_of_its_own():
    with BackgroundProcess() as other:
        other.begin("t", os.getpid)
        other.begin("t", in_workers)
        assert other.result() != os.getpid()
        assert other.result() == list(range(0, 40, 2))


def results(*tasks, alone=False):
    with BackgroundProcess(alone=alone) as other:
        for name, task in tasks:
            other.begin(name, task)
        return [other.result() for _ in tasks]


@pytest.mark.parametrize("alone", [False, True])
def test_what_a_task_raises_is_raised_here(alone):
    with pytest.raises(OSError, match="no room") as caught:
        results(("t", partial(fail, "no room")), alone=alone)
    assert caught.value.errno == 28


def test_a_process_that_dies_is_named_by_its_task():
    with pytest.raises(OSError, match=r"convert: its process died: .*exit code 7\. Run it again"):
        results(("convert", die), ("label", os.getpid))


class OwnError(Exception):
    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def fail_in_an_own_way() -> None:
    raise OwnError(1, 2)


def test_an_error_that_cannot_be_sent_keeps_its_words_and_any_error_says_where_it_arose():
    with pytest.raises(RuntimeError, match="OwnError: 1 and 2"):
        results(("t", fail_in_an_own_way))
    with pytest.raises(OSError, match="no room") as caught:
        results(("t", partial(fail, "no room")))
    assert "in fail\n" in caught.value.__notes__[0]


def fail_beside(file: Path, *, interrupted: bool) -> None:
    with BackgroundProcess() as other:
        other.begin("t", os.getpid)
        process = other.result()
        other.begin("t", partial(wait_for, file))
        while not file.exists():
            time.sleep(0.01)
        if interrupted:
            os.kill(process, signal.SIGINT)  # as from the terminal, which interrupts both
            time.sleep(0.1)
        raise ValueError("here")


@pytest.mark.parametrize("interrupted", [False, True])
def test_where_this_process_fails_the_other_is_interrupted_once_and_clears_up(interrupted, tmp_path):
    with pytest.raises(ValueError, match="here"):
        fail_beside(tmp_path / "unfinished", interrupted=interrupted)
    assert not (tmp_path / "unfinished").exists()


def fail_with_workers_at_hand() -> None:
    with BackgroundProcess() as other:
        other.begin("t", os.getpid)
        other.result()
        held = map_images(double, range(400), workers=2, what="t", chunk=1)  # they hold copies of the pipe
        next(held)
        raise ValueError(held)


def test_a_failure_amid_a_map_ends_it_too_where_ctrl_c_is_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of what a script starts in the background
    try:
        with pytest.raises(ValueError, match="generator"):
            fail_with_workers_at_hand()
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interruption_of_the_other_process_alone_is_one_of_this():
    with BackgroundProcess() as other:
        other.begin("t", os.getpid)
        process = other.result()
        os.kill(process, signal.SIGINT)
        other.begin("t", partial(time.sleep, 60))
        with pytest.raises(KeyboardInterrupt):
            other.result()
