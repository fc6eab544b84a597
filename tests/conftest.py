"""Fixtures that every floor's tests share."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path

import pytest

from tests.small_archive import crowded, done  # noqa: F401  (fixtures)

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # as cli.py: workers are then forked
    os.environ.setdefault(name, "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")  # as io/columns.py

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real images, hash tables and truth tables, read where they lie."""
    data = PROJECT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the real images of ../shared/data are not here")
    return data


@pytest.fixture(scope="session")
def cases() -> Path:
    """Small cases with their right outcomes, read where they lie."""
    folder = PROJECT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("the cases of ../shared/cases are not here")
    return folder


def pytest_configure() -> None:
    """Start the server of worker processes while tests are collected; see tests/warm_workers.py."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        multiprocessing.set_forkserver_preload(["tests.warm_workers"])
        forkserver.ensure_running()


LONGEST = (
    "contract/test_pipeline.py", "contract/test_sweep.py", "contract/test_release.py", "provenance/test_again.py",
    "tuning/test_measured_tables.py", "tuning/test_sweep.py", "provenance/test_ordinary_edits.py",
    "provenance/test_real_input.py", "provenance/test_published_hashes.py", "discovery/test_cli.py",
    "provenance/test_decoding.py", "hostile/test_archives.py", "contract/test_repro.py", "provenance/test_geometry.py",
    "tuning/test_calibrate.py", "contract/test_nothing_is_lost.py", "hostile/test_world.py",
    "discovery/test_features.py", "discovery/test_finetune.py", "cluster/test_cluster.py", "tuning/test_republish.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that at the end no core waits for the one that has a long one."""
    places = {str(PROJECT / "tests" / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(LONGEST)))
