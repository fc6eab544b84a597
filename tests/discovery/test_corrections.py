import csv
import json
from datetime import UTC, datetime

import pytest

from semtrace.cli.scale import _metres
from semtrace.discovery.corrections import (
    CORRECTIONS_FILE,
    CORRECTIONS_HISTORY,
    ensure_corrections,
    read_corrections,
    record_correction,
)
from semtrace.io.tables import TableError

ONE, TWO = "a" * 32, "b" * 32
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def rows(folder):
    with (folder / CORRECTIONS_FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_recorded_is_read(tmp_path):
    folder = tmp_path / "verdicts"
    assert record_correction(folder, ONE.upper(), 9.77e-9, "Åsa", NOON)
    assert record_correction(folder, TWO, 8.3e-10, "Bo", NOON)
    assert read_corrections(folder / CORRECTIONS_FILE) == {ONE: (9.77e-9, "Åsa"), TWO: (8.3e-10, "Bo")}
    assert rows(folder)[0] == {"md5": ONE, "pixel_size_m": "9.77e-09", "who": "Åsa", "when": "2026-11-28T12:00:00Z"}


def test_a_second_word_replaces_the_first_and_the_history_keeps_both(tmp_path):
    record_correction(tmp_path, ONE, 1e-8, "Åsa", NOON)
    assert record_correction(tmp_path, ONE, 2e-8, "Bo", NOON)
    assert not record_correction(tmp_path, ONE, 2e-8, "Bo", NOON)
    assert record_correction(tmp_path, ONE, None, "Bo", NOON)
    assert rows(tmp_path) == []
    lines = [json.loads(line) for line in (tmp_path / CORRECTIONS_HISTORY).read_text(encoding="utf-8").splitlines()]
    sizes = [[(line[side] or {}).get("pixel_size_m") for side in ("before", "after")] for line in lines]
    assert sizes == [[None, 1e-8], [1e-8, 2e-8], [2e-8, None]]
    assert [line["who"] for line in lines] == ["Åsa", "Bo", "Bo"]


def test_an_empty_table_is_made_where_there_is_none(tmp_path):
    ensure_corrections(tmp_path / "new")
    assert rows(tmp_path / "new") == []
    record_correction(tmp_path / "new", ONE, 1e-8, "Åsa", NOON)
    ensure_corrections(tmp_path / "new")
    assert len(rows(tmp_path / "new")) == 1


@pytest.mark.parametrize(
    ("digest", "size"), [("xyz", 1e-8), (ONE, 0.0), (ONE, 1e-2), (ONE, -1e-9), (ONE, float("nan"))]
)
def test_what_is_no_correction_is_refused(tmp_path, digest, size):
    with pytest.raises(ValueError, match=r"no md5|no pixel size"):
        record_correction(tmp_path, digest, size, "Åsa")
    assert not (tmp_path / CORRECTIONS_FILE).exists()


def test_a_slip_on_the_disk_is_not_written_over(tmp_path):
    file = tmp_path / CORRECTIONS_FILE
    file.write_text(f"md5,pixel_size_m,who,when\n{ONE},oops,x,\n")
    with pytest.raises(TableError, match="line 2"):
        record_correction(tmp_path, TWO, 1e-8, "Åsa")
    assert "oops" in file.read_text()


@pytest.mark.parametrize(
    ("text", "metres"),
    [("9.77nm", 9.77e-9), ("9.77 nm", 9.77e-9), ("830 pm", 8.3e-10), ("0.83µm", 8.3e-7), ("0.83 μm", 8.3e-7),
     ("1.2um", 1.2e-6), ("9.77e-9", 9.77e-9), ("9.77e-9 m", 9.77e-9), ("2mm", 2e-3)],
)  # fmt: skip
def test_sizes_as_people_write_them(text, metres):
    assert _metres(text) == metres


@pytest.mark.parametrize("text", ["", "nm", "9,77 nm", "5 px", "1..2 nm"])
def test_no_size(text):
    with pytest.raises(ValueError, match=r"size|float"):
        _metres(text)
