"""A stage that is killed for good, and run again."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from semtrace.curation import classify, train
from semtrace.stage.executor import Executor
from tests.curation.conftest import World, tissue, write_mrc

DONE = 2  # tasks that a stage ends before it is killed


class Killing(Executor, section="executor"):
    """Kills its process when the third result comes, before anyone has it."""

    def map(self, function, items, **more):
        for number, one in enumerate(super().map(function, items, **more)):
            if number == DONE:
                os.kill(os.getpid(), signal.SIGKILL)
            yield one


class Counting(Executor, section="executor"):
    """Counts the tasks that are not known from before."""

    def map(self, function, items, **more):
        self.done.extend(items)
        return super().map(function, items, **more)


def crop_all(world):
    world.run_crop(size=48, memory_mb=1)


def train_all(world):
    settings, reading = train.Settings(network=False, samples=60), world.settings.reading()
    folders = world.root / "deduplicated", world.root / "train"
    train.run(world.inputs(), *folders, world.root / "verdicts", settings, reading, world.executor)


def classify_all(world):
    settings, reading = classify.Settings(network=False), world.settings.reading()
    classify.run(world.inputs(), world.root, world.root / "verdicts", settings, reading, world.executor)


STAGES = {
    "raw": crop_all, "deduplicated": lambda world: world.run_deduplicate(), "train": train_all,
    "filtered": classify_all,
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("killed"))
    for number in range(4):
        volume = tissue((16, 64, 64), number, sigma=3.0)
        write_mrc(world.volumes / f"v{number}.mrc", volume.astype(np.int16), nm=(8, 8, 8))
    world.run_import()
    world.run_section(axes=[0])
    for run in STAGES.values():
        run(world)
    world.wanted = {stage: world.bytes_of(stage) for stage in STAGES}
    return world


def counted(world, name, run):
    """How many tasks a stage does with the cache of that name."""
    executor = Counting(1, world.root / name)
    vars(executor)["done"] = []
    world.executor = executor
    run(world)
    return len(executor.done)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_killed_leaves_the_old_result_and_goes_on_where_it_was(world, stage):
    run = STAGES[stage]
    every = counted(world, f"{stage} whole.sqlite", run)
    pid = os.fork()
    if not pid:
        try:
            world.executor = Killing(1, world.root / f"{stage}.sqlite")
            run(world)
        finally:
            os._exit(0)  # it was not killed
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert world.bytes_of(stage) == world.wanted[stage]
    assert counted(world, f"{stage}.sqlite", run) == every - DONE
    assert world.bytes_of(stage) == world.wanted[stage]
    left = [path.name for path in world.root.iterdir() if path.name.startswith(".")]
    assert left == [], "scratch or a half-written folder remains"
