"""Text in pictures: RapidOCR, whose models are in its wheel, or Tesseract. Nothing is downloaded at run time.

Both are asked without a list of allowed letters: with one, Tesseract reads "100 µm" as "100nm".
"""

from __future__ import annotations

import csv
import functools
import importlib.util
import io
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semtrace.core.scale.text_box import TextBox

TextReader = Callable[[NDArray[np.uint8]], list[TextBox]]
"""From a grey picture, shape (H, W), uint8, to its texts, from top to bottom."""

_MODELS = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")
_SETTINGS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Global.use_cls": False,  # no text of an instrument stands on its head
    "Global.use_preprocess_img": False,
    # The default enlarges the shorter side to 736 pixels: a thin stripe then costs seconds.
    "Det.limit_type": "min",
    "Det.limit_side_len": 64,
    # Lines that are read together are padded to the longest: six, the default, took 0.9 GB and three times as long.
    "Rec.rec_batch_num": 2,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}
_SHORTEST = 8  # pixels: a narrower picture holds no text
_TESSERACT_SECONDS = 60


class OcrError(RuntimeError):
    """The engine failed on this picture; others may still be read."""


def chosen(engine: str) -> str:
    """The engine for ``auto`` (the first that is installed, or ``none``), ``rapidocr``, ``tesseract`` or ``none``.

    Raises:
        ValueError: the engine was asked for by name and is not installed; the message says how to install it.

    """
    if engine in ("auto", "rapidocr") and _has_rapidocr():
        return "rapidocr"
    if engine in ("auto", "tesseract") and shutil.which("tesseract"):
        return "tesseract"
    if engine == "rapidocr":
        raise ValueError("scale.engine is rapidocr, which is not installed: pip install 'semtrace[ocr]'")
    if engine == "tesseract":
        raise ValueError("scale.engine is tesseract, which is not on PATH (Debian: apt install tesseract-ocr)")
    return "none"


@functools.cache
def engine_version(engine: str) -> str:
    """Names what a result depends on: the engine's and its runtime's version; empty for ``none``."""
    if engine == "rapidocr":
        return " ".join(f"{name} {version(name)}" for name in ("rapidocr", "onnxruntime"))
    if engine == "tesseract":
        asked = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=False)  # noqa: S607
        return (asked.stdout or asked.stderr).partition("\n")[0]
    return ""


@functools.cache
def text_reader(engine: str) -> TextReader:
    """The reader of ``rapidocr`` or ``tesseract``, made once by each process; it uses one thread."""
    return _rapidocr() if engine == "rapidocr" else _tesseract


def _has_rapidocr() -> bool:
    """Whether it is installed with its models: without them it would download others."""
    if importlib.util.find_spec("onnxruntime") is None or (spec := importlib.util.find_spec("rapidocr")) is None:
        return False
    return all(Path(spec.origin or "", "..", "models", name).resolve().is_file() for name in _MODELS)


def _rapidocr() -> TextReader:
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    engine = RapidOCR(params=_SETTINGS)

    def read(gray: NDArray[np.uint8]) -> list[TextBox]:
        if min(gray.shape) < _SHORTEST:
            return []
        try:
            found = engine(np.repeat(gray[:, :, None], 3, axis=2))
        except Exception as error:  # the engine raises anything on an odd picture
            raise OcrError(f"RapidOCR: {type(error).__name__} {' '.join(str(error).split())[:200]}") from error
        if found.txts is None or found.boxes is None:
            return []
        return [_boxed(text, corners, gray.shape) for text, corners in zip(found.txts, found.boxes, strict=True)]

    return read


def _boxed(text: str, corners: NDArray[np.float32], shape: tuple[int, ...]) -> TextBox:
    """The upright box around four corners (x, y), inside the picture."""
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (shape[1], shape[0])).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), 0, (shape[1], shape[0])).astype(int)
    return TextBox(text, int(x0), int(y0), int(x1), int(y1))


def _tesseract(gray: NDArray[np.uint8]) -> list[TextBox]:
    if min(gray.shape) < _SHORTEST:
        return []
    picture = gray if np.median(gray) >= 128 else 255 - gray  # it expects dark letters on a light ground
    zoom = 3
    file = io.BytesIO()
    Image.fromarray(picture).resize((gray.shape[1] * zoom, gray.shape[0] * zoom), Image.Resampling.BICUBIC).save(
        file, "PNG"
    )
    command = ["tesseract", "stdin", "stdout", "--psm", "11", "tsv"]
    try:
        asked = subprocess.run(  # noqa: S603
            command, input=file.getvalue(), capture_output=True, check=True, timeout=_TESSERACT_SECONDS,
            env={"OMP_THREAD_LIMIT": "1", "PATH": str(Path(shutil.which("tesseract") or "").parent)},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise OcrError(f"Tesseract: {type(error).__name__} {error}"[:200]) from error
    lines: dict[tuple[str, ...], list[TextBox]] = {}
    table = csv.DictReader(io.StringIO(asked.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in table:
        if row["level"] == "5" and (row["text"] or "").strip():
            x, y, wide, tall = (int(row[name]) for name in ("left", "top", "width", "height"))
            word = TextBox(row["text"], x, y, x + wide, y + tall).moved(0, 0, zoom)
            lines.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(word)
    return [
        TextBox(
            " ".join(word.text for word in words),
            min(word.x0 for word in words), min(word.y0 for word in words),
            max(word.x1 for word in words), max(word.y1 for word in words),
        )
        for words in lines.values()
    ]  # fmt: skip
