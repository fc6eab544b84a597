"""The report: counts that add up, the same bytes again, and nothing in a name that could act."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.core.errors import AccountingError
from semtrace.io.tables import TableError
from semtrace.provenance.page_data import overview, read_page_tables
from semtrace.report import report, sheets
from semtrace.report.report import write_single
from semtrace.stage.declaration import Job
from semtrace.web.assets import data_script
from tests.crash.harness import digests
from tests.pipeline import defaults
from tests.small_archive import Done


def job_of(done: Done, root: Path, *overrides: str, workers: int = 1) -> Job:
    """The stage on a copy of a run's results."""
    if not (root / "work").exists():
        shutil.copytree(done.work, root / "work")
    p = defaults(root, *overrides, workers=workers)
    return Job(p, done.archive, done.published, done.known, root / "verdicts", root / "work", p.executor)


def given_to(page: Path, name: str, variable: str):
    """What a script of the page sets."""
    text = (page / "assets" / name).read_text()
    assert text.startswith(f"window.{variable} = ")
    return json.loads(text.removeprefix(f"window.{variable} = ").rstrip(";\n"))


@pytest.fixture(scope="module")
def made(done, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("report")
    report.stage(job_of(done, root))
    return root / "work/report"


def test_the_counts_add_up_and_are_those_of_the_tables(made, done):
    run = given_to(made, "run.js", "semtraceRun")["run"]
    assert run["images_in"] == sum(run["decisions"].values()) + run["rejected"]
    text = (done.work / "validate/accuracy_report.txt").read_text()
    assert bool(run["decisions"]["unmatched"]) == bool(run["not_looked_for"])
    assert all(line in text for line in run["not_looked_for"])
    assert run["images_in"] == sum(1 for _ in done.published.rglob("*.*"))
    assert run["decisions"]["matched"] == sum(r["decision"] == "matched" for r in done.rows("match/jpeg_to_tiff.csv"))
    assert sum(row["images"] for row in run["categories"]) == sum(run["decisions"].values())
    assert sum(run["rejects"]["fingerprint/jpeg"].values()) == run["rejected"] == 2


def test_a_sum_that_does_not_add_up_is_an_error(done, tmp_path):
    given = read_page_tables(done.work, tmp_path / "none.csv")
    with pytest.raises(AccountingError, match="published images in"):
        overview(replace(given, forward=given.forward[1:]))


def test_a_rerun_gives_the_same_bytes_whatever_the_number_of_workers(made, done, tmp_path):
    report.stage(job_of(done, tmp_path, workers=2))
    assert digests(tmp_path / "work/report") == digests(made)
    report.stage(job_of(done, tmp_path))  # from the cache of pictures
    assert digests(tmp_path / "work/report") == digests(made)


def test_everything_that_the_page_names_is_there(made):
    page = (made / "index.html").read_text()
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (made / address).is_file()
    run = given_to(made, "run.js", "semtraceRun")
    for pair in run["pairs"].values():
        for picture in (pair["jpeg"], *pair["originals"]):
            assert (made / "pictures" / f"{picture['md5']}.jpg").is_file()
    for name in run["run"]["maps"]:
        assert (made / "maps" / f"{name}.jpg").is_file()
    for plot in run["run"]["plots"]:
        assert (made / plot["src"]).is_file()
        assert plot["title"]
        assert plot["alt"]
    assert not run["run"]["failures"]


def test_the_page_has_the_funnel_and_the_contact_sheets_and_says_their_numbers(made, done):
    plots = {
        plot["src"].removeprefix("assets/"): plot for plot in given_to(made, "run.js", "semtraceRun")["run"]["plots"]
    }
    assert [name for name, plot in plots.items() if plot["place"] == "first"] == [
        "funnel.png",
        "outcomes_by_category.png",
    ]
    assert {"conflicts.png", "groups.png"} == {name for name, plot in plots.items() if plot["place"] == "sheet"}
    published = next(
        row["count"] for row in done.rows("plot/funnel.csv") if (row["side"], row["step"]) == ("jpeg", "files")
    )
    assert f"published set: {published} files, " in plots["funnel.png"]["alt"]
    assert "Tips: " in plots["outcomes_by_category.png"]["alt"]


def test_contact_sheets_are_taken_from_an_earlier_run_and_never_with_a_picture_that_could_not_be_read(
    done, tmp_path, monkeypatch
):
    shutil.copytree(done.published, tmp_path / "published")
    job = replace(job_of(done, tmp_path, "report.pictures=0", "review.audit=0"), published=tmp_path / "published")
    conflict = next(row for row in done.rows("label/conflicts.csv") if row["kind"] == "several_categories")
    moved = tmp_path / "published" / conflict["files"].split("|")[0]
    moved.rename(tmp_path / "away")
    sheet = tmp_path / "work/report/assets/conflicts.png"
    report.stage(job)
    without = sheet.read_bytes()
    (tmp_path / "away").rename(moved)
    report.stage(job)
    whole = sheet.read_bytes()
    assert whole != without
    monkeypatch.setattr(sheets, "draw_sheet", lambda *_: b"drawn again")
    report.stage(job)
    assert sheet.read_bytes() == whole


def test_the_page_forbids_what_it_does_not_need(made):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', (made / "index.html").read_text())
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; ")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_every_row_is_in_the_table_and_every_question_in_the_queue(made, done):
    rows = given_to(made, "rows.js", "semtraceRows")
    assert [row[1] for row in rows] == [row["jpeg_path"] for row in done.rows("match/jpeg_to_tiff.csv")]
    with (made / "queue.csv").open(encoding="utf-8", newline="") as file:
        queue = list(csv.DictReader(file))
    assert [one["item"] for one in given_to(made, "run.js", "semtraceRun")["queue"]] == [one["item"] for one in queue]
    assert {"conflict", "audit"} <= {one["kind"] for one in queue}


@pytest.mark.parametrize(("most", "count"), [("0", 0), ("3", 3), ("all", None)])
def test_questions_have_pictures_and_an_even_sample_of_the_rest(done, tmp_path, most, count):
    report.stage(job_of(done, tmp_path, f"report.pictures={most}", "review.audit=0"))
    run = given_to(tmp_path / "work/report", "run.js", "semtraceRun")
    asked = {one["item"] for one in run["queue"]}
    assert asked <= run["pairs"].keys()
    contents = len({row[0] for row in given_to(tmp_path / "work/report", "rows.js", "semtraceRows")} | asked)
    assert len(run["pairs"]) == (contents if count is None else max(count, len(asked)))


@pytest.mark.parametrize("gone", ["label", "validate", "deduplicate"])
def test_it_is_built_from_what_is_there(done, tmp_path, gone):
    job = job_of(done, tmp_path)
    shutil.rmtree(job.work / gone)
    report.stage(job)
    assert given_to(job.work / "report", "run.js", "semtraceRun")["run"]["missing"] == [gone]


def test_without_a_match_it_says_what_to_run(done, tmp_path):
    job = job_of(done, tmp_path)
    shutil.rmtree(job.work / "match")
    with pytest.raises(TableError, match="run the stage that writes it first"):
        report.stage(job)
    assert not (job.work / "report").exists()


def test_a_picture_that_is_gone_has_its_reason(done, tmp_path):
    shutil.copytree(done.published, tmp_path / "published")
    job = replace(job_of(done, tmp_path), published=tmp_path / "published")
    gone, damaged = [row["jpeg_path"] for row in done.rows("match/jpeg_to_tiff.csv")][:2]
    (job.published / gone).unlink()
    (job.published / damaged).write_bytes(b"\xff\xd8\xff\xe0 damaged")
    assert report.stage(job).missing_pictures == 2
    failures = given_to(job.work / "report", "run.js", "semtraceRun")["run"]["failures"]
    assert sorted(why.partition(":")[0] for why in failures.values()) == ["changed", "unreadable"]


# --- one file


def test_a_single_file_holds_everything_and_allows_its_own_scripts_alone(done, tmp_path):
    job = job_of(done, tmp_path)
    said = write_single(job, tmp_path / "one.html")
    text = (tmp_path / "one.html").read_text()
    assert "rows" in said
    assert not re.findall(r'(?:src|href)="(?!#)[^"]+"', text)
    (policy,) = re.findall(r'content="(default-src [^"]+)"', text)
    assert len(re.findall(r"'sha256-[\w+/=]{44}'", policy)) == text.count("<script>") + text.count("<style>")
    assert "data:image/jpeg;base64," in text
    assert not (job.work / "report").exists()
    again = (tmp_path / "one.html").read_bytes()
    write_single(job, tmp_path / "one.html")
    assert (tmp_path / "one.html").read_bytes() == again


def test_a_folder_that_is_not_there_is_named(done, tmp_path):
    with pytest.raises(ValueError, match="nowhere is not there"):
        write_single(job_of(done, tmp_path), tmp_path / "nowhere/one.html")


# --- names


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!--", "a\u2028b", '"\\', "=1+1", "\u202egpj"])
def test_no_name_ends_the_script_that_it_stands_in(name):
    text = data_script("given", {"path": name})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text.removeprefix("window.given = ").rstrip(";\n")) == {"path": name}


def test_the_stage_depends_on_the_scripts_of_the_page():
    """They are no modules, so no import leads to them: the folder of the room must be a dependency."""
    text = (Path(__file__).resolve().parents[2] / "dvc.yaml").read_text()
    assert "      - src/semtrace/web\n" in text[text.index("\n  report:\n") :]
