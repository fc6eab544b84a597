import shutil
import socket

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from semtrace.core.scale.lengths import bar_value
from semtrace.io import ocr

INSTALLED = [name for name in ("rapidocr", "tesseract") if name == ocr.chosen("auto")]
needs_rapidocr = pytest.mark.skipif("rapidocr" not in INSTALLED, reason="RapidOCR is not installed")


def drawn(text, size=20, width=400, height=48):
    image = Image.new("L", (width, height), 0)
    ImageDraw.Draw(image).text((20, 10), text, font=ImageFont.load_default(size), fill=255)
    return np.asarray(image)


@needs_rapidocr
def test_it_reads_without_a_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("it asked for the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    ocr.text_reader.cache_clear()
    [box] = ocr.text_reader("rapidocr")(drawn("500 nm"))
    assert bar_value(box.text) == 5e-7
    assert 10 < box.x0 < 30 < 60 < box.x1 < 120
    assert 0 <= box.y0 < box.y1 <= 48


@needs_rapidocr
def test_a_micro_sign_is_never_a_thousand_times_another():
    texts = [box.text for box in ocr.text_reader("rapidocr")(drawn("100 µm"))]
    assert [bar_value(text) for text in texts] in ([1e-4], [None])


@needs_rapidocr
@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (300, 7), (64, 64), (8, 2000)])
def test_an_empty_picture_of_any_shape_has_no_text(shape):
    assert ocr.text_reader("rapidocr")(np.zeros(shape, np.uint8)) == []


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="no tesseract on this machine")
def test_tesseract_reads_too():
    assert 5e-7 in [bar_value(box.text) for box in ocr.text_reader("tesseract")(drawn("500 nm"))]


def test_an_engine_that_is_not_there_is_said_before_any_work(monkeypatch):
    monkeypatch.setattr(ocr, "_has_rapidocr", lambda: False)
    monkeypatch.setattr(ocr.shutil, "which", lambda _: None)
    assert ocr.chosen("auto") == "none"
    with pytest.raises(ValueError, match="pip install"):
        ocr.chosen("rapidocr")
    with pytest.raises(ValueError, match="apt install"):
        ocr.chosen("tesseract")


def test_without_its_models_rapidocr_is_not_there(monkeypatch):
    monkeypatch.setattr(ocr, "_MODELS", ("no such model.onnx",))
    monkeypatch.setattr(ocr.shutil, "which", lambda _: None)
    assert ocr.chosen("auto") == "none"


def test_none_reads_nothing():
    assert ocr.chosen("none") == "none"
    assert ocr.engine_version("none") == ""
