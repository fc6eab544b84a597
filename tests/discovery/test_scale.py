"""The stage on small pictures with an OCR engine that a test controls, so that it takes no seconds."""

import csv
import hashlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.core.scale.text_box import TextBox
from semtrace.discovery import review_scale, scale
from semtrace.io import ocr
from semtrace.io.tables import TableError
from semtrace.stage import executor
from semtrace.stage.executor import Executor
from tests.discovery.test_read_scale import picture, with_bar

SETTINGS = scale.Settings("rapidocr", 100)


def read(gray):
    """Says what stands in the stripes that ``draw`` makes; a stripe of grey 7 kills the engine, one of 9 fails."""
    if gray[-1, 0] == 9:
        raise ocr.OcrError("RapidOCR: it fell over")
    mark = int(gray[-1, 1])
    texts = {1: "1 µm", 2: "2 µm", 3: "Width = 3.2 µm"}
    boxes = [TextBox(texts[mark % 10], 8, 2, 50, 22)] if mark % 10 in texts and len(gray) < 100 else []
    return [*boxes, TextBox("Mag = 2.00 K X", 200, 2, 300, 22), TextBox("EHT = 5 kV", 120, 2, 190, 22)] if boxes else []


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr(ocr, "chosen", lambda name: "none" if name == "none" else "rapidocr")
    monkeypatch.setattr(ocr, "engine_version", lambda _: "test")
    monkeypatch.setattr(ocr, "text_reader", lambda _: read)
    # In this process: a worker that is not forked from it would not know the engine above.
    monkeypatch.setattr(executor, "map_images", lambda function, items, **_: map(function, items))


def draw(mark=1, corner=0, seed=0):
    gray = with_bar(picture()).copy()
    gray[0, :8] = seed
    gray[-1, :2] = corner, mark
    return gray


def save(root, path, gray, **options):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(file, gray, metadata=None, software=False, **options)
    return path, hashlib.md5(file.read_bytes()).hexdigest()


def zeiss(nm):
    body = f"0\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = {nm} nm\r\n".encode() + b"\0"
    return {"extratags": [(34118, "B", len(body), body, True)]}


def table(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "archive"
    listed = [
        save(root, "a/bar.tif", draw()),
        save(root, "a/agreed.tif", draw(), **zeiss(10.1)),
        save(root, "a/conflict.tif", draw(), **zeiss(20.2)),
        save(root, "b/tag.tif", np.zeros((100, 100), np.uint8), **zeiss(5)),
        save(root, "b/nothing.tif", np.full((240, 320), 40, np.uint8)),
        save(root, "b/fails.tif", draw(corner=9)),
        # 66 of the 12 bits that are used becomes 11 of 8: the range is that of the picture without its stripe.
        save(root, "b/deep.tif", (draw(66).astype(np.uint16) * 16)),
    ]
    (root / "a/bar.txt").write_text("[SemImageFile]\nDataSize=640x480\nPixelSize=3\n")
    return root, listed


def run(root, listed, out, workers=1, cache="cache", **more):
    return scale.run(root, listed, out, SETTINGS, Executor(workers, out.parent / cache), **more)


def test_every_image_is_a_row_or_a_reject(archive, tmp_path):
    root, listed = archive
    summary = run(root, listed, tmp_path / "out")
    rows = {row["path"]: row for row in table(tmp_path / "out/scale.csv")}
    rejects = table(tmp_path / "out/rejects.csv")
    assert len(rows) + len(rejects) == len(listed)
    assert [(row["path"], row["reason"]) for row in rejects] == [("b/fails.tif", "ocr_failed")]
    assert {path: row["status"] for path, row in rows.items()} == {
        "a/agreed.tif": "agreed", "a/bar.tif": "read_once", "a/conflict.tif": "conflict", "b/deep.tif": "read_once",
        "b/nothing.tif": "stripe_not_detected", "b/tag.tif": "tag_only",
    }  # fmt: skip
    assert summary.statuses["read_once"] == 2
    assert rows["a/agreed.tif"]["pixel_size_m"] == "1.01e-08"
    assert rows["a/agreed.tif"]["bar_value_m"] == "1e-06"
    assert rows["a/conflict.tif"]["pixel_size_m"] == ""
    assert float(rows["a/conflict.tif"]["ratio"]) == pytest.approx(0.5, rel=0.02)
    assert rows["a/bar.tif"]["bar_convention"] == "end caps, centre to centre"
    assert [int(value) for value in rows["a/bar.tif"]["bar_box"].split()] == [10, 219, 111, 231]
    assert {row["path"] for row in table(tmp_path / "out/timings.csv")} == set(rows)


def test_a_sidecar_of_another_size_is_said_and_not_used(archive, tmp_path):
    root, listed = archive
    run(root, listed, tmp_path / "out")
    row = next(row for row in table(tmp_path / "out/scale.csv") if row["path"] == "a/bar.tif")
    assert row["pixel_size_source"] == "bar"
    assert "640 columns" in row["detail"]


def test_a_sidecar_that_belongs_confirms_the_bar(archive, tmp_path):
    root, listed = archive
    (root / "a/bar.txt").write_text("[SemImageFile]\nDataSize=320x240\nPixelSize=10.1\n")
    run(root, listed, tmp_path / "out")
    row = next(row for row in table(tmp_path / "out/scale.csv") if row["path"] == "a/bar.tif")
    assert (row["status"], row["pixel_size_m"], row["tag_source"]) == (
        "agreed",
        "1.01e-08",
        "Hitachi sidecar PixelSize",
    )


def test_the_same_bytes_with_shuffled_files(archive, tmp_path):
    root, listed = archive
    run(root, listed, tmp_path / "one", cache="cache1")
    run(root, listed[::-1], tmp_path / "two", cache="cache2")
    for name in ("scale.csv", "rejects.csv", "review/index.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_the_same_bytes_with_two_workers(archive, tmp_path, monkeypatch):
    monkeypatch.undo()
    for workers in (1, 2):
        tags_only = scale.Settings("none", 100)
        scale.run(*archive, tmp_path / f"{workers}", tags_only, Executor(workers, tmp_path / f"cache{workers}"))
    for name in ("scale.csv", "rejects.csv", "review/index.html"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_a_second_run_reads_nothing(archive, tmp_path, monkeypatch):
    root, listed = archive
    run(root, listed, tmp_path / "out")
    first = (tmp_path / "out/scale.csv").read_bytes()
    monkeypatch.setattr(ocr, "text_reader", lambda _: pytest.fail("it read again"))
    run(root, listed, tmp_path / "out")
    assert (tmp_path / "out/scale.csv").read_bytes() == first


def test_a_person_wins_over_everything_and_is_named(archive, tmp_path):
    root, listed = archive
    digest = dict(listed)["a/conflict.tif"]
    said = tmp_path / "scale.csv"
    said.write_text(f"md5,pixel_size_m,who,when\n{digest},1.5e-08,Åsa,2026-11-28\n", encoding="utf-8")
    run(root, listed, tmp_path / "out", corrections=said)
    row = next(row for row in table(tmp_path / "out/scale.csv") if row["path"] == "a/conflict.tif")
    assert (row["status"], row["pixel_size_m"], row["pixel_size_source"]) == ("agreed", "1.5e-08", "person: Åsa")
    assert row["detail"].startswith("was conflict")


@pytest.mark.parametrize("line", ["zz,1e-8,x,", "0" * 32 + ",1e9,x,", "0" * 32 + ",,x,", ("0" * 32 + ",1e-8,x,\n") * 2])
def test_a_slip_in_the_corrections_is_an_error(archive, tmp_path, line):
    said = tmp_path / "scale.csv"
    said.write_text(f"md5,pixel_size_m,who,when\n{line}\n")
    with pytest.raises(TableError, match="line"):
        run(*archive, tmp_path / "out", corrections=said)


def test_without_ocr_there_are_tags(archive, tmp_path):
    root, listed = archive
    scale.run(root, listed, tmp_path / "out", scale.Settings("none", 0), Executor(1, tmp_path / "cache"))
    rows = {row["path"]: row for row in table(tmp_path / "out/scale.csv")}
    assert rows["a/bar.tif"]["status"] == "no_ocr"
    assert (rows["a/agreed.tif"]["status"], rows["a/agreed.tif"]["pixel_size_m"]) == ("tag_only", "1.01e-08")


def test_an_engine_that_is_missing_is_said_before_any_work(archive, tmp_path, monkeypatch):
    def missing(_):
        raise ValueError("scale.engine is rapidocr, which is not installed")

    monkeypatch.setattr(ocr, "chosen", missing)
    with pytest.raises(InputError, match="not installed"):
        run(*archive, tmp_path / "out")


def test_settings_are_checked():
    with pytest.raises(ValueError, match=r"scale\.engine is 'x'"):
        scale.Settings("x", 1)
    with pytest.raises(ValueError, match=r"scale\.review"):
        scale.Settings("auto", -1)


def test_a_changed_file_is_a_reject(archive, tmp_path):
    root, listed = archive
    run(root, [(path, "0" * 32 if path == "a/bar.tif" else digest) for path, digest in listed], tmp_path / "out")
    assert ("a/bar.tif", "changed") in [(row["path"], row["reason"]) for row in table(tmp_path / "out/rejects.csv")]


def test_the_name_of_a_file_is_never_used(archive, tmp_path):
    root, listed = archive
    renamed = save(root, "b/500 nm 2 µm.tif", np.full((240, 320), 44, np.uint8))
    run(root, [*listed, renamed], tmp_path / "out")
    row = next(row for row in table(tmp_path / "out/scale.csv") if row["path"] == renamed[0])
    assert (row["status"], row["pixel_size_m"], row["bar_value_m"]) == ("stripe_not_detected", "", "")


def test_the_magnification_confirms_bars_of_several_folders(tmp_path):
    root = tmp_path / "archive"
    listed = [save(root, f"{'ab'[n % 2]}/{n}.tif", draw(seed=n), **(zeiss(10.1) if n < 6 else {})) for n in range(8)]
    run(root, listed, tmp_path / "out")
    rows = table(tmp_path / "out/scale.csv")
    assert {row["status"] for row in rows} == {"agreed"}
    assert "learnt" in rows[3]["detail"] or "from tags" in rows[3]["detail"]


def test_the_page_shows_the_doubtful_ones_first_and_asks_no_network(archive, tmp_path):
    root, listed = archive
    run(root, listed, tmp_path / "out")
    page = (tmp_path / "out/review/index.html").read_text(encoding="utf-8")
    assert page.index("a/conflict.tif") < page.index("a/bar.tif") < page.index("a/agreed.tif")
    assert "default-src 'none'" in page
    assert "http:" not in page
    assert "https:" not in page
    assert "<script>" not in page
    digest = dict(listed)["a/agreed.tif"]
    with Image.open(tmp_path / f"out/review/stripes/{digest}.png") as strip:
        assert strip.size == (320, 50)
        assert strip.convert("RGB").getcolors(100_000) is not None
        assert (229, 62, 62) in {colour for _, colour in strip.convert("RGB").getcolors(100_000)}


def test_stripes_that_are_still_right_are_not_drawn_again(archive, tmp_path, monkeypatch):
    root, listed = archive
    run(root, listed, tmp_path / "out")
    first = {path.name: path.read_bytes() for path in (tmp_path / "out/review/stripes").iterdir()}
    torn, gone = sorted(first)[:2]
    (tmp_path / "out/review/stripes" / torn).write_bytes(b"half a picture")
    (tmp_path / "out/review/stripes" / gone).unlink()
    drawn, draw_one = [], review_scale._draw
    monkeypatch.setattr(review_scale, "_draw", lambda strip: drawn.append(strip.file) or draw_one(strip))
    run(root, listed, tmp_path / "out")
    assert len(drawn) == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "out/review/stripes").iterdir()} == first


def test_names_in_the_page_are_text(tmp_path):
    root = tmp_path / "archive"
    listed = [save(root, "<b onload=x>.tif", draw())]
    run(root, listed, tmp_path / "out")
    assert "<b onload" not in (tmp_path / "out/review/index.html").read_text(encoding="utf-8")


def test_every_image_of_a_folder(archive):
    root, _ = archive
    assert [path for path, _ in scale.every_image(root)][:2] == ["a/agreed.tif", "a/bar.tif"]
    assert all(not path.endswith(".txt") for path, _ in scale.every_image(root))
