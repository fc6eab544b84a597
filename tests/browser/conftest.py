"""Debian's chromium, driven by Playwright; without one of them these tests are skipped (`make browser`)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semtrace.io import tables
from semtrace.provenance import match
from semtrace.provenance.page_data import MAPPING
from semtrace.provenance.tables import JPEG_TO_TIFF
from semtrace.stage.executor import Executor
from tests.pipeline import defaults
from tests.small_archive import Done

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: `make browser` installs it")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("no chromium: apt-get install chromium", allow_module_level=True)

SCREENS = {
    "desk light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "phone dark": {
        "viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True, "is_mobile": True,
        "reduced_motion": "reduce",
    },
}  # fmt: skip
WAIT = 20_000  # milliseconds, on a busy machine


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium) -> Iterator[Callable[..., Any]]:
    """Opens an address on a screen; at the end no page may have had an error."""
    said: list[str] = []
    contexts = []

    def open_(address: str, screen: str = "desk light", **more: Any) -> Any:
        expected = more.pop("expected", ())
        context = chromium.new_context(**SCREENS[screen], **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)

        def hear(text: str) -> None:
            # A server of a test may end before its page does.
            if not any(part in text for part in ("ERR_CONNECTION", *expected)):
                said.append(text)

        page.on("pageerror", lambda error: hear(str(error)))
        page.on("console", lambda message: hear(message.text) if message.type in ("error", "warning") else None)
        page.goto(address)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not said


@pytest.fixture(scope="session")
def strict(crowded, tmp_path_factory) -> Done:
    """The crowded archive, with a match that could not decide on what it had matched."""
    root = tmp_path_factory.mktemp("strict")
    shutil.copytree(crowded.work, root / "work")
    run = replace(crowded, work=root / "work")
    match_strictly(run, root, None)
    rows = tables.read(run.work / MAPPING, JPEG_TO_TIFF)
    doubt = {"decision": "ambiguous", "reason": "ssim_too_low", "evidence": "ssim"}
    rows = [row | doubt if row["decision"] == "matched" else row for row in rows]
    tables.write(run.work / MAPPING, JPEG_TO_TIFF, rows)
    return run


def match_strictly(run: Done, root: Path, verdicts: Path | None) -> None:
    p = defaults(root, "match.min_ssim=0.99999", "match.min_margin=0.9")
    hashes = run.work / "fingerprint/tiff/hashes.csv", run.work / "fingerprint/jpeg/hashes.csv"
    match.run(
        hashes[0], [hashes[1]], run.work / "match", p.match, Executor(1, root / "cache.sqlite"),
        archive=run.archive, published=run.published, converted=None, verdicts=verdicts,
    )  # fmt: skip


def has_no_sideways_scrolling(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def findings(page: Any) -> list[str]:
    """What axe-core finds, whatever its impact."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    session = page.context.new_cdp_session(page)  # past the page's policy, which forbids foreign scripts
    session.send("Runtime.evaluate", {"expression": script})
    asked = {"expression": "axe.run({preload: false})", "awaitPromise": True, "returnByValue": True}
    result = session.send("Runtime.evaluate", asked)["result"]["value"]
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]}" for one in result["violations"] for node in one["nodes"]
    ]
