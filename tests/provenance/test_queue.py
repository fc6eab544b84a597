"""What a person is asked: the doubtful pictures, once each, the most doubtful first."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import replace
from typing import Any

import pytest

from semtrace.io import tables
from semtrace.io.verdicts import Verdicts
from semtrace.provenance.queue import KINDS, QUEUE, Question, QueueTables, Settings, build_queue
from semtrace.provenance.reasons import REASONS
from semtrace.provenance.tables import CONFLICTS, HASHES, JPEG_TO_TIFF
from tests.meta.test_docs import sections

SETTINGS = Settings(weak_ssim=0.85, weak_margin=0.05, audit=4, seed=1, cache_mb=1)


def digest(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def hashes(path: str, content: str = "") -> dict[str, Any]:
    return {"path": path, "md5": digest(path), "content_id": content or f"content of {path}"}


def traced(jpeg: str, decision: str = "ambiguous", **more: Any) -> dict[str, Any]:
    found = "" if decision == "unmatched" else "a.tif"
    cells = {
        "jpeg_path": f"Tips/{jpeg}.jpg", "matched_tiff_path": found, "runner_up_path": "b.tif", "decision": decision,
        "evidence": "ssim", "used_ssim": True, "ssim_value": 0.9, "margin": 0.1, "correlation": 0.9,
        "hamming_distance": 20, "reason": "ssim_too_low",
    }  # fmt: skip
    return cells | more


def given(*rows: dict[str, Any], **more: Any) -> QueueTables:
    contents = more.pop("contents", {})
    published = [hashes(row["jpeg_path"], contents.get(row["jpeg_path"], "")) for row in rows]
    return QueueTables(
        list(rows), published, [hashes("a.tif"), hashes("b.tif"), hashes("z.tif", "content of a.tif")], **more
    )


def kinds(questions: list[Question]) -> list[tuple[str, str]]:
    return [(one.cells["kind"], one.cells["jpeg_path"]) for one in questions]


def test_kinds_come_in_their_order_and_each_the_most_doubtful_first():
    found = build_queue(
        given(
            traced("near", "unmatched"), traced("weak", "matched", ssim_value=0.8), traced("later", margin=0.2),
            traced("first", margin=0.01), traced("alone", margin=None), traced("sure", "matched", ssim_value=0.99),
            traced("proven", "matched", evidence="reencoded", ssim_value=0.5), traced("cut", reason="candidates_cut"),
            traced("far", "unmatched", used_ssim=False, ssim_value=None, evidence="", reason="no_candidate"),
        ),
        SETTINGS,
    )  # fmt: skip
    assert kinds(found) == [
        ("ambiguous", "Tips/cut.jpg"), ("ambiguous", "Tips/first.jpg"), ("ambiguous", "Tips/later.jpg"),
        ("ambiguous", "Tips/alone.jpg"), ("weak", "Tips/weak.jpg"), ("near_miss", "Tips/near.jpg"),
        ("audit", "Tips/sure.jpg"), ("audit", "Tips/far.jpg"),
    ]  # fmt: skip


def test_both_sides_of_what_is_weak():
    def weak(**cells: Any) -> bool:
        return kinds(build_queue(given(traced("one", "matched", **cells)), SETTINGS))[0][0] == "weak"

    assert [weak(ssim_value=value) for value in (0.849999, 0.85)] == [True, False]
    assert [weak(margin=value) for value in (0.049999, 0.05, None)] == [True, False, False]
    assert [weak(evidence="blocks", ssim_value=0.3, margin=value) for value in (0.049999, 0.05)] == [True, False]


def test_files_of_one_content_are_asked_about_once():
    rows = traced("one"), traced("two"), traced("other")
    contents = {"Tips/one.jpg": "same", "Tips/two.jpg": "same"}
    first, _ = build_queue(given(*rows, contents=contents), SETTINGS)
    assert first.cells["files"] == "Tips/one.jpg|Tips/two.jpg"
    assert first.jpegs == (digest("Tips/one.jpg"), digest("Tips/two.jpg"))


def test_an_item_keeps_its_name_whatever_is_decided_and_whatever_comes_beside():
    (before,) = build_queue(given(traced("one")), SETTINGS)
    after = build_queue(given(traced("zero"), traced("one", "matched", ssim_value=0.8)), SETTINGS)
    assert before.cells["item"] in {one.cells["item"] for one in after}
    renamed = traced("renamed")
    (again,) = build_queue(given(renamed, contents={"Tips/renamed.jpg": "content of Tips/one.jpg"}), SETTINGS)
    assert again.cells["item"] == before.cells["item"]


def test_the_order_of_the_rows_makes_no_difference():
    rows = [traced(str(n), ("matched", "unmatched", "ambiguous")[n % 3], used_ssim=n % 2 == 0) for n in range(40)]
    shuffled = random.Random(1).sample(rows, len(rows))
    assert [one.cells for one in build_queue(given(*rows), SETTINGS)] == [
        one.cells for one in build_queue(given(*shuffled), SETTINGS)
    ]


def test_what_a_person_said_is_shown_whichever_copy_was_named():
    tables_ = given(traced("one"))
    jpeg, a, copy, b = (digest(path) for path in ("Tips/one.jpg", "a.tif", "z.tif", "b.tif"))

    def answer(same: tuple[str, ...] = (), different: tuple[str, ...] = ()) -> str:
        said = Verdicts(
            frozenset(frozenset((jpeg, one)) for one in same), frozenset(frozenset((jpeg, one)) for one in different)
        )
        return build_queue(replace(tables_, verdicts=said), SETTINGS)[0].cells["answer"]

    assert [answer(), answer((a,)), answer((copy,)), answer((b,)), answer((a, b))] == ["", "a", "a", "b", "both"]
    assert [answer(different=(a,)), answer(different=(a, b)), answer((a,), (b,))] == ["", "none", "a"]


# --- the audit


def matched(count: int) -> list[dict[str, Any]]:
    return [traced(f"m{n}", "matched") for n in range(count)]


def unmatched(count: int) -> list[dict[str, Any]]:
    return [traced(f"u{n}", "unmatched", used_ssim=False) for n in range(count)]


def test_the_audit_is_half_from_matches_without_proof_and_half_from_the_unmatched():
    found = build_queue(given(*matched(30), *unmatched(30)), SETTINGS)
    assert [one.decision for one in found] == ["matched"] * 2 + ["unmatched"] * 2
    assert kinds(found) != kinds(build_queue(given(*matched(30), *unmatched(30)), replace(SETTINGS, seed=2)))
    assert not build_queue(given(*matched(30)), replace(SETTINGS, audit=0))


@pytest.mark.parametrize("evidence", ["ssim", "blocks", "hamming"])
def test_the_audit_draws_from_every_match_without_proof(evidence):
    found = build_queue(given(traced("one", "matched", evidence=evidence)), SETTINGS)
    assert kinds(found) == [("audit", "Tips/one.jpg")]


def test_of_a_few_all_are_drawn():
    assert len(build_queue(given(*matched(1), *unmatched(2)), SETTINGS)) == 3


def test_what_was_audited_is_drawn_again_and_nothing_beside_it():
    rows = [*matched(30), *unmatched(30)]
    before = build_queue(given(*rows), SETTINGS)
    audited = {one.cells["item"]: one.decision for one in before}
    settled = [row | {"evidence": "verdict"} if row["decision"] == "matched" else row for row in rows]
    again = build_queue(given(*settled, audited=audited), SETTINGS)
    assert kinds(again) == kinds(before)
    gone = [row for row in rows if row["jpeg_path"] != before[0].cells["jpeg_path"]]
    assert kinds(build_queue(given(*gone, audited=audited), SETTINGS)) == kinds(before)[1:]


# --- conflicts of categories, on real tables


def test_a_conflict_without_a_verdict_is_asked_and_one_with_a_verdict_is_not(done):
    rows = tables.read(done.work / "label/conflicts.csv", CONFLICTS)
    several = [row for row in rows if row["kind"] == "several_categories"]
    assert several
    given_ = QueueTables(
        tables.read(done.work / "match/jpeg_to_tiff.csv", JPEG_TO_TIFF),
        tables.read(done.work / "fingerprint/jpeg/hashes.csv", HASHES),
        tables.read(done.work / "fingerprint/tiff/hashes.csv", HASHES), rows,
    )  # fmt: skip
    asked = [one for one in build_queue(given_, SETTINGS) if one.cells["kind"] == "conflict"]
    assert [one.cells["categories"] for one in asked] == ["Fibres|Powder"]
    md5 = asked[0].cells["a_md5"]
    (answered,) = [
        one for one in build_queue(replace(given_, verdicts=Verdicts(categories={md5: "Powder"})), SETTINGS)
        if one.cells["kind"] == "conflict"
    ]  # fmt: skip
    assert (answered.cells["item"], answered.cells["answer"]) == (asked[0].cells["item"], "Powder")
    settled = replace(given_, conflicts=[row | {"rule": "verdict"} for row in rows])
    assert not [one for one in build_queue(settled, SETTINGS) if one.cells["kind"] == "conflict"]


def test_every_question_fits_the_table_and_every_ambiguous_content_is_asked(crowded, tmp_path):
    forward = tables.read(crowded.work / "match/jpeg_to_tiff.csv", JPEG_TO_TIFF)
    published = tables.read(crowded.work / "fingerprint/jpeg/hashes.csv", HASHES)
    originals = tables.read(crowded.work / "fingerprint/tiff/hashes.csv", HASHES)
    found = build_queue(QueueTables(forward, published, originals), SETTINGS)
    tables.write(tmp_path / "queue.csv", QUEUE, [one.cells for one in found], sort=False)
    content = {row["path"]: row["content_id"] for row in published}
    wanted = {content[row["jpeg_path"]] for row in forward if row["decision"] == "ambiguous"}
    asked = {content[one.cells["jpeg_path"]] for one in found if one.cells["kind"] == "ambiguous"}
    assert wanted == asked
    assert len({one.cells["item"] for one in found}) == len(found)
    order = [KINDS.index(one.cells["kind"]) for one in found]
    assert order == sorted(order)


def test_the_words_of_a_reason_are_those_of_the_documentation():
    page = re.sub(r"\[([^]]+)\]\(#[^)]+\)", r"\1", sections()["jpeg_to_tiff.csv"])  # links are words here
    for code, words in REASONS.items():
        assert f"| `{code}` | {words.decision} | {words.meaning} | {words.todo} |" in page
    assert page.count("| matched |") + page.count("| ambiguous |") + page.count("unmatched |") >= len(REASONS)
