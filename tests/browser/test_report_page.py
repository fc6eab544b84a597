"""The report as a person opens it: from the disk, without a network, on a desk and on a phone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from semtrace.report import report
from semtrace.report.report import write_single
from semtrace.web.assets import data_script
from tests.browser.conftest import SCREENS, findings, has_no_sideways_scrolling
from tests.report.test_report import given_to, job_of

STRANGE = (
    "</script><script>window.bad=1</script>", "<img src=x onerror=window.bad=1>", '"\'><b>', "\u202egnp.exe", "a\nb\tc",
    "=cmd|' /C calc'!A0", "x" * 200,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(strict, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("report")
    job = job_of(strict, root)
    report.stage(job)
    write_single(job, root / "one.html")
    return root


@pytest.fixture(scope="module")
def address(folder) -> str:
    return (folder / "work/report/index.html").as_uri()


@pytest.mark.parametrize("screen", SCREENS)
def test_every_view_opens_without_a_network_and_without_a_finding(open_page, address, screen):
    page = open_page(address, screen, offline=True)
    assert page.locator("#sum").inner_text().count(" + ") == 3
    for place in ("#/overview", "#/pairs", "#/questions"):
        page.goto(address + place)
        page.locator("h1").wait_for()
        assert has_no_sideways_scrolling(page), place
        assert findings(page) == [], place
    page.locator(".tile").first.dblclick()
    page.locator(".pane img").first.wait_for()
    for view in ("flip", "swipe", "overlay", "difference", "map", "side"):
        page.locator(f"button[data-view={view}]").click()
        assert page.locator(f".panes[data-view={view}] .pane").first.is_visible()
        assert has_no_sideways_scrolling(page), view
        assert findings(page) == [], view


def test_filter_sort_and_page_are_in_the_address(open_page, address, folder, tmp_path):
    many = tmp_path / "many"
    shutil.copytree(folder / "work/report", many)
    (row, *_) = given_to(many, "rows.js", "semtraceRows")
    rows = [[*row[:1], f"Tips/{n:03}.jpg", *row[2:7], n / 1000, *row[8:]] for n in range(250)]
    (many / "assets/rows.js").write_text(data_script("semtraceRows", rows))
    start = (many / "index.html").as_uri()
    page = open_page(f"{start}#/pairs", offline=True)
    assert page.locator("#count").inner_text() == "250 of 250 rows"
    assert page.locator("tbody tr").count() == 100
    page.get_by_role("button", name="Next").click()
    assert page.locator("tbody tr a").first.inner_text() == "Tips/100.jpg"
    for _ in range(2):
        page.locator("[data-sort=ssim]").click()
    assert page.locator("tbody tr a").first.inner_text() == "Tips/249.jpg"
    page.locator("input[name=ssim_to]").fill("0.1005")
    assert page.locator("#count").inner_text() == "101 of 250 rows"
    page.locator("input[name=q]").fill("tips/09")
    assert page.locator("#count").inner_text() == "10 of 250 rows"
    again = open_page(page.url, offline=True)
    assert again.locator("#count").inner_text() == "10 of 250 rows"
    assert again.locator("tbody tr a").first.inner_text() == "Tips/099.jpg"


def test_one_zoom_moves_all_pictures_and_a_pair_can_be_sent(open_page, address):
    page = open_page(f"{address}#/pairs", offline=True)
    page.locator("tbody a").first.click()
    page.locator(".pane img").first.wait_for()
    before = [stage.get_attribute("style") for stage in page.locator(".stage").all()]
    page.keyboard.press("+")
    after = [stage.get_attribute("style") for stage in page.locator(".stage").all()]
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.keyboard.press("f")
    assert [stage.get_attribute("style") for stage in page.locator(".stage").all()] == before
    page.keyboard.press("z")
    page.keyboard.press("Shift+ArrowLeft")
    page.locator(".pane").first.hover()
    page.mouse.wheel(0, -100)
    assert float(page.locator(".compare").get_attribute("data-zoom")) > 0.5
    title = page.locator("#item-title").inner_text()
    assert open_page(page.url, offline=True).locator("#item-title").inner_text() == title


def test_space_flips_in_place_while_it_is_held(open_page, address):
    page = open_page(f"{address}#/questions", offline=True)
    page.locator(".tile").first.dblclick()
    page.locator("[data-view=flip]").click()
    page.locator("#item-title").focus()
    top = page.locator(".pane .layer.published")
    assert not top.is_visible()
    page.keyboard.down(" ")
    assert top.is_visible()
    page.keyboard.up(" ")
    assert not top.is_visible()


def test_the_single_file_shows_the_same(open_page, folder):
    page = open_page((folder / "one.html").as_uri(), offline=True)
    assert page.locator("#sum").is_visible()
    page.goto((folder / "one.html").as_uri() + "#/questions")
    page.locator(".tile").first.dblclick()
    image = page.locator(".pane img").first
    image.wait_for()
    assert image.evaluate("image => image.complete && image.naturalWidth > 0")


def test_names_of_all_kinds_are_text(open_page, folder, tmp_path):
    strange = tmp_path / "strange"
    shutil.copytree(folder / "work/report", strange)
    rows = given_to(strange, "rows.js", "semtraceRows")
    rows = [[*row[:1], f"Tips/{name}", name, name, *row[4:]] for row, name in zip(rows, STRANGE, strict=False)]
    (strange / "assets/rows.js").write_text(data_script("semtraceRows", rows))
    text = (strange / "assets/run.js").read_text()
    run = json.loads(text.removeprefix("window.semtraceRun = ").rstrip(";\n"))
    for pair, name in zip(run["pairs"].values(), STRANGE, strict=False):
        pair["jpeg"]["path"] = pair["originals"][0]["path"] = name
        pair["files"] = [name]
    for entry, name in zip(run["queue"], STRANGE, strict=False):
        entry["path"] = name
    run["run"]["conflicts"] = [
        {
            "kind": "several_categories",
            "categories": "|".join(STRANGE[:2]),
            "files": "",
            "resolution": "excluded",
            "rule": "",
        }
    ]
    (strange / "assets/run.js").write_text(data_script("semtraceRun", run))
    start = (strange / "index.html").as_uri()
    page = open_page(start, offline=True)
    for place in ("#/overview", "#/pairs", "#/questions", f"#/question/{run['queue'][0]['item']}"):
        page.goto(start + place)
        page.locator("h1").wait_for()
        assert page.evaluate("window.bad === undefined && document.scripts.length")
        assert page.locator("main img[src=x], main b:empty").count() == 0
        assert has_no_sideways_scrolling(page), place
    page.goto(start + "#/pairs")
    shown = page.locator("tbody").inner_text()
    for part in ("</script><script>window.bad=1</script>", "\\u202egnp.exe", "a\\x0ab\\x09c", "=cmd"):
        assert part in shown
    assert "\u202e" not in shown
