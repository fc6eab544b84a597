from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.watch.harness import DEFAULT, World

MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: the journal asks for each commit to be on the disk."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(prefix="semtrace-test-", dir=MEMORY))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def world(quick_path: Path) -> Iterator[Callable[..., World]]:
    """Make a world, with other settings or options if wanted; its files are closed at the end."""
    made: list[World] = []

    def make(rules=DEFAULT, **options: bool) -> World:
        made.append(World(quick_path, rules, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop()
