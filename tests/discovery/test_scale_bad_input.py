"""Inputs and circumstances that must neither stop the stage nor give a wrong length."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.core.scale.text_box import TextBox
from semtrace.discovery import review_scale, scale
from semtrace.discovery.read_scale import read_scale
from semtrace.io import ocr, staging
from semtrace.stage.executor import Executor
from tests.discovery.test_read_scale import Engine, picture, with_bar
from tests.discovery.test_scale import draw, read, run, save, table
from tests.discovery.test_scale import engine as engine


def fei(pixel_width):
    body = f"[System]\r\nSystemType=Q\r\n[Scan]\r\nPixelWidth={pixel_width}\r\n".encode()
    return {"extratags": [(34682, "B", len(body), body, True)]}


def row_of(root, name, tmp_path):
    """The only row of a run on one image."""
    [row] = table_of(root, [name], tmp_path)
    return row


def table_of(root, listed, tmp_path):
    run(root, listed, tmp_path / "out")
    return table(tmp_path / "out/scale.csv")


@pytest.mark.parametrize("kind", ["palette", "16 bit", "RGB", "turned page"])
def test_a_picture_of_another_kind_is_read_like_its_grey_one(tmp_path, kind):
    root, gray = tmp_path / "archive", draw()
    root.mkdir()
    if kind == "palette":
        image = Image.fromarray(gray, "P")
        image.putpalette([level for level in range(256) for _ in range(3)])
        image.save(root / "a.tif")
    elif kind == "16 bit":  # 12 of them used; 66 becomes 11 in the range of the picture without its stripe
        tifffile.imwrite(root / "a.tif", draw(66).astype(np.uint16) * 16)
    elif kind == "RGB":
        tifffile.imwrite(root / "a.tif", np.repeat(gray[:, :, None], 3, axis=2), photometric="rgb")
    else:  # stored on its side, and its tag says so
        turned = np.ascontiguousarray(np.rot90(gray))
        tifffile.imwrite(root / "a.tif", turned, extratags=[(274, "H", 1, 6, True)], metadata=None)
    row = row_of(root, ("a.tif", ""), tmp_path)
    assert (row["width"], row["height"]) == ("320", "240")
    assert (row["bar_value_m"], row["status"], row["bar_box"]) == ("1e-06", "read_once", "10 219 111 231")


def test_a_page_on_its_side_that_does_not_say_so_has_no_answer(tmp_path):
    root = tmp_path / "archive"
    row = row_of(root, save(root, "a.tif", np.ascontiguousarray(np.rot90(draw()))), tmp_path)
    assert (row["bar_value_m"], row["pixel_size_m"]) == ("", "")


def test_a_bar_that_the_edge_of_the_picture_cuts_is_none():
    whole = np.asarray(with_bar(picture()))
    assert read_scale(whole, Engine([TextBox("1 µm", 8, 2, 50, 22)])).value == 1e-6
    cut = np.ascontiguousarray(whole[:, :90])  # the bar ends at 111
    found = read_scale(cut, Engine([TextBox("1 µm", 8, 2, 50, 22)]))
    assert (found.value, found.bar, found.status) == (None, None, "bar_not_found")


@pytest.mark.parametrize("size", ["0", "1e9", "-2e-8", "nan", "1e-9e-9", ""])
def test_a_tag_that_is_no_length_leaves_the_bar_alone(tmp_path, size):
    root = tmp_path / "archive"
    row = row_of(root, save(root, "a.tif", draw(), **fei(size)), tmp_path)
    assert (row["status"], row["tag_pixel_size_m"], row["pixel_size_source"]) == ("read_once", "", "bar")


def test_a_damaged_tag_leaves_the_bar_alone(tmp_path):
    root = tmp_path / "archive"
    path, _ = save(root, "a.tif", draw(), **fei("1.01e-8"))
    data = (root / path).read_bytes()
    (root / path).write_bytes(data.replace(b"[Scan]", b"\0\xff\xfeS\0\x01"))
    row = row_of(root, (path, ""), tmp_path)
    assert (row["status"], row["tag_pixel_size_m"], row["pixel_size_source"]) == ("read_once", "", "bar")


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_of_one_level_has_no_answer(tmp_path, level):
    root = tmp_path / "archive"
    row = row_of(root, save(root, "a.tif", np.full((240, 320), level, np.uint8)), tmp_path)
    assert (row["bar_value_m"], row["pixel_size_m"]) == ("", "")
    assert row["status"] in ("stripe_not_detected", "not_read")


@pytest.mark.parametrize("text", ["一ミクロン", "倍率 五万倍", "縮尺", "１ミリ", "1 ㎛"])
def test_a_text_in_japanese_alone_has_no_answer(text):
    found = read_scale(
        with_bar(picture(), "ABC"), Engine([TextBox(text, 8, 2, 50, 22), TextBox("走査", 90, 2, 120, 22)])
    )
    if text == "1 ㎛":  # one sign for the unit, as Japanese fonts have it, is the same length
        assert found.value == 1e-6
    else:
        assert (found.value, found.bar) == (None, None)
        assert found.status in ("bar_not_found", "not_read")


def kill_at(number):
    """An engine that kills its process at the picture of this number."""
    asked = []

    def killing(gray):
        asked.append(1)
        if len(asked) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(gray)

    return killing


def in_a_fork(work):
    """Do work in another process; its exit code, negative where it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.csv"
    }


@pytest.fixture
def five(tmp_path):
    root = tmp_path / "archive"
    listed = [save(root, f"{n}.tif", draw(seed=n)) for n in range(5)]
    run(root, listed, tmp_path / "wanted", cache="other")
    return root, listed, digests(tmp_path / "wanted")


@pytest.mark.parametrize("moment", [1, 4, "page"])
@pytest.mark.parametrize("old", [False, True])
def test_a_killed_run_leaves_the_old_result_and_is_run_again(five, tmp_path, monkeypatch, moment, old):
    root, listed, wanted = five
    out = tmp_path / "out"
    if old:
        run(root, listed[:2], out)
    before = digests(out) if old else {}

    def work():
        killing = kill_at(moment)
        monkeypatch.setattr(ocr, "text_reader", lambda _: killing)
        if moment == "page":
            monkeypatch.setattr(review_scale, "_page", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        run(root, listed, out, cache="fresh")

    assert in_a_fork(work) == -signal.SIGKILL
    assert (digests(out) if out.exists() else {}) == before
    run(root, listed, out, cache="fresh")
    assert digests(out) == wanted
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_a_second_run_while_the_first_one_reads_gives_the_same(five, tmp_path, monkeypatch):
    root, listed, wanted = five
    codes = []

    def reading(gray):
        if not codes:
            codes.append(0)
            codes[0] = in_a_fork(lambda: run(root, listed, tmp_path / "out"))
        return read(gray)

    monkeypatch.setattr(ocr, "text_reader", lambda _: reading)
    run(root, listed, tmp_path / "out")
    assert codes == [0]
    assert digests(tmp_path / "out") == wanted


def test_a_second_run_while_the_first_one_writes_is_refused(five, tmp_path, monkeypatch):
    root, listed, wanted = five
    monkeypatch.setattr(staging, "_PATIENCE", 0.0)
    write, said = review_scale.write, []

    def writing(*given, **more):
        if not said:
            said.append("")
            with pytest.raises(OSError, match="another semtrace is at work"):
                run(root, listed, tmp_path / "out")
        write(*given, **more)

    monkeypatch.setattr(review_scale, "write", writing)
    run(root, listed, tmp_path / "out")
    assert digests(tmp_path / "out") == wanted


_WITH_A_DEADLY_ENGINE = """
import os, signal, sys
from pathlib import Path
from semtrace.discovery import scale
from semtrace.io import ocr
from semtrace.stage.executor import Executor
def deadly(gray):
    if gray[-1, 0] == 9:
        os.kill(os.getpid(), signal.SIGSEGV)
    return []
ocr.chosen, ocr.engine_version, ocr.text_reader = (lambda _: "rapidocr"), (lambda _: "test"), (lambda _: deadly)
root, out = Path(sys.argv[1]), Path(sys.argv[2])
scale.run(root, scale.every_image(root), out, scale.Settings("rapidocr", 0), Executor(2, out.parent / "cache"))
"""


def test_an_engine_that_kills_its_process_costs_one_image(tmp_path):
    root = tmp_path / "archive"
    for n in range(4):
        save(root, f"{n}.tif", draw(corner=9 if n == 2 else 0, seed=n))
    command = [sys.executable, "-c", _WITH_A_DEADLY_ENGINE, str(root), str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True)
    assert [row["path"] for row in table(tmp_path / "out/scale.csv")] == ["0.tif", "1.tif", "3.tif"]
    [reject] = table(tmp_path / "out/rejects.csv")
    assert (reject["path"], reject["stage"]) == ("2.tif", "scale")


def test_a_tag_is_read_where_no_engine_is(tmp_path):
    root = tmp_path / "archive"
    listed = [save(root, "a.tif", draw(), **fei("1.01e-8")), save(root, "b.tif", draw())]
    summary = scale.run(root, listed, tmp_path / "out", scale.Settings("none", 9), Executor(1, tmp_path / "cache"))
    assert summary.statuses == {"tag_only": 1, "no_ocr": 1}


def test_a_file_that_is_no_image_is_a_reject(tmp_path):
    root = tmp_path / "archive"
    good = save(root, "a.tif", draw())
    (root / "b.tif").write_bytes(b"II*\0 not a picture")
    data = io.BytesIO()
    Image.fromarray(draw()).save(data, "PNG")
    (root / "c.png").write_bytes(data.getvalue()[:200])
    rows = table_of(root, [good, ("b.tif", ""), ("c.png", "")], tmp_path)
    assert [row["path"] for row in rows] == ["a.tif"]
    assert len(table(tmp_path / "out/rejects.csv")) == 2
