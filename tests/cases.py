"""Where the small cases and stored values of other libraries lie."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
CASES = PROJECT.parent / "shared" / "cases" / "discovery"
ORACLES = PROJECT / "tests" / "oracles"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"the small cases are not there ({CASES})")
