"""A figure is taken from an earlier run only where nothing of it has changed, and its bytes are what they were."""

from __future__ import annotations

import pytest

from semtrace.io import kept_figures
from semtrace.io.kept_figures import KeptFigures

MODULE = "semtrace.io.kept_figures"


@pytest.fixture
def kept(tmp_path) -> KeptFigures:
    made = KeptFigures(tmp_path / "cache.sqlite")
    made.put(MODULE, "a.png", "[1, 2]", b"\x89PNG\n\nbytes\n")
    return made


def test_the_same_numbers_give_the_same_bytes_and_others_none(kept):
    assert kept.get(MODULE, "a.png", "[1, 2]") == b"\x89PNG\n\nbytes\n"
    assert kept.get(MODULE, "a.png", "[1, 3]") is None
    assert kept.get(MODULE, "b.png", "[1, 2]") is None
    assert kept.drawn(MODULE, "a.png", "[1, 2]", lambda: b"new") == b"\x89PNG\n\nbytes\n"
    assert kept.drawn(MODULE, "a.png", "[1, 3]", lambda: b"new") == b"new" == kept.get(MODULE, "a.png", "[1, 3]")
    assert kept.get(MODULE, "a.png", "[1, 2]") is None  # a name has one figure


def test_other_code_or_libraries_draw_again(kept, monkeypatch):
    monkeypatch.setattr(kept_figures, "version", lambda name: "0")
    assert kept.get(MODULE, "a.png", "[1, 2]") is None
    monkeypatch.undo()
    monkeypatch.setattr(kept_figures, "code_digest", lambda module: "other")
    assert kept.get(MODULE, "a.png", "[1, 2]") is None


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: data.replace(b"bytes", b"bites")]
)
def test_a_damaged_file_is_drawn_again(kept, tmp_path, damage):
    (file,) = (tmp_path / "figures").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert kept.get(MODULE, "a.png", "[1, 2]") is None


def test_without_a_place_to_keep_them_figures_are_drawn(tmp_path):
    assert KeptFigures(None).drawn(MODULE, "a.png", "", lambda: b"new") == b"new"
    (tmp_path / "figures").write_text("no folder")
    assert KeptFigures(tmp_path / "x").drawn(MODULE, "a.png", "", lambda: b"new") == b"new"
