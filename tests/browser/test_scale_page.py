"""The review page of scales as a person opens it: from the disk, without a network, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from semtrace.discovery import scale
from semtrace.io import ocr
from semtrace.stage import executor
from semtrace.stage.executor import Executor
from tests.browser.conftest import SCREENS, findings, has_no_sideways_scrolling
from tests.discovery.test_scale import draw, read, save, zeiss

LONG = "Åsa Österström/2013-02-19/" + "a very long name of a sample " * 4


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    root = tmp_path_factory.mktemp("scale")
    listed = [
        save(root / "archive", "a/bar.tif", draw()),
        save(root / "archive", f"{LONG}.tif", draw(seed=1), **zeiss(10.1)),
        save(root / "archive", "a/conflict.tif", draw(seed=2), **zeiss(20.2)),
        save(root / "archive", "<img src=x onerror=window.bad=1>.tif", draw(3, seed=3)),
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ocr, "chosen", lambda _: "rapidocr")
        patched.setattr(ocr, "engine_version", lambda _: "test")
        patched.setattr(ocr, "text_reader", lambda _: read)
        patched.setattr(executor, "map_images", lambda function, items, **_: map(function, items))
        settings = scale.Settings("rapidocr", 100)
        scale.run(root / "archive", listed, root / "out", settings, Executor(1, root / "cache"))
    return Path(root / "out/review/index.html").as_uri()


@pytest.mark.parametrize("screen", SCREENS)
def test_it_opens_without_a_network_and_without_a_finding(open_page, address, screen):
    page = open_page(address, screen, offline=True)
    assert page.locator("article").count() == 4
    assert has_no_sideways_scrolling(page)
    assert findings(page) == []
    assert page.evaluate("window.bad") is None
    for picture in page.locator("article img").all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100


def test_a_status_can_be_hidden(open_page, address):
    page = open_page(address)
    assert page.locator("article:visible").count() == 4
    page.locator("input[data-status=conflict]").uncheck()
    assert page.locator("article:visible").count() == 3
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    left = page.locator("article:visible").count()
    assert left == 4 - (not page.locator("input[data-status=conflict]").is_checked())
