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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, so that at the end no core waits for the one that has it."""
    items.sort(key=lambda item: item.path.name != "test_variants.py")
