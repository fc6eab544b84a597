from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from semtrace.io.cache import Kind
from semtrace.stage.cached_map import cached_map, worked_map
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure

KIND = Kind("test", ("semtrace.stage.cached_map",))


def double(log: Path, item: str) -> dict[str, object] | Failure:
    """A value; a failure for "bad"; no memory for "huge"; a killed worker for "dead"."""
    with log.open("a") as file:
        file.write(f"{item}\n")
    if item == "bad":
        return Failure("unreadable", "said so")
    if item == "huge":
        raise MemoryError
    if item == "dead":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"twice": item * 2, "array": np.arange(len(item))}


def key(item: str) -> str:
    return f"digest of {item}"


def files(item: str) -> list[str]:
    return [item]


@pytest.fixture
def run(tmp_path):
    log = tmp_path / "log"
    log.touch()

    def mapped(items: list[str], workers: int = 1, kind: Kind = KIND) -> list[object]:
        executor = Executor(workers, tmp_path / "cache.sqlite")
        work = partial(double, log)
        return list(cached_map(items, work, kind=kind, key=key, executor=executor, what="test", reads=files))

    mapped.log = log
    return mapped


@pytest.mark.parametrize("workers", [1, 2])
def test_values_and_failures_come_in_order_and_a_dead_worker_costs_one_item(run, workers):
    items = ["a", "bad", "bb", "huge", "dead", "ccc"]
    a, bad, bb, huge, dead, ccc = run(items, workers)
    assert [value["twice"] for value in (a, bb, ccc)] == ["aa", "bbbb", "cccccc"]
    assert ccc["array"].tolist() == [0, 1, 2]
    assert bad == Failure("unreadable", "said so")
    assert (huge.reason, dead.reason) == ("out_of_memory", "decoder_crashed")


def test_what_is_known_is_not_computed_again_and_a_failure_is_tried_again(run):
    first = run(["a", "bad"])
    run.log.write_text("")
    second = run(["a", "bad", "b"])
    assert run.log.read_text().split() == ["bad", "b"]
    assert second[0]["twice"] == first[0]["twice"]


def test_other_code_computes_again(run):
    run(["a"])
    run.log.write_text("")
    run(["a"], kind=Kind("test", ("semtrace.core.names",)))
    assert run.log.read_text().split() == ["a"]


def crash(cache_file: str, item: str) -> tuple[str, list[object]]:
    os.kill(os.getpid(), signal.SIGKILL)
    return item, []


def well(cache_file: str, item: str) -> tuple[str, list[object]]:
    return f"{item} alone", []


def test_an_item_whose_worker_crashed_may_be_tried_in_another_way(tmp_path):
    executor = Executor(1, tmp_path / "cache.sqlite")
    found = worked_map(["a"], crash, recall=None, executor=executor, what="test", reads=files, alone=well)
    assert list(found) == ["a alone"]
