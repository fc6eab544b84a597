"""What an answer writes: rows that say it, and nothing against it."""

from __future__ import annotations

import pytest

from semtrace.io.verdict_store import VerdictChange, VerdictStore, category_subject, pair_subject
from semtrace.io.verdicts import read_verdicts
from semtrace.provenance.queue import Question
from semtrace.review.answers import AnswerError, Audit, audit_remarks, audit_result, audited, changes_of, shown_state

J, K, A, COPY, B = ("1" * 32, "2" * 32, "a" * 32, "c" * 32, "b" * 32)


def question(kind: str = "ambiguous", *, two: bool = True, **more: str) -> Question:
    cells = {"item": "0123456789ab", "kind": kind, "jpeg_md5": J, "a_md5": A, "b_md5": B, "categories": "Tips|Fibres"}
    shown = ((A, COPY), (B,)) if two else ((A, COPY),)
    return Question(cells | more, (J, K), shown, "ambiguous")


@pytest.fixture
def store(tmp_path):
    return VerdictStore(tmp_path)


def give(store: VerdictStore, asked: Question, answer: str) -> None:
    store.record(
        changes_of(asked, answer, store.rows(), who="ann", when="now"),
        who="ann", origin="review", remarks=audit_remarks(asked, answer),
    )  # fmt: skip


def said(store: VerdictStore) -> dict[str, set[tuple[str, ...]]]:
    verdicts = read_verdicts(store.file)
    return {name: {tuple(sorted(pair)) for pair in getattr(verdicts, name)} for name in ("same", "different")}


def test_an_original_is_one_row_with_the_jpeg_on_the_left(store):
    give(store, question(), "b")
    (row,) = store.rows().values()
    assert row == {"left": J, "right": B, "verdict": "same", "who": "ann", "when": "now"}


def test_none_of_these_is_a_row_for_each_that_is_shown(store):
    give(store, question(), "none")
    assert said(store) == {"same": set(), "different": {(J, A), (J, B)}}
    give(store, question(two=False), "none")
    assert said(store)["different"] == {(J, A), (J, B)}


def test_another_answer_leaves_nothing_of_the_first_that_speaks_against_it(store):
    give(store, question(), "a")
    give(store, question(), "b")
    assert said(store) == {"same": {(J, B)}, "different": set()}
    give(store, question(), "none")
    give(store, question(), "a")
    assert said(store) == {"same": {(J, A)}, "different": {(J, B)}}


def test_a_verdict_on_a_copy_is_replaced_too(store):
    row = {"left": K, "right": COPY, "verdict": "same", "who": "", "when": ""}
    store.record([VerdictChange(pair_subject(K, COPY), row)], who="bob", origin="merge")
    give(store, question(), "none")
    assert said(store) == {"same": set(), "different": {(J, A), (J, B)}}


def test_a_category_is_one_row_for_the_original(store):
    give(store, question("conflict"), "Fibres")
    assert read_verdicts(store.file).categories == {A: "Fibres"}
    untraced = Question(question("conflict").cells, (J, K), ())
    give(store, untraced, "Tips")
    assert read_verdicts(store.file).categories == {A: "Fibres", J: "Tips"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (question("conflict"), "Powder"), (question("conflict"), "a"), (question(two=False), "b"), (question(), "Tips"),
        (question(), ""), (Question(question().cells, (J,), ()), "none"),
    ],
)  # fmt: skip
def test_an_answer_that_does_not_fit_is_refused(asked, answer):
    with pytest.raises(AnswerError):
        changes_of(asked, answer, {}, who="ann", when="now")


def test_the_state_changes_with_what_is_shown_and_with_what_is_said(store):
    state = shown_state(question(), {})
    assert state == shown_state(question(answer="a"), {})
    assert state != shown_state(question(two=False), {})
    assert state != shown_state(question(reason="other"), {})
    give(store, question(), "a")
    assert state != shown_state(question(), store.rows())
    store.undo("ann")
    assert state == shown_state(question(), store.rows())
    other = {"left": J, "right": "Tips", "verdict": "category", "who": "", "when": ""}
    assert state != shown_state(question(), {category_subject(J): other})


def test_an_audit_counts_its_last_answers(store):
    for number, (decision, answer) in enumerate(
        [("matched", "a"), ("matched", "none"), ("matched", "b"), ("unmatched", "none"), ("unmatched", "a")]
    ):
        cells = question("audit", item=f"item {number}").cells
        give(store, Question(cells, (f"{number:032x}",), ((A,), (B,)), decision), answer)
    give(store, question(), "a")
    found = audited(store.history())
    assert sorted(found) == [f"item {number}" for number in range(5)]
    assert audit_result(list(found.values())) == Audit(5, 3)
    store.undo("ann")
    store.undo("ann")
    assert sorted(audited(store.history())) == [f"item {number}" for number in range(4)]
