"""The page on which patches are labelled, as a person works on it: keys, context, undo, touch, and what is saved."""

from __future__ import annotations

import contextlib
import re
import threading
import time

import numpy as np
import pytest
import uvicorn

from semtrace.curation import label
from semtrace.curation.label import LabelDesk
from semtrace.curation.label_page import label_app
from semtrace.curation.patch_labels import read_patch_labels
from semtrace.web.guard import Guard
from semtrace.web.serve import listen
from tests.browser.conftest import SCREENS, findings, has_no_sideways_scrolling
from tests.curation.conftest import World, tissue, write_mrc

SCREEN = 8


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """The Deduplicated dataset of two small volumes."""
    world = World(tmp_path_factory.mktemp("label"))
    for name, seed in (("liver", 1), ("moss", 2)):
        write_mrc(world.volumes / f"{name}.mrc", tissue((6, 96, 96), seed).astype(np.int16))
    world.run_import()
    world.run_section(axes=[0])
    world.run_crop(size=48)
    world.run_deduplicate(distance=4)
    return world


@contextlib.contextmanager
def served(app):
    """Serve an application; its guard, whose address lets a browser in."""
    listening = listen(0)
    guard = Guard(app, listening.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(guard, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield guard
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def desk(cut, tmp_path):
    (tmp_path / "scratch").mkdir()
    reading, verdicts = cut.settings.reading(), tmp_path / "verdicts"
    settings = label.Settings(screen=SCREEN)
    return LabelDesk(cut.inputs(), cut.root, verdicts, settings, reading, "ann", tmp_path / "scratch")


@pytest.fixture
def live(desk):
    with served(label_app(desk)) as guard:
        yield guard


def words(tmp_path):
    return sorted(row["label"] for row in read_patch_labels(tmp_path / "verdicts")[0].values())


def left(page, count):
    """Wait until so many patches have no label, and the tiles have their pictures."""
    page.locator(".progress", has_text=re.compile(rf"^{count} without a label")).wait_for()
    if count:
        page.locator("[data-id] img").first.wait_for()


def test_labels_by_keys_are_saved_survive_a_reload_and_can_be_taken_back(open_page, live, desk, tmp_path):
    total = desk.screen()["left"]
    page = open_page(live.address)
    assert "token" not in page.url
    left(page, total)
    assert page.locator("[data-id]").count() == SCREEN
    first = page.locator("[data-id]").first.get_attribute("data-id")
    page.keyboard.press("u")
    left(page, total - 1)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("x")
    left(page, total - 4)
    assert words(tmp_path) == ["uninformative", "unsure", "unsure", "unsure"]
    assert read_patch_labels(tmp_path / "verdicts")[0][first]["label"] == "uninformative"
    page.keyboard.press("Shift+Enter")
    left(page, total - 4 - SCREEN)
    assert words(tmp_path).count("informative") == SCREEN
    page.keyboard.press("z")
    left(page, total - 4)
    page.reload()
    left(page, total - 4)
    assert words(tmp_path) == ["uninformative", "unsure", "unsure", "unsure"]
    assert page.locator(f'[data-id="{first}"]').count() == 0


def test_the_context_opens_on_a_key_and_closes_again(open_page, live):
    page = open_page(live.address)
    page.locator("[data-id] img").first.wait_for()
    page.keyboard.press("c")
    picture = page.locator("dialog img.context")
    picture.wait_for()
    page.wait_for_function("document.querySelector('dialog img.context').naturalWidth > 48")
    page.keyboard.press("c")
    picture.wait_for(state="detached")
    assert page.locator("[data-id]").count() == SCREEN


def test_the_last_patch_ends_it_and_undo_brings_it_back(open_page, live, desk):
    digests = [one.md5 for one in desk._order]
    desk.label(digests[1:], "unsure")
    page = open_page(live.address)
    left(page, 1)
    page.keyboard.press("i")
    page.get_by_role("heading", name="Every patch has a label").wait_for()
    page.keyboard.press("z")
    left(page, 1)


@pytest.mark.parametrize("screen", list(SCREENS))
def test_it_fits_the_screen_by_touch_and_axe_finds_nothing(open_page, live, desk, screen):
    total = desk.screen()["left"]
    page = open_page(live.address, screen)
    left(page, total)
    assert has_no_sideways_scrolling(page)
    assert findings(page) == []
    button = page.get_by_role("button", name=re.compile("^informative"))
    (button.tap if SCREENS[screen].get("has_touch") else button.click)()
    left(page, total - 1)


def test_a_server_that_ends_is_said_and_nothing_counts_as_saved(open_page, desk, tmp_path):
    with served(label_app(desk)) as guard:
        page = open_page(guard.address, expected=("Failed to load resource",))
        page.locator("[data-id] img").first.wait_for()
    page.keyboard.press("i")
    page.locator(".warning", has_text="not saved").wait_for()
    assert words(tmp_path) == []
