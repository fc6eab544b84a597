from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

from semtrace.io import tables
from semtrace.io.kept_figures import KeptFigures
from semtrace.provenance import plot
from semtrace.provenance.tables import JPEG_TO_TIFF
from semtrace.stage.figures import new_figure
from tests.crash.harness import digests

NAMES = {
    "funnel.png", "outcomes_by_category.png", "hamming_histogram_logscale.png", "ssim_histogram.png",
    "ssim_histogram_logscale.png", "ssim_plot_by_row.png",
}  # fmt: skip
TABLES = {"funnel.csv", "outcomes_by_category.csv", "matched_by_hamming.csv", "matched_by_ssim.csv"}
LINES = plot.Thresholds(150, 120, 300)


def test_six_pictures_of_a_useful_size_and_the_numbers_of_those_that_count(done):
    files = {file.name: file for file in (done.work / "plot").iterdir()}
    assert files.keys() == NAMES | TABLES
    for name in NAMES:
        with Image.open(files[name]) as picture:
            assert picture.width >= 900
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 50  # something is drawn
            assert "Software" not in picture.info


def test_thresholds_that_are_equal_share_a_label():
    axes = new_figure(6, 4).add_subplot()
    plot._hamming(axes, [("matched", 3.0)], plot.Thresholds(40, 40, 300))
    assert [one.get_text() for one in axes.texts] == ["SSIM trigger, threshold 40", "reach of the farther look 300"]
    assert len(axes.lines) == 2


def test_the_same_tables_give_the_same_bytes(done, tmp_path):
    plot.run(done.work, tmp_path / "again", LINES)
    for name in NAMES | TABLES:
        assert (tmp_path / "again" / name).read_bytes() == (done.work / "plot" / name).read_bytes()


def test_a_figure_whose_numbers_are_the_same_is_not_drawn_again(done, tmp_path, monkeypatch):
    kept = KeptFigures(tmp_path / "cache.sqlite")
    plot.run(done.work, tmp_path / "first", LINES, kept)
    drawn = []
    monkeypatch.setattr(plot, "png", lambda figure: drawn.append(figure) or b"new")
    plot.run(done.work, tmp_path / "second", LINES, kept)
    assert drawn == []
    assert digests(tmp_path / "first") == digests(tmp_path / "second")
    plot.run(done.work, tmp_path / "third", plot.Thresholds(149, 120, 300), kept)  # a threshold that is marked
    assert len(drawn) == 1
    assert (tmp_path / "third/hamming_histogram_logscale.png").read_bytes() == b"new"


def test_matplotlib_is_not_loaded_where_nothing_is_drawn(done, tmp_path):
    script = (
        "import sys; from pathlib import Path; from semtrace.provenance import plot; "
        "from semtrace.io.kept_figures import KeptFigures; "
        f"plot.run(Path({str(done.work)!r}), Path({str(tmp_path)!r}) / 'out', plot.Thresholds(150, 120, 300), "
        f"KeptFigures(Path({str(tmp_path / 'cache')!r}))); print('matplotlib.figure' in sys.modules)"
    )
    plot.run(done.work, tmp_path / "first", LINES, KeptFigures(tmp_path / "cache"))
    done_ = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done_.stdout.split() == ["False"]


def test_the_curves_count_matches_by_distance_and_by_ssim(done):
    rows = [row for row in done.rows("match/jpeg_to_tiff.csv") if row["decision"] == "matched"]
    for file, column, within in (
        ("hamming", "hamming_distance", lambda value, bound: value <= bound),
        ("ssim", "ssim_value", lambda value, bound: value >= bound),
    ):
        values = [float(row[column]) for row in rows if row[column]]
        for point in done.rows(f"plot/matched_by_{file}.csv"):
            assert int(point["matched"]) == sum(within(value, float(point[column])) for value in values)


def test_nothing_to_draw_is_drawn_as_such(tmp_path):
    assert set(plot.run(mapping(tmp_path, []), tmp_path / "out", LINES)) == NAMES


def test_a_name_is_drawn_as_it_is_whatever_it_looks_like(tmp_path):
    """No mathematics, no control characters: "$" is a letter of file names."""
    names = ["Tips/$\\frac$.jpg", "Tips/a\nb\t\x1b[1m.jpg", "Tips/$x$ $y$.jpg", "Tips/😀\u202e.jpg", "$\\frac$/x.jpg"]
    empty = dict.fromkeys(JPEG_TO_TIFF.names, "")
    rows = [
        {**empty, "jpeg_path": name, "decision": "matched", "hamming_distance": 3, "ssim_value": 0.3} for name in names
    ]
    assert set(plot.run(mapping(tmp_path, rows), tmp_path / "out", LINES)) == NAMES


def mapping(root: Path, rows: list) -> Path:
    """A folder of results that has the answer alone."""
    (root / "work/match").mkdir(parents=True)
    tables.write(root / "work/match/jpeg_to_tiff.csv", JPEG_TO_TIFF, rows)
    return root / "work"
