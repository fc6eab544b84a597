"""The report and the review page with 12,000 pairs, 300 of them doubtful: time, size, memory, and the wait for a key.

The tables are made, and so are the pictures that the report shows: frames of noise and shapes at 1024 x 768 pixels.
Others are not on the disk. The page is driven by Playwright in Debian's chromium (`make browser`).

Usage: python benchmarks/report.py [--pairs 12000] [--doubtful 300] [--answers 300]
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from main_job import HERE, SEMTRACE, measured
from PIL import Image
from scipy.ndimage import gaussian_filter

from semtrace.config import params
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.provenance.stages import WITH_REJECTS
from semtrace.provenance.tables import CONFLICTS, GROUPS, HASHES, JPEG_TO_TIFF, LABELS
from semtrace.report.report import collect
from semtrace.stage.declaration import Job
from semtrace.stage.rejects import REJECTS

CATEGORIES = ("Porous_Sponge", "Particles", "Tips", "Fibres", "Powder")
SHAPE = (768, 1024)
CHROMIUM = shutil.which("chromium")


def project(root: Path, pairs: int, doubtful: int) -> None:
    """A project's folder as the stages leave it, with the pictures that the report shows."""
    shutil.copytree(HERE.parent / "conf", root / "conf")
    folders = {name: root / "data" / name for name in ("archive", "published", "known", "verdicts")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (root / "params.yaml").write_text(
        params.composed(root / "conf", [f"dataset.{name}={path}" for name, path in folders.items()])
    )
    rows: dict[str, list[dict[str, Any]]] = {"jpeg": [], "tiff": [], "to": []}
    for number in range(pairs):
        jpeg = f"{CATEGORIES[number % 5]}/L{number % 5}_{md5(b'%d' % number)}.jpg"
        tiff = f"some person/2014-05-{number % 28 + 1:02}/a project/image_{number:05}.tif"
        known = {"width": SHAPE[1], "height": SHAPE[0], "bytes": 10**6, "health": "ok", "bar_top": None}
        rows["jpeg"].append({"path": jpeg, "md5": md5(jpeg.encode()), "content_id": f"j{number}", **known})
        rows["tiff"].append({"path": tiff, "md5": md5(tiff.encode()), "content_id": f"t{number}", **known})
        asked = number % (pairs // doubtful) == 0
        rows["to"].append({
            "jpeg_path": jpeg, "matched_tiff_path": tiff, "decision": "ambiguous" if asked else "matched",
            "runner_up_path": f"some person/2014-05-{(number - 1) % 28 + 1:02}/a project/image_{number - 1:05}.tif"
            if number else "", "evidence": "ssim" if asked else "reencoded",
            "reason": "ssim_too_low" if asked else "proven",
            "ssim_value": round(0.8 + number % 1000 / 5000, 6), "correlation": 0.97, "margin": 0.123456,
            "hamming_distance": number % 90, "used_ssim": True, "candidates": 2, "symmetry": "identity",
        })  # fmt: skip
    write(root, rows)
    p = params.load(root / "params.yaml")
    data = p.dataset
    job = Job(p, data.archive, data.published, data.known, data.verdicts, root / "data/work", p.executor)
    content = collect(job, p.report.pictures)
    sides = {"jpeg": rows["jpeg"], "tiff": rows["tiff"]}
    by_md5 = {row["md5"]: (side, row) for side, its in sides.items() for row in its}
    for number, digest in enumerate(content.files):
        side, row = by_md5[digest]
        encoded = picture(number, side)
        file = folders["published" if side == "jpeg" else "archive"] / row["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded)
        row["md5"] = md5(encoded)
    write(root, rows)


@cache
def field(seed: int) -> np.ndarray:
    """Soft structure with noise, uint8 (768, 1024)."""
    rng = np.random.default_rng(seed)
    levels = 120 + 1250 * gaussian_filter(rng.standard_normal(SHAPE), 10) + rng.normal(0, 8, SHAPE)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def picture(number: int, side: str) -> bytes:
    """The bytes of a picture that resembles no other one."""
    gray = np.roll(field(number % 6), (number * 37 % 768, number * 91 % 1024), (0, 1))
    data = io.BytesIO()
    if side == "jpeg":
        Image.fromarray(gray).save(data, "JPEG", quality=85)
    else:
        tifffile.imwrite(data, gray, software=False, metadata=None)
    return data.getvalue()


def write(root: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    """The tables of the stages."""
    work = root / "data/work"
    for name, table, its in (
        ("fingerprint/jpeg/hashes.csv", HASHES, rows["jpeg"]), ("fingerprint/tiff/hashes.csv", HASHES, rows["tiff"]),
        ("match/jpeg_to_tiff.csv", JPEG_TO_TIFF, rows["to"]), ("label/labels.csv", LABELS, []),
        ("label/conflicts.csv", CONFLICTS, []), ("deduplicate/groups.csv", GROUPS, []),
        *((f"{folder}/rejects.csv", REJECTS, []) for folder in WITH_REJECTS),
    ):  # fmt: skip
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        tables.write(work / name, table, ({**dict.fromkeys(table.names, ""), **row} for row in its))


def megabytes(*paths: Path) -> float:
    """What files and folders take, 10^6 bytes."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def first_rows(browser: Any, address: str) -> float:
    """Seconds until the table of a report from the disk shows rows."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
    start = time.perf_counter()
    page.goto(f"{address}#/pairs")
    page.locator("tbody tr").first.wait_for()
    took = time.perf_counter() - start
    page.context.close()
    return took


WATCH = """() => {
  window.waits = [];
  let pressed = 0;
  addEventListener("keydown", () => (pressed = performance.now()), true);
  new MutationObserver(() => {
    const images = [...document.querySelectorAll(".pane img")];
    if (!pressed || !images.length) return;
    const start = pressed;
    pressed = 0;
    Promise.all(images.map((image) => image.decode().catch(() => {}))).then(() =>
      requestAnimationFrame(() => requestAnimationFrame(() => window.waits.push(performance.now() - start))));
  }).observe(document.getElementById("main"), { childList: true });
}"""


def answer(browser: Any, root: Path, count: int) -> None:
    """Answer questions at two a second; print the wait for the next pair, and what is on the disk."""
    start = time.perf_counter()
    with subprocess.Popen([*SEMTRACE, "review"], cwd=root, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = next(found[1] for line in server.stdout if (found := re.search(r"open (\S+)", line)))
        ready = time.perf_counter() - start
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(address)
        page.locator(".pane img").first.wait_for()
        page.evaluate(WATCH)
        for _ in range(count):
            begun = time.perf_counter()
            page.keyboard.press("a")
            page.wait_for_timeout(max(0.0, 500 - 1000 * (time.perf_counter() - begun)))
        taken = int(page.locator("#progress").inner_text().split()[0])
        waits = sorted(page.evaluate("window.waits"))
        used = int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())[1]) / 1e3  # type: ignore[index]
        server.terminate()
    saved = len((root / "data/verdicts/verdicts.csv").read_text().splitlines()) - 1
    print(f"review: ready after {ready:.1f} s, {used:.0f} MB; {count} keys, {taken} answers taken, {saved} on the disk")
    print(
        f"key to next pair painted: median {statistics.median(waits):.0f} ms, "
        f"p95 {waits[int(0.95 * len(waits))]:.0f} ms, most {waits[-1]:.0f} ms ({len(waits)} waits)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12_000)
    parser.add_argument("--doubtful", type=int, default=300)
    parser.add_argument("--answers", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project(root, given.pairs, given.doubtful)
        report = root / "data/work/report"
        for what in ("without cached pictures", "with cached pictures"):
            done = measured([*SEMTRACE, "report"], root)
            print(f"report {what}: {done.seconds:.1f} s, {done.peak_mb:.0f} MB")
        print(f"folder {megabytes(report):.1f} MB, rows.js {megabytes(report / 'assets/rows.js'):.1f} MB")
        measured([*SEMTRACE, "report", "--single", "one.html"], root)
        print(f"single file {megabytes(root / 'one.html'):.1f} MB")
        if CHROMIUM is None:
            print("no chromium: the page is not measured")
            return
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            address = (report / "index.html").as_uri()
            print(f"first rows from disk: {min(first_rows(browser, address) for _ in range(3)):.2f} s")
            answer(browser, root, given.answers)
            browser.close()


if __name__ == "__main__":
    main()
