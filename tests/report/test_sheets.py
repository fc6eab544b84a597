"""The contact sheets of the report, and where a published part lies on its original."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semtrace.core.image.transformation import corners, transformation
from semtrace.io.kept_figures import KeptFigures
from semtrace.provenance.page_data import read_page_tables
from semtrace.report import figures
from semtrace.report.figures import known_sheets
from semtrace.report.sheets import PlannedPicture, PlannedSheet, plan_sheets, published_part


@pytest.fixture(scope="module")
def planned(done):
    return {sheet.name: sheet for sheet in plan_sheets(read_page_tables(done.work, done.work / "none.csv"))}


def test_a_conflict_shows_its_original_and_each_published_file_with_its_category(planned, done):
    conflicts = [row for row in done.rows("label/conflicts.csv") if row["kind"] == "several_categories"]
    assert conflicts
    shown = dict(planned["conflicts.png"].rows)
    for row in conflicts[:1]:
        title = next(title for title in shown if row["categories"].replace("|", " or ") in title)
        categories = [picture.words[0] for picture in shown[title]]
        assert categories[0] == "original"
        assert set(categories[1:]) == set(row["categories"].split("|"))


def test_a_group_shows_its_keeper_first_and_alone_framed(planned, done):
    keepers = {row["md5"] for row in done.rows("deduplicate/groups.csv") if row["path"] == row["keeper"]}
    assert planned["groups.png"].rows
    for title, pictures in planned["groups.png"].rows:
        assert [picture.framed for picture in pictures] == [True] + [False] * (len(pictures) - 1), title
        assert pictures[0].md5 in keepers
        assert "keeper" in pictures[0].words[0]


def test_the_largest_groups_come_first(planned):
    sizes = [int(title.split()[0]) for title, _ in planned["groups.png"].rows]
    assert sizes == sorted(sizes, reverse=True)


def test_a_sheet_is_kept_until_what_it_shows_or_the_code_behind_its_pixels_changes(tmp_path, monkeypatch):
    kept = KeptFigures(tmp_path / "cache.sqlite")
    sheet = PlannedSheet("parts.png", "Parts", (("", (PlannedPicture("a" * 32, ("original",)),)),))
    known_sheets([sheet], kept).figures({"a" * 32: np.zeros((4, 4), np.uint8)})
    assert list(known_sheets([sheet], kept).known) == ["parts.png"]
    assert known_sheets([replace(sheet, title="Other parts")], kept).missing == {"a" * 32}
    monkeypatch.setattr(figures, "code_digest", lambda module: f"other than {module}")
    assert known_sheets([sheet], kept).missing == {"a" * 32}


ROW = {"crop": "50x25+100+50", "angle": None, "scale": None, "place": ""}
SIZE = {"width": 200, "height": 100}


def test_a_part_lies_where_the_table_says():
    assert published_part(ROW, SIZE, SIZE) == ((0.5, 0.5), (0.75, 0.5), (0.75, 0.75), (0.5, 0.75))
    assert published_part({**ROW, "crop": ""}, SIZE, SIZE) == ()


@pytest.mark.parametrize("angle", [0.0, 20.0, -35.0])
def test_a_turned_part_is_turned_back(angle):
    """Beside the transformation itself, from which angle, scale and covered part in the table come."""
    published, original = {"width": 80, "height": 40}, {"width": 400, "height": 300}
    turn = np.radians(angle)
    along = 0.5 * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    moved = np.array([40, 20]) - along @ (200, 150)  # the middle of the original is that of the picture
    this = transformation(np.hstack([along, moved[:, None]]))
    assert (round(this.angle, 6), round(this.scale, 6)) == (angle, 0.5)
    ends = this.inverse.of(corners(80, 40))
    (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
    crop = f"{round(right - left)}x{round(bottom - top)}+{round(left)}+{round(top)}"
    row = {"crop": crop, "angle": angle, "scale": 0.5, "place": ""}
    found = np.array(published_part(row, published, original)) * (400, 300)
    assert np.abs(found - ends).max() < 1
