"""What is left after each step, and what went: sums that add up, whatever stage is missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise

import pytest

from semtrace.core.errors import AccountingError
from semtrace.provenance.funnel import STEPS, TracedTables, count_outcomes, count_steps, read_traced


def counts(steps, side):
    return {step.name: step.count for step in steps if step.side == side}


def test_the_steps_of_a_run_are_counted_as_its_tables_say(done):
    steps = count_steps(read_traced(done.work))
    archive, published = counts(steps, "tiff"), counts(steps, "jpeg")
    assert tuple(archive) == tuple(published) == STEPS
    assert archive["files"] == len(done.rows("inventory/inventory.csv")) + len(done.rows("inventory/rejects.csv"))
    assert published["files"] == sum(1 for _ in done.published.rglob("*.*"))
    labelled = [row for row in done.rows("label/labels.csv") if row["status"] == "labelled"]
    assert archive["labelled"] == len(labelled)
    for side in ("tiff", "jpeg"):
        mine = [step for step in steps if step.side == side]
        for before, after in pairwise(mine):
            assert before.count == after.count + sum(after.lost.values())


JPEGS = [{"path": f"Tips/{name}.jpg", "content_id": content} for name, content in ("aA", "bA", "cB", "dC", "eD")]
TIFFS = [{"path": f"{name}.tif", "content_id": content} for name, content in ("xX", "yX", "zZ")]
INVENTORY = [*({"path": row["path"], "duplicate_of": ""} for row in TIFFS), {"path": "w.tif", "duplicate_of": "x.tif"}]
INVENTORY += [{"path": "u.tif", "duplicate_of": ""}, {"path": "v.tif", "duplicate_of": ""}]


def row(name: str, decision: str, tiff: str = "") -> dict:
    return {"jpeg_path": f"Tips/{name}.jpg", "decision": decision, "matched_tiff_path": tiff}


GIVEN = TracedTables(
    [row("a", "matched", "x.tif"), row("b", "matched", "x.tif"), row("c", "ambiguous", "z.tif"), row("d", "unmatched")],
    {"tiff": TIFFS, "jpeg": JPEGS},
    {
        "inventory": [{"path": "q", "reason": "truncated"}],
        "fingerprint/tiff": [{"path": "u.tif", "reason": "changed"}],
        "fingerprint/jpeg": [{"path": "r", "reason": "corrupt"}],
        "match": [{"path": "Tips/e.jpg", "reason": "changed"}],
    },
    INVENTORY,
    [{"tiff_path": "x.tif", "status": "labelled"}, {"tiff_path": "y.tif", "status": "duplicate_labelled"}],
)  # fmt: skip


def test_each_loss_has_its_reason():
    steps = {(step.side, step.name): step for step in count_steps(GIVEN)}
    assert counts(steps.values(), "tiff") == {"files": 7, "images": 6, "contents": 2, "traced": 1, "labelled": 1}
    assert steps["tiff", "contents"].lost == {"changed": 1, "copy": 2, "not_chosen": 1}
    assert steps["tiff", "traced"].lost == {"not_published": 1}
    assert counts(steps.values(), "jpeg") == {"files": 6, "images": 5, "contents": 4, "traced": 1, "labelled": 1}
    assert steps["jpeg", "images"].lost == {"corrupt": 1}
    assert steps["jpeg", "traced"].lost == {"ambiguous": 1, "changed": 1, "unmatched": 1}


def test_a_conflict_is_traced_and_not_labelled():
    given = replace(GIVEN, labels=[{"tiff_path": name, "status": "duplicate_conflict"} for name in ("x.tif", "y.tif")])
    last = {step.side: step for step in count_steps(given) if step.name == "labelled"}
    assert [(last[side].count, last[side].lost) for side in ("tiff", "jpeg")] == [(0, {"conflict": 1})] * 2


def test_sums_that_do_not_add_up_are_an_error():
    with pytest.raises(AccountingError, match="funnel: 6 images of the archive, but 2 contents and 5 that went"):
        count_steps(replace(GIVEN, hashes={**GIVEN.hashes, "tiff": [*TIFFS, TIFFS[0]]}))


@pytest.mark.parametrize(
    ("gone", "steps"),
    [("inventory", STEPS[1:]), ("label", STEPS[:-1]), ("fingerprint/jpeg", STEPS)],
)
def test_a_stage_that_has_not_run_leaves_out_its_step(done, tmp_path, gone, steps):
    shutil.copytree(done.work, tmp_path / "work", ignore=shutil.ignore_patterns("images", "report", "convert"))
    shutil.rmtree(tmp_path / "work" / gone)
    found = count_steps(read_traced(tmp_path / "work"))
    assert tuple(counts(found, "tiff")) == steps
    assert bool(counts(found, "jpeg")) == (gone != "fingerprint/jpeg")


def test_without_labels_there_is_no_such_step(done, tmp_path):
    shutil.copytree(done.work, tmp_path / "work", ignore=shutil.ignore_patterns("images", "report", "convert"))
    labels = tmp_path / "work/label/labels.csv"
    labels.write_text(labels.read_text().replace(",labelled,", ",matched,").replace("_labelled,", "_matched,"))
    assert tuple(counts(count_steps(read_traced(tmp_path / "work")), "tiff")) == STEPS[:-1]


def test_outcomes_are_counted_by_category():
    found = count_outcomes([*GIVEN.forward, {"jpeg_path": "Fibres/x.jpg", "decision": "unmatched"}])
    assert found["Fibres"] == {"matched": 0, "ambiguous": 0, "unmatched": 1}
    assert found["Tips"] == {"matched": 2, "ambiguous": 1, "unmatched": 1}
    assert list(found) == ["Fibres", "Tips"]
    assert count_outcomes([row("Wool/a", "matched")], 1) == {"Tips": {"matched": 1, "ambiguous": 0, "unmatched": 0}}
    assert list(count_outcomes([{"jpeg_path": "a.jpg", "decision": "unmatched"}])) == [""]
