from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from semtrace.watch.settings import PRESETS, Settings


@pytest.mark.parametrize("name", PRESETS)
def test_conf_and_the_package_say_the_same(project: Path, name: str):
    """A server without a checkout uses the package's own."""
    folder = project / "conf" / "watch"
    values = OmegaConf.merge(OmegaConf.load(folder / "default.yaml"), OmegaConf.load(folder / f"{name}.yaml"))
    values.pop("defaults", None)
    assert Settings.read(OmegaConf.to_container(values)) == PRESETS[name]


def test_the_document_s_word_for_squared_error():
    assert Settings(method="opencv") == Settings(method="mse")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "ssim"}, "watch.method is 'ssim'"),
        ({"size": 12}, "watch.size is 12"),
        ({"threshold": 0}, "watch.threshold is 0; it must be a whole number of at least 1"),
        ({"threshold": 65}, "watch.threshold is 65; it must be 1 to 64"),
        ({"size": 16, "threshold": 257}, "it must be 1 to 256"),
        ({"confirm": 1.01}, "watch.confirm is 1.01"),
        ({"quiet_s": -1.0}, "watch.quiet_s is -1.0"),
        ({"extensions": [".bmp"]}, "without a dot"),
        ({"extensions": []}, "without a dot"),
        ({"state": "//server/share/x.sqlite"}, "needs a local disk"),
        ({"state": "\\\\server\\share\\x.sqlite"}, "needs a local disk"),
    ],
)
def test_what_is_out_of_range_is_named(change: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        replace(Settings(), **change)


def test_the_edges_are_allowed():
    for change in (
        {"threshold": 1},
        {"threshold": 64},
        {"confirm": 0.0},
        {"confirm": 1.0},
        {"size": 16, "threshold": 256},
    ):
        replace(Settings(), **change)
