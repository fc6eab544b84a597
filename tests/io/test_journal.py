from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.io.journal import Batch, Journal, JournalError, JournalItem, Waiting, opened

BATCH = Batch(0, "/raw", "a", "t0", "", "{}", "0.1.0", 2, 1, 1, 0, 0, 0, "planned")
UNIQUE = JournalItem(0, 0, "a/1.bmp", 5, 7, "m1", 64, 48, "unique", "", None, None, "/unique/a/1.bmp", "planned", "")
SIMILAR = replace(
    UNIQUE, path="a/2.bmp", md5="m2", decision="similar", keeper="a/1.bmp", distance=4.0, likeness=0.9,
    target="/archive/a/2.bmp",
)  # fmt: skip
KEPT = ("phash8:8:00ff00ff00ff00ff", "p1", None)


@pytest.fixture
def journal(tmp_path: Path):
    made = Journal(tmp_path / "very" / "deep" / "j.sqlite")
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


# --- what belongs to another folder, batch or item stays as it is


def stored(journal: Journal, root: str, folder: str = "a", *items: JournalItem, kept: bool = True) -> int:
    """A batch of ``items`` whose hashes are all kept."""
    rows = [(f"hash of {item.path}", "p", None) if kept else None for item in items]
    return journal.plan(replace(BATCH, root=root, folder=folder), items, rows)


def test_words_are_remembered_for_each_folder(journal: Journal):
    assert (journal.known("/b", "x"), journal.roots()) == (None, [])
    journal.remember("/b", x="1", y="2")
    journal.remember("/a", x="3")
    journal.remember("/b", x="4")
    found = {(root, key): journal.known(root, key) for root in ("/a", "/b") for key in ("x", "y")}
    assert found == {("/a", "x"): "3", ("/a", "y"): None, ("/b", "x"): "4", ("/b", "y"): "2"}
    assert journal.roots() == ["/a", "/b"]


def test_batches_are_chosen_by_root_state_and_folder_oldest_first(journal: Journal):
    made = [stored(journal, root, folder) for root, folder in (("/r", "a"), ("/r", "b"), ("/s", "a"), ("/r", "a"))]
    for number, state in zip(made, ("done", "planned", "done", "undone"), strict=True):
        journal.set_state(number, state)

    def chosen(root: str, **asked) -> list[int]:
        return [made.index(batch.id) for batch in journal.batches(root, **asked)]

    assert (chosen("/r"), chosen("/s"), chosen("/t")) == ([0, 1, 3], [2], [])
    assert chosen("/r", states=["done"]) == [0]
    assert chosen("/r", states=["undone", "done"]) == [0, 3]
    assert chosen("/r", states=["failed"]) == []
    assert (chosen("/r", folder="a"), chosen("/r", folder="b"), chosen("/r", folder="")) == ([0, 3], [1], [])
    assert chosen("/r", states=["undone", "planned"], folder="a") == [3]
    assert [batch.state for batch in journal.batches("/r")] == ["done", "planned", "undone"]


def test_items_are_those_of_their_batch_in_the_order_of_the_plan(journal: Journal):
    first = stored(journal, "/r", "a", SIMILAR, UNIQUE)
    second = stored(journal, "/r", "b", UNIQUE)
    assert [item.path for item in journal.items(first)] == ["a/2.bmp", "a/1.bmp"]
    assert [(item.path, item.batch) for item in journal.items(second)] == [("a/1.bmp", second)]
    assert journal.items(second + 1) == []


def test_another_target_is_that_of_one_item(journal: Journal):
    number = stored(journal, "/r", "a", UNIQUE, SIMILAR)
    journal.retarget(journal.items(number)[1].id, "/archive/a/2_1.bmp")
    assert [item.target for item in journal.items(number)] == [UNIQUE.target, "/archive/a/2_1.bmp"]


def test_what_became_of_a_batch_is_stored_for_it_alone(journal: Journal):
    first, second = stored(journal, "/r", "a", UNIQUE, SIMILAR), stored(journal, "/r", "a", UNIQUE)
    one, two = journal.items(first)
    journal.settle(first, "done", "t1", [replace(one, state="moved", detail="d", target="/elsewhere")])
    assert [(b.state, b.ended) for b in journal.batches("/r")] == [("done", "t1"), ("planned", "")]
    assert journal.items(first) == [replace(one, state="moved", detail="d", target="/elsewhere"), two]
    assert [item.state for item in journal.items(second)] == ["planned"]


@pytest.mark.parametrize("other", [{"root": "/s"}, {"folder": "b"}])
def test_pictures_that_are_kept_are_those_of_the_folder_oldest_first(journal: Journal, other):
    later, sooner = replace(UNIQUE, path="later"), replace(UNIQUE, path="sooner")
    for root, folder, item in (("/r", "a", sooner), (other.get("root", "/r"), other.get("folder", "a"), UNIQUE),
                               ("/r", "a", later)):  # fmt: skip
        number = stored(journal, root, folder, item)
        journal.settle(number, "done", "t1", [replace(i, state="moved") for i in journal.items(number)])
    assert [(row.path, row.hash) for row in journal.kept("/r", "a")] == [
        ("sooner", "hash of sooner"), ("later", "hash of later"),
    ]  # fmt: skip
    assert len(journal.kept("/r", None)) == (2 if "root" in other else 3)


# state and target -> kept for later comparison, copied (it stays where it is), counted under its decision or as failed
FATES = [
    ("planned", "/t", False, False, {}),
    ("moved", "/t", True, False, {"unique": 1}),
    ("moved", "", True, False, {"unique": 1}),
    ("kept", "/t", True, True, {"unique": 1}),
    ("kept", "", False, False, {}),
    ("failed", "/t", False, False, {"failed": 1}),
    ("failed", "", False, False, {"failed": 1}),
    ("undone", "/t", False, False, {}),
    ("undone", "", False, False, {}),
]


@pytest.mark.parametrize(("state", "target", "kept", "copied", "counted"), FATES)
def test_the_fate_of_a_picture_says_where_it_is_counted(journal: Journal, state, target, kept, copied, counted):
    number = stored(journal, "/r", "a", UNIQUE)
    for root in ("/r", "/s"):
        if root == "/s":
            number = stored(journal, root, "a", replace(UNIQUE, path="other"))
        journal.settle(number, "done", "t", [replace(journal.items(number)[0], state=state, target=target)])
    assert [row.path for row in journal.kept("/r", None)] == ["a/1.bmp"] * kept
    assert journal.copied("/r") == ({"a/1.bmp": (5, 7)} if copied else {})
    assert journal.counts("/r") == counted
    assert journal.counts("/nowhere") == journal.copied("/nowhere") == {}


@pytest.mark.parametrize(("state", "target"), [(state, target) for state, target, kept, *_ in FATES if not kept])
def test_what_did_not_travel_on_is_not_kept_when_it_is_said_to_have_moved_later(journal: Journal, state, target):
    """A hash that was deleted does not come back; that of the other picture was not deleted with it."""
    number = stored(journal, "/r", "a", UNIQUE, SIMILAR)
    one, two = journal.items(number)
    journal.settle(number, "done", "t", [replace(one, state=state, target=target), replace(two, state="moved")])
    journal.settle(number, "done", "t", [replace(one, state="moved")])
    assert [row.path for row in journal.kept("/r", "a")] == (["a/1.bmp"] if state == "planned" else []) + ["a/2.bmp"]


def test_a_file_that_was_copied_twice_has_its_last_size(journal: Journal):
    for size in (5, 6):
        number = stored(journal, "/r", "a", replace(UNIQUE, bytes=size))
        journal.settle(number, "done", "t", [replace(i, state="kept") for i in journal.items(number)])
    assert journal.copied("/r") == {"a/1.bmp": (6, 7)}


def test_each_item_of_a_plan_needs_to_say_whether_it_is_kept(journal: Journal):
    with pytest.raises(ValueError, match="shorter"):
        journal.plan(BATCH, [UNIQUE, SIMILAR], [KEPT])
    assert journal.batches("/raw") == []


def test_what_waits_is_sorted_by_path(journal: Journal):
    rows = [Waiting("b", 1, 2, "t", "r"), Waiting("a", 3, 4, "u", "s")]
    journal.set_waiting("/raw", iter(rows))
    assert journal.waiting("/raw") == rows[::-1]


# --- opening


def test_a_journal_is_read_by_another_and_not_written(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    with contextlib.closing(Journal(path)) as journal:
        journal.remember("/r", x="1")
    with contextlib.closing(Journal(path, readonly=True)) as journal:
        assert (journal.path, journal.known("/r", "x"), journal.is_there()) == (path, "1", True)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            journal.remember("/r", x="2")
        path.unlink()
        assert not journal.is_there()


@pytest.mark.parametrize(("version", "refused"), [(0, False), (1, False), (2, True)])
@pytest.mark.parametrize("readonly", [False, True])
def test_a_journal_of_this_version_or_an_older_one_is_opened(tmp_path: Path, version, refused, readonly):
    path = tmp_path / "j.sqlite"
    Journal(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={version}")
    if refused:
        with pytest.raises(JournalError, match="newer"):
            Journal(path, readonly=readonly)
    else:
        Journal(path, readonly=readonly).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        is_now = db.execute("PRAGMA user_version").fetchone()[0]
        assert is_now == (version if refused or readonly else 1)


def test_what_is_written_survives_a_power_cut(journal: Journal):
    with contextlib.closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_sound_one_is_opened_in_place(tmp_path: Path):
    for _ in range(2):
        journal, aside = opened(tmp_path / "j.sqlite")
        journal.close()
        assert aside is None


def test_one_with_a_damaged_page_is_set_aside(tmp_path: Path):
    path = tmp_path / "j.sqlite"
    with contextlib.closing(Journal(path)) as journal:
        for number in range(50):
            journal.remember(f"/r{number}", x="1" * 500)
    data = bytearray(path.read_bytes())
    data[-4096:] = b"\xff" * 4096  # a page of a table; the header stays as it was
    path.write_bytes(data)
    journal, aside = opened(path)
    assert journal.roots() == []
    journal.close()
    assert aside == tmp_path / "j.sqlite.broken-1"
    assert aside.read_bytes() == data


def test_one_with_pages_that_belong_to_nothing_is_set_aside(tmp_path: Path):
    """SQLite raises no error there; only its check of the file says so."""
    path = tmp_path / "j.sqlite"
    Journal(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("DELETE FROM sqlite_master WHERE name = 'waiting'")
        db.commit()
    journal, aside = opened(path)
    journal.close()
    assert aside == tmp_path / "j.sqlite.broken-1"


def test_what_is_no_fault_of_the_file_sets_nothing_aside(tmp_path: Path):
    (tmp_path / "j.sqlite").mkdir()
    with pytest.raises(sqlite3.OperationalError):
        opened(tmp_path / "j.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["j.sqlite"]
