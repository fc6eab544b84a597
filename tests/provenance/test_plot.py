from __future__ import annotations

from PIL import Image

from semtrace.io import tables
from semtrace.provenance import plot
from semtrace.provenance.tables import JPEG_TO_TIFF

NAMES = {
    "hamming_histogram_logscale.png", "ssim_histogram.png", "ssim_histogram_logscale.png", "ssim_plot_by_row.png",
}  # fmt: skip
CURVES = {"matched_by_hamming.csv", "matched_by_ssim.csv"}
LINES = plot.Thresholds(150, 120, 300)


def test_four_pictures_of_a_useful_size(done):
    files = list((done.work / "plot").iterdir())
    assert {file.name for file in files} == NAMES | CURVES
    for file in [file for file in files if file.suffix == ".png"]:
        with Image.open(file) as picture:
            assert picture.width >= 900
            assert len(picture.convert("RGB").getcolors(1 << 24)) > 50  # something is drawn
            assert "Software" not in picture.info


def test_the_same_table_gives_the_same_bytes(done, tmp_path):
    plot.run(done.work / "match/jpeg_to_tiff.csv", tmp_path / "again", LINES)
    for name in NAMES | CURVES:
        assert (tmp_path / "again" / name).read_bytes() == (done.work / "plot" / name).read_bytes()


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
    tables.write(tmp_path / "empty.csv", JPEG_TO_TIFF, [])
    assert set(plot.run(tmp_path / "empty.csv", tmp_path / "out", LINES)) == NAMES


def test_a_name_is_drawn_as_it_is_whatever_it_looks_like(tmp_path):
    """No mathematics, no control characters: "$" is a letter of file names."""
    names = ["Tips/$\\frac$.jpg", "Tips/a\nb\t\x1b[1m.jpg", "Tips/$x$ $y$.jpg", "Tips/😀\u202e.jpg"]
    empty = dict.fromkeys(JPEG_TO_TIFF.names, "")
    rows = [
        {**empty, "jpeg_path": name, "decision": "matched", "hamming_distance": 3, "ssim_value": 0.3} for name in names
    ]
    tables.write(tmp_path / "t.csv", JPEG_TO_TIFF, rows)
    assert set(plot.run(tmp_path / "t.csv", tmp_path / "out", LINES)) == NAMES
