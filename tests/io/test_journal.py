from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.io.journal import Batch, Item, Journal, JournalError, Waiting, opened

BATCH = Batch(0, "/raw", "a", "t0", "", "{}", "0.1.0", 2, 1, 1, 0, 0, 0, "planned")
UNIQUE = Item(0, 0, "a/1.bmp", 5, 7, "m1", 64, 48, "unique", "", None, None, "/unique/a/1.bmp", "planned", "")
SIMILAR = replace(
    UNIQUE, path="a/2.bmp", md5="m2", decision="similar", keeper="a/1.bmp", distance=4.0, likeness=0.9,
    target="/archive/a/2.bmp",
)  # fmt: skip
KEPT = ("phash8:8:00ff00ff00ff00ff", "p1", None)


@pytest.fixture
def journal(tmp_path: Path):
    made = Journal(tmp_path / "deep" / "j.sqlite")
    yield made
    made.close()


def test_a_plan_is_read_back_as_it_was(journal: Journal):
    number = journal.plan(BATCH, [UNIQUE, SIMILAR], [KEPT, None])
    assert journal.batches("/raw") == [replace(BATCH, id=number)]
    assert [replace(item, id=0, batch=0) for item in journal.items(number)] == [UNIQUE, SIMILAR]
    assert journal.batches("/other") == []


def test_a_picture_is_kept_only_when_it_has_arrived(journal: Journal):
    number = journal.plan(BATCH, [UNIQUE, SIMILAR], [KEPT, None])
    assert journal.kept("/raw", "a") == []
    items = journal.items(number)
    journal.settle(number, "done", "t1", [replace(item, state="moved") for item in items])
    assert [row.path for row in journal.kept("/raw", "a")] == ["a/1.bmp"]
    assert [row.path for row in journal.kept("/raw", None)] == ["a/1.bmp"]
    assert journal.kept("/raw", "b") == []
    assert journal.counts("/raw") == {"unique": 1, "similar": 1}
    journal.settle(number, "undone", "t2", [replace(item, state="undone") for item in items])
    assert journal.kept("/raw", "a") == []
    assert journal.counts("/raw") == {}


@pytest.mark.parametrize(
    ("state", "target", "kept"), [("kept", "", 0), ("kept", "/unique/a/1.bmp", 1), ("failed", "x", 0)]
)
def test_what_stays_where_it_is_was_copied_or_did_not_travel(journal: Journal, state, target, kept):
    number = journal.plan(BATCH, [UNIQUE], [KEPT])
    journal.settle(number, "done", "t1", [replace(journal.items(number)[0], state=state, target=target)])
    assert len(journal.kept("/raw", "a")) == kept
    assert journal.copied("/raw") == ({"a/1.bmp": (5, 7)} if kept else {})


def test_a_plan_that_cannot_be_written_leaves_nothing(journal: Journal):
    with pytest.raises(sqlite3.Error):
        journal.plan(BATCH, [UNIQUE, replace(SIMILAR, path=object())], [KEPT, None])
    assert journal.batches("/raw") == []


def test_waiting_is_replaced_as_a_whole(journal: Journal):
    rows = [Waiting("a", 1, 2, "t", "r"), Waiting("b", 1, 2, "t", "r")]
    journal.set_waiting("/raw", rows)
    journal.set_waiting("/other", rows[:1])
    journal.set_waiting("/raw", rows[1:])
    assert journal.waiting("/raw") == rows[1:]
    assert journal.waiting("/other") == rows[:1]


def test_a_newer_one_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    Journal(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.commit()
    db.close()
    with pytest.raises(JournalError, match="newer semtrace"):
        opened(path)
    assert path.is_file()


def test_damaged_ones_are_set_aside_one_after_another(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    for number in (1, 2):
        path.write_bytes(b"no database " * 500)
        journal, aside = opened(path)
        journal.close()
        assert aside == tmp_path / f"j.sqlite.broken-{number}"
        assert aside.read_bytes().startswith(b"no database")


def test_reading_makes_no_file(tmp_path: Path):
    with pytest.raises(JournalError, match="no journal"):
        Journal(tmp_path / "j.sqlite", readonly=True)
    assert list(tmp_path.iterdir()) == []
