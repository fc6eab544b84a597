"""Questions and answers over the server: what is saved, what is refused, and what the next run makes of it."""

from __future__ import annotations

import csv
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from semtrace.io import tables
from semtrace.io.staging import locked
from semtrace.io.verdict_store import VerdictStore, ensure_verdicts
from semtrace.io.verdicts import VERDICTS, read_verdicts
from semtrace.provenance import match
from semtrace.provenance.page_data import MAPPING
from semtrace.provenance.tables import JPEG_TO_TIFF
from semtrace.review.desk import Desk, ReviewFolders
from semtrace.stage.executor import Executor
from tests.pipeline import defaults, table
from tests.review.live import SETTINGS, Live, copy_of, serving
from tests.small_archive import Done


@pytest.fixture(scope="module")
def doubtful(done, tmp_path_factory) -> Done:
    """The small archive, with a match that could not decide on what it had matched."""
    root = tmp_path_factory.mktemp("doubtful")
    shutil.copytree(done.work, root / "work")
    p = defaults(root, "match.min_ssim=0.9999", "match.min_margin=0.9")
    run = replace(done, work=root / "work")
    run_match(run, p)
    rows = tables.read(run.work / MAPPING, JPEG_TO_TIFF)
    doubt = {"decision": "ambiguous", "reason": "ssim_too_low", "evidence": "ssim"}
    rows = [row | doubt if row["decision"] == "matched" else row for row in rows]
    tables.write(run.work / MAPPING, JPEG_TO_TIFF, rows)
    return run


def run_match(run: Done, p, verdicts: Path | None = None) -> None:
    work = run.work
    match.run(
        work / "fingerprint/tiff/hashes.csv", [work / "fingerprint/jpeg/hashes.csv"], work / "match", p.match,
        Executor(1, work.parent / "cache.sqlite"), archive=run.archive, published=run.published,
        converted=None, verdicts=verdicts,
    )  # fmt: skip


@pytest.fixture
def places(doubtful, tmp_path) -> ReviewFolders:
    return copy_of(doubtful, tmp_path)


@pytest.fixture
def live(places, tmp_path):
    with serving(Desk(places, SETTINGS, "ann"), tmp_path / "pictures") as served:
        yield served.begin()


def ambiguous(live: Live) -> list[str]:
    return [one["item"] for one in live.get("/api/queue") if one["kind"] == "ambiguous"]


def test_the_answers_of_a_person_become_matches_of_the_next_run(live, places, doubtful, tmp_path):
    truth = {row["jpeg_path"]: row["tiff_path"] for row in table(doubtful.known / "truth.csv")}
    items = ambiguous(live)
    assert len(items) >= 2
    for item in items:
        shown = live.get(f"/api/item/{item}")
        assert truth[shown["jpeg"]["path"]] == shown["originals"][0]["path"]
        assert live.answer(item, "a")[0] == 200
    p = defaults(tmp_path, "match.min_ssim=0.9999", "match.min_margin=0.9")
    before = tables.read(places.work / MAPPING, JPEG_TO_TIFF)
    run_match(replace(doubtful, work=places.work), p, places.verdicts / "verdicts.csv")
    after = tables.read(places.work / MAPPING, JPEG_TO_TIFF)
    settled = [
        row for row, old in zip(after, before, strict=True)
        if (old["decision"], row["decision"], row["evidence"]) == ("ambiguous", "matched", "verdict")
    ]  # fmt: skip
    assert len(settled) == sum(row["decision"] == "ambiguous" for row in before)
    assert all(truth[row["jpeg_path"]] == row["matched_tiff_path"] for row in settled)
    assert live.get("/api/run")["decisions"]["ambiguous"] == 0


def test_an_answer_is_on_the_disk_when_it_is_confirmed(live, places):
    item = ambiguous(live)[0]
    status, said = live.answer(item, "a")
    assert (status, said["answer"]) == (200, "a")
    shown = live.get(f"/api/item/{item}")
    assert read_verdicts(places.verdicts / "verdicts.csv").same == {
        frozenset((shown["jpeg"]["md5"], shown["originals"][0]["md5"]))
    }
    (line,) = VerdictStore(places.verdicts).history()
    assert (line["who"], line["from"], line["seconds"], line["item"]) == ("ann", "review", 1.5, item)
    assert next(one for one in live.get("/api/queue") if one["item"] == item)["answer"] == "a"


def test_undo_gives_the_item_back(live, places):
    first, second = ambiguous(live)[:2]
    live.answer(first, "a")
    live.answer(second, "none")
    assert live.post("/api/undo", {})[1]["item"] == second
    assert live.post("/api/undo", {})[1]["item"] == first
    assert live.post("/api/undo", {})[1]["subjects"] == []
    assert tables.read(places.verdicts / "verdicts.csv", VERDICTS) == []


def test_two_people_and_one_item(live, places, tmp_path):
    item = ambiguous(live)[0]
    shown = live.get(f"/api/item/{item}")
    with serving(Desk(places, SETTINGS, "bob"), tmp_path / "other") as other:
        assert other.begin().answer(item, "none")[0] == 200
    answer = {"item": item, "answer": "a", "state": shown["state"], "seconds": None}
    status, said = live.post("/api/answer", answer)
    assert (status, said["error"]) == (409, "somebody has answered it meanwhile; look at it again")
    again = live.get(f"/api/item/{item}")
    assert again["answer"] == "none"
    assert live.post("/api/answer", answer | {"state": again["state"]})[0] == 200


def test_tables_that_a_run_replaced_are_noticed_and_loaded(live, places, doubtful, tmp_path):
    item = ambiguous(live)[0]
    shown = live.get(f"/api/item/{item}")
    run_match(replace(doubtful, work=places.work), defaults(tmp_path))
    status, said = live.post("/api/answer", {"item": item, "answer": "a", "state": shown["state"], "seconds": None})
    assert status == 409
    assert "the tables have changed" in said["error"]
    assert not (places.verdicts / "verdicts.csv").exists()
    live.get("/api/run")
    assert item not in ambiguous(live)


def test_a_run_can_begin_beside_an_open_page(live, places):
    live.get("/api/run")
    with locked(places.work, patience=0):
        assert live.get("/api/queue")


def test_where_a_run_is_at_work_the_page_says_so(places):
    with locked(places.work), pytest.raises(OSError, match="another semtrace is at work"):
        Desk(places, SETTINGS, "ann")


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"item": 1, "answer": "a", "state": "x"}, {"item": "x", "answer": "a"}, b"nonsense", b"[" * 60_000,
        {"item": "x", "answer": "a", "state": "x", "seconds": "long"},
        {"item": "x", "answer": "a", "state": "x", "seconds": -1},
    ],
)  # fmt: skip
def test_a_body_that_is_no_answer_is_refused(live, body):
    assert live.ask("POST", "/api/answer", body)[0] == 400


def test_an_answer_that_does_not_fit_is_refused_and_nothing_written(live, places):
    item = ambiguous(live)[0]
    assert live.answer(item, "Tips")[0] == 400
    assert live.post("/api/answer", {"item": "no such", "answer": "a", "state": "x", "seconds": None})[0] == 404
    assert not (places.verdicts / "verdicts.csv").exists()


def test_a_slip_in_the_table_is_named_and_the_table_not_touched(live, places):
    item = ambiguous(live)[0]
    shown = live.get(f"/api/item/{item}")
    ensure_verdicts(places.verdicts)
    file = places.verdicts / "verdicts.csv"
    file.write_text(file.read_text() + "abc,def,same,,\n")
    before = file.read_bytes()
    status, said = live.post("/api/answer", {"item": item, "answer": "a", "state": shown["state"], "seconds": None})
    assert status == 422
    assert "line 2: left is 'abc'" in said["error"]
    assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_without_permission_it_says_not_saved(live, places):
    places.verdicts.mkdir()
    places.verdicts.chmod(0o500)
    assert live.answer(ambiguous(live)[0], "a")[0] == 507


def test_without_room_it_says_not_saved(live, places, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    item = ambiguous(live)[0]
    with monkeypatch.context() as patched:
        patched.setattr("semtrace.io.verdict_store.tables.write", full)
        status, said = live.answer(item, "a")
    assert (status, said["error"]) == (507, "No space left on device")
    assert live.answer(item, "a")[0] == 200


def test_verdicts_on_content_that_is_gone_are_kept(live, places):
    places.verdicts.mkdir()
    with (places.verdicts / "verdicts.csv").open("w", newline="") as file:
        rows = [("left", "right", "verdict", "who", "when"), ("0" * 32, "1" * 32, "same", "", "")]
        csv.writer(file).writerows(rows)
    assert live.answer(ambiguous(live)[0], "a")[0] == 200
    assert len(VerdictStore(places.verdicts).rows()) == 2


# --- conflicts and the audit


def test_a_category_is_kept_for_the_original(live, places):
    (conflict,) = [one for one in live.get("/api/queue") if one["kind"] == "conflict"]
    shown = live.get(f"/api/item/{conflict['item']}")
    assert shown["categories"] == ["Fibres", "Powder"]
    assert live.answer(conflict["item"], "Powder")[0] == 200
    named = (shown["originals"] or [shown["jpeg"]])[0]["md5"]
    assert read_verdicts(places.verdicts / "verdicts.csv").categories == {named: "Powder"}


def test_an_audit_counts_and_a_later_desk_goes_on_with_it(live, places):
    asked = [one["item"] for one in live.get("/api/queue") if one["kind"] == "audit"]
    assert asked
    for item in asked:
        decision = live.get(f"/api/item/{item}")["decision"]
        assert live.answer(item, "a" if decision == "matched" else "none")[0] == 200
    audit = live.get("/api/run")["audit"]
    assert (audit["looked_at"], audit["wrong"]) == (len(asked), 0)
    assert 0 < audit["most"] < 1
    again = Desk(places, SETTINGS, "ann")
    assert again.run()["audit"] == audit
    assert [one["item"] for one in again.queue() if one["kind"] == "audit"] == asked


# --- pictures


_JPEG = b"\xff\xd8\xff"


@pytest.mark.parametrize(("size", "start"), [("thumb", _JPEG), ("view", _JPEG), ("full", b"\x89PNG")])
def test_pictures_are_encoded_anew_and_kept(live, size, start, tmp_path, doubtful):
    shown = live.get(f"/api/item/{ambiguous(live)[0]}")
    for picture, folder in ((shown["jpeg"], doubtful.published), (shown["originals"][0], doubtful.archive)):
        status, _, data = live.ask("GET", f"/picture/{picture['md5']}/{size}")
        assert status == 200
        assert data.startswith(start)
        assert data != (folder / picture["path"]).read_bytes()
        assert live.ask("GET", f"/picture/{picture['md5']}/{size}")[2] == data
    assert list((tmp_path / "pictures").rglob(f"*-{size}-*"))


def test_a_map_of_a_pair_is_a_picture(live):
    shown = live.get(f"/api/item/{ambiguous(live)[0]}")
    status, headers, data = live.ask("GET", f"/map/{shown['jpeg']['md5']}/{shown['originals'][0]['md5']}")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert data.startswith(_JPEG)


def test_a_picture_that_is_gone_or_another_one_has_its_reason_and_can_be_answered(doubtful, tmp_path):
    shutil.copytree(doubtful.published, tmp_path / "published")
    places = replace(copy_of(doubtful, tmp_path), published=tmp_path / "published")
    with serving(Desk(places, SETTINGS, "ann"), tmp_path / "pictures") as live:
        first, second = (live.begin().get(f"/api/item/{item}") for item in ambiguous(live.begin())[:2])
        (places.published / first["jpeg"]["path"]).unlink()
        (places.published / second["jpeg"]["path"]).write_bytes(b"another file")
        for shown, why in ((first, "unreadable: the file is not there any more"), (second, "changed: not the file")):
            status, _, said = live.ask("GET", f"/picture/{shown['jpeg']['md5']}/view")
            assert status == 404
            assert why.encode() in said
            assert live.answer(shown["item"], "none")[0] == 200


def test_many_answers_at_once_lose_none(live, places):
    items = ambiguous(live)
    threads = [threading.Thread(target=live.answer, args=(item, "a")) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(VerdictStore(places.verdicts).rows()) == len(items)
