"""A person's word on the disk: nothing of it is lost, whoever else writes, and whatever fails."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from semtrace.io import tables, verdict_store
from semtrace.io.tables import TableError
from semtrace.io.verdict_store import ConflictError, VerdictChange, VerdictStore, category_subject, pair_subject
from semtrace.io.verdicts import VERDICTS, locate_verdicts, read_verdicts

A, B, C = "a" * 32, "b" * 32, "c" * 32
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(left: str, right: str, verdict: str, who: str = "ann") -> dict[str, str]:
    return {"left": left, "right": right, "verdict": verdict, "who": who, "when": "2026-03-01"}


def change(left: str, right: str, verdict: str, who: str = "ann") -> VerdictChange:
    made = row(left, right, verdict, who)
    return VerdictChange(verdict_store.subject_of(made), made)


@pytest.fixture
def store(tmp_path: Path) -> VerdictStore:
    return VerdictStore(tmp_path / "verdicts" / "mine")


def test_an_answer_replaces_the_one_before_on_the_same_subject(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    store.record([change(B, A.upper(), "different")], who="ann", origin="review")
    assert read_verdicts(store.file).different == {frozenset((A, B))}
    assert len(store.rows()) == 1


def test_the_history_says_what_was_before_and_after(store):
    store.record([change(A, B, "same")], who="ann", origin="review", seconds=3.14, now=NOON)
    store.record([VerdictChange(pair_subject(A, B), None)], who="bob", origin="review", now=NOON)
    first, second = store.history()
    assert first == {
        "n": 1, "when": "2026-03-01T12:00:00Z", "who": "ann", "subject": f"pair {A} {B}", "before": None,
        "after": row(A, B, "same"), "from": "review", "seconds": 3.1,
    }  # fmt: skip
    assert (second["n"], second["who"], second["before"], second["after"]) == (2, "bob", row(A, B, "same"), None)
    assert store.rows() == {}


def test_what_says_nothing_new_is_not_written(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    before = store.file.read_bytes()
    assert store.record([change(A, B, "same", "bob")], who="bob", origin="review") == 0
    assert store.file.read_bytes() == before
    assert len(store.history()) == 1


def test_what_others_wrote_meanwhile_stays(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    tables.write(store.file, VERDICTS, [row(A, B, "same"), row(A, "Tips", "category", "bob")])  # by hand
    store.record([change(B, C, "different")], who="ann", origin="review")
    assert set(store.rows()) == {pair_subject(A, B), category_subject(A), pair_subject(B, C)}


def test_an_edit_that_no_stamp_shows_is_not_overwritten(store):
    store.record([change(A, B, "same", "ann56")], who="ann", origin="review")
    shown = store.rows()
    state = store.file.stat()
    with store.file.open("rb+") as file:
        file.write(store.file.read_bytes().replace(b"same,ann56", b"different,"))
    os.utime(store.file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert store.file.stat().st_size == state.st_size
    expected = {pair_subject(A, B): shown[pair_subject(A, B)]}
    with pytest.raises(ConflictError, match="changed meanwhile"):
        store.record([VerdictChange(pair_subject(A, B), None)], who="ann", origin="review", expected=expected)
    assert store.rows()[pair_subject(A, B)]["verdict"] == "different"  # what is shown next is what was found
    store.record([change(B, C, "same")], who="ann", origin="review")
    assert {subject: row["verdict"] for subject, row in store.rows().items()} == {
        pair_subject(A, B): "different", pair_subject(B, C): "same",
    }  # fmt: skip


def test_two_stores_on_one_folder_see_each_others_rows_at_once(store):
    other = VerdictStore(store.folder)
    for number in range(20):  # many writings within one tick of the clock, of one size
        mine, theirs = (store, other) if number % 2 else (other, store)
        assert theirs.rows() == mine.rows()
        said = "same" if number % 2 else "different"
        mine.record([change(A, B, said)], who="ann", origin="review")
        assert theirs.rows()[pair_subject(A, B)]["verdict"] == said


def test_many_writers_at_once_lose_nothing(store):
    def write(number: int) -> None:
        store.record([change(f"{number:032x}", A, "same")], who=f"writer {number}", origin="review")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.rows()) == 12
    assert sorted(line["n"] for line in store.history()) == list(range(1, 13))


def test_undo_brings_back_what_was_before_act_by_act(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    store.record([change(A, B, "different"), change(A, C, "different")], who="ann", origin="review")
    store.record([change(C, B, "same", "bob")], who="bob", origin="review")
    assert sorted(store.undo("ann")) == [pair_subject(A, B), pair_subject(A, C)]
    assert read_verdicts(store.file).same == {frozenset((A, B)), frozenset((B, C))}
    assert store.undo("ann") == [pair_subject(A, B)]
    assert store.undo("ann") == []
    assert read_verdicts(store.file).same == {frozenset((B, C))}


def test_an_answer_after_an_undo_is_undone_first(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    store.undo("ann")
    store.record([change(A, C, "same")], who="ann", origin="review")
    store.record([change(B, C, "same")], who="ann", origin="review")
    assert [store.undo("ann") for _ in range(3)] == [[pair_subject(B, C)], [pair_subject(A, C)], []]


def test_undo_stops_where_somebody_has_changed_it_since(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    store.record([change(A, B, "different", "bob")], who="bob", origin="review")
    with pytest.raises(ConflictError, match="changed meanwhile"):
        store.undo("ann")
    assert read_verdicts(store.file).different == {frozenset((A, B))}


def test_an_answer_to_what_is_not_there_any_more_is_refused(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    with pytest.raises(ConflictError):
        store.record([change(A, B, "different")], who="bob", origin="review", expected={pair_subject(A, B): None})


def test_a_malformed_table_is_named_by_its_line_and_not_touched(store):
    store.folder.mkdir(parents=True)
    text = f"left,right,verdict,who,when\n{A},{B},same,,\n{B},{A},different,,\n"
    store.file.write_text(text)
    with pytest.raises(TableError, match="lines 2 and 3 both speak of"):
        store.record([change(A, C, "same")], who="ann", origin="review")
    assert store.file.read_text() == text
    assert not store.history_file.exists()


def test_where_the_table_cannot_be_written_the_history_is_as_before(store, monkeypatch):
    store.record([change(A, B, "same")], who="ann", origin="review")
    before = store.file.read_bytes(), store.history_file.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(verdict_store.tables, "write", full)
    with pytest.raises(OSError, match="No space"):
        store.record([change(A, C, "same")], who="ann", origin="review")
    assert (store.file.read_bytes(), store.history_file.read_bytes()) == before


def test_what_a_power_cut_left_of_a_line_is_passed_over(store):
    store.record([change(A, B, "same")], who="ann", origin="review")
    with store.history_file.open("a") as file:
        file.write('{"n": 2, "who": "an')
    store.record([change(A, C, "same")], who="ann", origin="review")
    assert [line["n"] for line in store.history()] == [1, 2]


def test_another_broken_line_is_named(store):
    store.folder.mkdir(parents=True)
    store.history_file.write_text("[1]\n")
    with pytest.raises(verdict_store.InputError, match="line 1 is no line of a history"):
        store.history()


def test_the_number_of_an_act_is_found_in_a_long_history(store, monkeypatch):
    monkeypatch.setattr(verdict_store, "_TAIL", 700)
    for number in range(20):
        store.record([change(f"{number:032x}", A, "same")], who="ann", origin="review")
    assert [line["n"] for line in store.history()] == list(range(1, 21))


def test_the_history_is_one_object_a_line(store):
    store.record([change(A, "Tips\nand <more>", "category")], who='"; rm\u202e', origin="review")
    (line,) = store.history_file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["who"] == '"; rm\u202e'


# --- where the table is


def test_the_old_place_is_read_with_one_line_that_names_the_new_one(tmp_path, capsys):
    old = tmp_path / "known" / "verdicts.csv"
    old.parent.mkdir()
    tables.write(old, VERDICTS, [row(A, B, "same")])
    verdict_store.ensure_verdicts(tmp_path / "new")
    for _ in range(2):
        assert locate_verdicts(tmp_path / "new", tmp_path / "known") == old
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(tmp_path / "new" / "verdicts.csv") in said


def test_verdicts_in_two_places_are_refused(tmp_path):
    for folder in ("known", "new"):
        (tmp_path / folder).mkdir()
        tables.write(tmp_path / folder / "verdicts.csv", VERDICTS, [row(A, B, "same")])
    with pytest.raises(TableError, match="semtrace verdicts merge"):
        locate_verdicts(tmp_path / "new", tmp_path / "known")


def test_an_empty_table_in_the_old_place_is_no_matter(tmp_path):
    verdict_store.ensure_verdicts(tmp_path / "known")
    assert locate_verdicts(tmp_path / "new", tmp_path / "known") == tmp_path / "new" / "verdicts.csv"


def test_an_empty_table_is_made_once_and_no_table_is_replaced(tmp_path):
    verdict_store.ensure_verdicts(tmp_path / "new")
    assert (tmp_path / "new/verdicts.csv").read_text() == "left,right,verdict,who,when\n"
    tables.write(tmp_path / "new/verdicts.csv", VERDICTS, [row(A, B, "same")])
    verdict_store.ensure_verdicts(tmp_path / "new")
    assert len(read_verdicts(tmp_path / "new/verdicts.csv").same) == 1
