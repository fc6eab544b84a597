"""The review page as a person works on it: keys, touch, two browsers, a server that ends, and a run that obeys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semtrace.io import tables
from semtrace.io.verdict_store import VerdictStore
from semtrace.provenance.page_data import MAPPING
from semtrace.provenance.tables import JPEG_TO_TIFF
from semtrace.review.desk import Desk, ReviewFolders
from tests.browser.conftest import SCREENS, findings, has_no_sideways_scrolling, match_strictly
from tests.review.live import SETTINGS, copy_of, serving

AWAY = ("Failed to load resource", "ERR_CONNECTION")  # what a browser says of an answer that is an error

PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def places(strict, tmp_path) -> ReviewFolders:
    return copy_of(strict, tmp_path)


@pytest.fixture
def live(places, tmp_path):
    with serving(Desk(places, SETTINGS, "ann"), tmp_path / "pictures") as served:
        yield served


def rows(places: ReviewFolders) -> dict[str, dict[str, str]]:
    return VerdictStore(places.verdicts).rows()


def place_of(page: Any) -> int:
    return int(re.match(r"\d+", page.locator(".place").inner_text())[0])


def at(page: Any, number: int) -> None:
    """Wait until the question of this number is shown, with its pictures."""
    page.locator(".place", has_text=re.compile(rf"^{number} of ")).wait_for()
    page.locator(".pane img").first.wait_for()


def answered(page: Any, count: int) -> None:
    page.locator("#progress", has_text=re.compile(rf"^{count} of ")).wait_for()


def test_ten_by_keyboard_ten_by_touch_two_undone_and_the_next_run_obeys(open_page, live, places, strict, tmp_path):
    page = open_page(live.guard.address)
    assert "token" not in page.url
    for number in range(1, 11):
        at(page, number)
        page.keyboard.press("a" if number % 2 else "1")
    answered(page, 10)
    assert len(rows(places)) == 10
    assert page.locator("#item-title").evaluate("title => title === document.activeElement")
    assert "Saved: A is the original" in page.locator("#say").inner_text()
    page.reload()
    answered(page, 10)
    phone = open_page(live.guard.address, "phone dark")
    for number in range(11, 21):
        at(phone, number)
        phone.locator("[data-answer=a]").tap()
    answered(phone, 20)
    for left in (19, 18):
        phone.locator("[data-answer=undo]").tap()
        answered(phone, left)
    assert len(rows(places)) == 18
    match_strictly(replace(strict, work=places.work), tmp_path, places.verdicts / "verdicts.csv")
    after = tables.read(places.work / MAPPING, JPEG_TO_TIFF)
    more = [row for row in after if row["decision"] == "matched" and row["evidence"] == "verdict"]
    assert len(more) >= 18


def test_every_key_does_what_the_help_says(open_page, live, places):
    page = open_page(live.guard.address)
    at(page, 1)
    page.keyboard.press("?")
    assert page.locator("dialog kbd").count() > 10
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    at(page, 2)
    page.keyboard.press("ArrowLeft")
    at(page, 1)
    for view in ("flip", "swipe", "overlay", "difference", "map", "side"):
        page.keyboard.press("v")
        page.locator(f"[data-view={view}][aria-pressed=true]").wait_for()
    page.keyboard.press("s")
    at(page, 2)
    assert rows(places) == {}
    page.keyboard.press("n")
    answered(page, 1)
    assert {row["verdict"] for row in rows(places).values()} == {"different"}
    at(page, 3)
    page.keyboard.press("Control+z")
    answered(page, 0)
    at(page, 2)
    page.keyboard.press("g")
    page.locator("[role=listbox]").wait_for()
    page.keyboard.press("Escape")
    at(page, 2)
    page.keyboard.press("Escape")
    page.locator("h1", has_text="Questions").wait_for()


def test_every_view_is_drawn_once_by_keys_links_addresses_and_the_back_button(open_page, live):
    page = open_page(live.guard.address)
    at(page, 1)
    page.evaluate("""() => {
      const main = document.getElementById("main"), draw = main.replaceChildren.bind(main);
      window.drawn = [];
      main.replaceChildren = (...given) => (window.drawn.push(location.hash), draw(...given));
    }""")
    first = page.evaluate("location.hash")

    def drawn(number: int, act: Callable[[], object]) -> None:
        page.evaluate("window.drawn = []")
        act()
        at(page, number)
        page.evaluate(PAINTED)  # another event would have come
        assert page.evaluate("window.drawn") == [page.evaluate("location.hash")]

    drawn(2, lambda: page.keyboard.press("ArrowRight"))
    second = page.evaluate("location.hash")
    drawn(3, lambda: page.keyboard.press("ArrowRight"))
    drawn(2, lambda: page.go_back())
    assert page.evaluate("location.hash") == second
    drawn(1, lambda: page.go_back())
    assert page.evaluate("location.hash") == first
    drawn(2, lambda: page.go_forward())
    drawn(1, lambda: page.evaluate(f"location.hash = {first!r}"))  # typed, or a link
    page.locator("nav a", has_text="Overview").click()
    page.locator("#sum").wait_for()
    drawn(1, lambda: page.go_back())


def test_what_comes_late_is_not_drawn_over_a_later_view(open_page, live):
    page = open_page(live.guard.address)
    at(page, 1)
    page.evaluate("""() => {
      const source = window.semtrace.source, rows = source.rows;
      source.rows = () => new Promise((come) => (window.letCome = come)).then(rows);
    }""")
    page.locator("nav a", has_text="Pairs").click()
    page.locator("#main", has_text="Loading the table").wait_for()
    page.locator("nav a", has_text="Overview").click()
    page.locator("#sum").wait_for()
    page.evaluate("() => (window.letCome(), fetch('/api/rows').then((answer) => answer.json()))")  # as long as theirs
    page.evaluate(PAINTED)
    assert page.locator("#sum").count() == 1
    page.locator("nav a", has_text="Pairs").click()
    page.evaluate("window.letCome?.()")
    page.locator("form.filters").wait_for()


def test_a_key_held_down_answers_once(open_page, live, places):
    page = open_page(live.guard.address)
    at(page, 1)
    for _ in range(8):
        page.keyboard.down("a")  # after the first these are repetitions
    page.keyboard.up("a")
    at(page, 2)
    answered(page, 1)
    assert len(rows(places)) == 1


def test_single_keys_can_be_turned_off(open_page, live, places):
    page = open_page(live.guard.address)
    at(page, 1)
    page.locator("button", has_text="Keys").click()
    page.locator("dialog input[type=checkbox]").uncheck()
    page.locator("dialog button").click()
    page.keyboard.press("a")
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    at(page, 2)
    assert rows(places) == {}
    page.locator("[data-answer=a]").click()
    answered(page, 1)


def test_a_second_browser_is_told_and_looks_again(open_page, live, places):
    first, second = open_page(live.guard.address), open_page(live.guard.address, expected=AWAY)
    for page in (first, second):
        at(page, 1)
    first.keyboard.press("a")
    answered(first, 1)
    second.keyboard.press("n")
    second.locator("#saved", has_text="changed meanwhile").wait_for()
    at(second, 1)
    assert [row["verdict"] for row in rows(places).values()] == ["same"]
    second.locator("[data-answer=a][aria-pressed=true]").wait_for()
    second.keyboard.press("n")
    at(second, 2)  # it goes on when the answer is saved
    assert {row["verdict"] for row in rows(places).values()} == {"different"}


def test_a_server_that_ends_is_noticed_and_nothing_is_lost(open_page, places, tmp_path):
    with serving(Desk(places, SETTINGS, "ann"), tmp_path / "pictures") as live:
        page = open_page(live.guard.address, expected=AWAY)
        at(page, 1)
        page.keyboard.press("a")
        at(page, 2)
    page.keyboard.press("a")
    page.locator("#trouble", has_text="Not saved").wait_for()
    page.keyboard.press("b")
    assert len(rows(places)) == 1
    with serving(Desk(places, SETTINGS, "ann"), tmp_path / "pictures") as live:
        again = open_page(live.guard.address)
        at(again, 2)
        answered(again, 1)


def test_a_disk_without_room_is_said_and_can_be_tried_again(open_page, live, places, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    page = open_page(live.guard.address, expected=AWAY)
    at(page, 1)
    with monkeypatch.context() as patched:
        patched.setattr("semtrace.io.verdict_store.tables.write", full)
        page.keyboard.press("a")
        page.locator("#trouble", has_text="No space left on device").wait_for()
        assert page.locator("#saved").inner_text() == "not saved"
        page.keyboard.press("a")
    assert rows(places) == {}
    page.locator("#trouble button").click()
    page.locator("#trouble").wait_for(state="detached")
    page.keyboard.press("a")
    answered(page, 1)


def test_new_tables_are_noticed_and_loaded(open_page, live, places):
    page = open_page(live.guard.address, expected=AWAY)
    at(page, 1)
    file = places.work / MAPPING
    tables.write(file, JPEG_TO_TIFF, tables.read(file, JPEG_TO_TIFF))
    page.keyboard.press("a")
    page.locator("#trouble", has_text="tables have changed").wait_for()
    page.locator("#trouble button").click()
    page.locator("#trouble").wait_for(state="detached")
    page.keyboard.press("a")
    answered(page, 1)


def test_several_are_chosen_on_the_sheet_and_answered_by_one_key(open_page, live, places):
    page = open_page(live.guard.address)
    at(page, 1)
    page.keyboard.press("Escape")
    page.locator(".tile").first.click()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".tile[aria-selected=true]").count() == 4
    page.keyboard.press("a")
    answered(page, 4)
    assert len(rows(places)) == 4


def test_a_picture_that_is_gone_leaves_its_reason_and_the_answers(open_page, strict, tmp_path):
    shutil.copytree(strict.published, tmp_path / "published")
    places = replace(copy_of(strict, tmp_path), published=tmp_path / "published")
    desk = Desk(places, SETTINGS, "ann")
    Path(places.published / desk.queue()[0]["path"]).unlink()
    with serving(desk, tmp_path / "pictures") as live:
        page = open_page(live.guard.address, expected=AWAY)
        page.locator(".placeholder", has_text="unreadable: the file is not there any more").first.wait_for()
        page.keyboard.press("n")
        answered(page, 1)


def test_without_questions_the_audit_is_offered(open_page, places, tmp_path):
    with serving(Desk(places, SETTINGS, "ann", "near_miss"), tmp_path / "pictures") as live:
        page = open_page(live.guard.address)
        page.locator("#none a").click()
        page.locator(".tile").first.wait_for()


def test_a_browser_that_was_not_let_in_is_told_what_to_open(open_page, live):
    context = None
    try:
        page = open_page(live.guard.address)
        context = page.context.browser.new_context()
        other = context.new_page()
        other.goto(f"http://127.0.0.1:{live.port}/")
        other.locator("[role=alert]", has_text="Open the address that semtrace review printed").wait_for()
    finally:
        if context is not None:
            context.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_a_question_fits_the_screen_and_has_no_finding(open_page, live, screen):
    page = open_page(live.guard.address, screen)
    at(page, 1)
    for view in ("side", "swipe", "map"):
        page.locator(f"button[data-view={view}]").click()
        assert has_no_sideways_scrolling(page)
        assert findings(page) == [], view
    box = page.locator("[data-answer=a]").bounding_box()
    height = SCREENS[screen]["viewport"]["height"]
    assert height * 0.6 < box["y"] < height, "answers lie in reach of a thumb"
    assert box["height"] >= 44
    page.goto(f"http://127.0.0.1:{live.port}/#/questions?kind=conflict")
    page.locator("h1", has_text="Questions").wait_for()
    assert findings(page) == []


def test_at_200_per_cent_nothing_scrolls_sideways(open_page, live):
    page = open_page(live.guard.address)
    page.set_viewport_size({"width": 640, "height": 400})  # 1280 x 800 at 200 %
    at(page, 1)
    for place in ("#/overview", "#/pairs", "#/questions"):
        assert has_no_sideways_scrolling(page)
        page.goto(f"http://127.0.0.1:{live.port}/{place}")
        page.locator("h1").wait_for()
    assert has_no_sideways_scrolling(page)
