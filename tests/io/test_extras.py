"""An installation without the extras runs the main job; what needs one says how to get it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from semtrace.io import extras
from semtrace.io.extras import MissingExtraError, require_extra

PROJECT = Path(__file__).resolve().parents[2]
CHECK = """
import sys
from pathlib import Path
from semtrace.config import params
params.load(Path("params.yaml")).check()
print(sorted(set(sys.argv[1:]) & set(sys.modules)))
"""
EXTRAS = ("av", "boto3", "cv2", "distributed", "mrcfile", "nrrd", "onnxruntime", "playwright", "rapidocr", "zarr")
HEAVY = ("matplotlib", "mlflow", "pandas", "sklearn", "torch")


def test_checking_all_parameters_imports_no_extra_and_nothing_heavy():
    """Each command that composes parameters checks them all: without an extra it runs, and it begins at once."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *EXTRAS, *HEAVY], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch):
    require_extra("curation")
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "zarr" else name)
    with pytest.raises(MissingExtraError, match=r"^zarr not installed: `pip install 'semtrace\[curation\]'`"):
        require_extra("curation")
