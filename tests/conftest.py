"""Fixtures that every floor's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

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
