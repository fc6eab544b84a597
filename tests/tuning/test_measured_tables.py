"""The tables that follow from pairs measured once are those that a run of `match` writes."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from semtrace.core.errors import InputError
from semtrace.io import tables
from semtrace.io.verdicts import VERDICTS
from semtrace.provenance import fingerprint, match
from semtrace.provenance.fingerprint import HashSettings
from semtrace.provenance.tables import JPEG_TO_TIFF, TIFF_TO_JPEG
from semtrace.provenance.tracing.evidence import Scope
from semtrace.provenance.tracing.knowledge import Knowledge, read_knowledge
from semtrace.provenance.tracing.mapping import backward_rows, forward_rows, rejected, sides
from semtrace.provenance.tracing.sides import load_side
from semtrace.provenance.tracing.trace import trace_all
from semtrace.tuning.measure import Measurements, measure
from tests.pipeline import defaults, table
from tests.small_archive import Done

POINTS = [
    {},
    {"hamming_threshold": 300, "ssim_trigger": 300},
    {"hamming_threshold": 60, "ssim_trigger": 60, "min_margin": 0.1},
    {"hamming_threshold": 20, "ssim_trigger": 20, "reach": 20},
    {"hamming_threshold": 200, "ssim_trigger": 10, "min_ssim": 0.9, "reach": 10},
    {"min_ssim": -1.0, "min_correlation": -1.0, "min_margin": 0.0},
    {"min_ssim": 0.985, "min_correlation": 0.5, "max_candidates": 2},
    {"min_correlation": 0.995, "max_candidates": 3},
    {"one_to_one": True},
    {"one_to_one": True, "min_ssim": 0.9, "hamming_threshold": 80},
]
TABLES = {"jpeg_to_tiff.csv": JPEG_TO_TIFF, "tiff_to_jpeg.csv": TIFF_TO_JPEG}


def hashed(done: Done, size: int, folder, p):
    if size == 32:
        return done.work / "fingerprint/tiff/hashes.csv", done.work / "fingerprint/jpeg/hashes.csv"
    listing = done.work / "inventory/inventory.csv"
    fingerprint.tiffs(done.archive, listing, folder / "tiff", HashSettings(size), p.fingerprint, p.executor)
    fingerprint.jpegs(done.published, folder / "jpeg", HashSettings(size), p.fingerprint, p.executor)
    return folder / "tiff/hashes.csv", folder / "jpeg/hashes.csv"


def matched(done: Done, hashes, folder, settings, executor, verdicts=None) -> match.Summary:
    return match.run(
        hashes[0], [hashes[1]], folder, settings, executor, archive=done.archive, published=done.published,
        converted=done.work / "convert/converted.csv", verdicts=verdicts,
    )  # fmt: skip


def measured(done: Done, hashes, asked, knowledge: Knowledge, executor) -> Measurements:
    originals, published = (load_side([file]) for file in hashes)
    scope = Scope(originals, (done.archive, done.published), knowledge)
    everything = dict.fromkeys(range(len(published.contents)), frozenset())
    return measure(scope, published, asked, everything, executor)


def written(one: Measurements, settings, folder) -> int:
    both = sides(one.originals, one.published, 1)
    traces = trace_all(one, settings.rules(one.originals.bits))
    folder.mkdir(exist_ok=True)
    tables.write(folder / "jpeg_to_tiff.csv", JPEG_TO_TIFF, forward_rows(both, traces))
    tables.write(folder / "tiff_to_jpeg.csv", TIFF_TO_JPEG, backward_rows(both, traces, images=True))
    return sum(trace.examined for trace in traces.values())


@pytest.mark.parametrize(("size", "geometry"), [(32, False), (16, False), (8, False), (32, "full")])
def test_at_any_parameters_it_is_what_a_run_of_match_gives(crowded, tmp_path, size, geometry):
    p = defaults(tmp_path)
    tried = POINTS if not geometry else POINTS[::3]
    asked = [replace(p.match, geometry=geometry, **point) for point in tried]
    hashes = hashed(crowded, size, tmp_path, p)
    knowledge = read_knowledge(crowded.work / "convert/converted.csv", None)
    one = measured(crowded, hashes, asked, knowledge, p.executor)
    seen = set()
    for settings in asked:
        summary = matched(crowded, hashes, tmp_path / "match", settings, p.executor)
        examined = written(one, settings, tmp_path / "measured")
        for name in TABLES:
            assert (tmp_path / "measured" / name).read_bytes() == (tmp_path / "match" / name).read_bytes(), settings
        assert examined == summary.pairs_compared
        seen |= {(row["decision"], row["reason"]) for row in table(tmp_path / "match/jpeg_to_tiff.csv")}
    reasons = {reason for _, reason in seen}
    if not geometry:  # the points try every line of the decision
        assert {"proven", "ssim", "no_candidate", "blocks_agree", "runner_up_too_close"} <= reasons


def test_a_persons_verdicts_hold_at_any_distance(crowded, tmp_path):
    p = defaults(tmp_path)
    hashes = hashed(crowded, 32, tmp_path, p)
    tiffs = {row["path"]: row["md5"] for row in table(hashes[0])}
    jpegs = [row["md5"] for row in table(hashes[1])]
    mapping = table(crowded.work / "match/jpeg_to_tiff.csv")
    md5 = {row["path"]: row["md5"] for row in table(hashes[1])}
    [stranger] = [md5[row["jpeg_path"]] for row in mapping if row["decision"] == "unmatched"][:1]
    [other] = [row for row in mapping if row["matched_tiff_path"] == "other_1.tif"][:1]
    verdicts = tmp_path / "verdicts.csv"
    with verdicts.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                VERDICTS.names,
                (stranger, tiffs["other_0.tif"], "same", "me", "2026-01-01"),
                (jpegs[0], "0" * 32, "same", "me", "2026-01-01"),  # the original is not here: it says nothing
                (md5[other["jpeg_path"]], tiffs["other_1.tif"], "different", "me", "2026-01-01"),
            ]
        )
    asked = [replace(p.match, **point) for point in POINTS[:4]]
    knowledge = read_knowledge(crowded.work / "convert/converted.csv", verdicts)
    one = measured(crowded, hashes, asked, knowledge, p.executor)
    for settings in asked:
        matched(crowded, hashes, tmp_path / "match", settings, p.executor, verdicts)
        written(one, settings, tmp_path / "measured")
        for name in TABLES:
            assert (tmp_path / "measured" / name).read_bytes() == (tmp_path / "match" / name).read_bytes()
    rows = {md5[row["jpeg_path"]]: row for row in table(tmp_path / "measured/jpeg_to_tiff.csv")}
    assert (rows[stranger]["matched_tiff_path"], rows[stranger]["evidence"]) == ("other_0.tif", "verdict")


def test_a_picture_that_cannot_be_read_any_more_matters_only_where_it_is_compared(done, tmp_path):
    p = defaults(tmp_path)
    hashes = hashed(done, 32, tmp_path, p)
    gone = sorted((done.published / "Powder").iterdir())[0]
    content = gone.read_bytes()
    asked = [p.match, replace(p.match, hamming_threshold=1, ssim_trigger=1, reach=1)]
    try:
        gone.write_bytes(b"something else")
        one = measured(done, hashes, asked, Knowledge(), p.executor)
        counts = []
        for settings in asked:
            matched(done, hashes, tmp_path / "match", settings, p.executor)
            traces = trace_all(one, settings.rules(1024))
            rejects = [{"path": lost.path, "reason": lost.reason} for lost in rejected(one.published, traces)]
            assert rejects == [
                {name: row[name] for name in ("path", "reason")} for row in table(tmp_path / "match/rejects.csv")
            ]
            counts.append(len(rejects))
        assert counts[0] == 1
    finally:
        gone.write_bytes(content)


def test_one_measurement_is_for_one_geometry(done, tmp_path):
    p = defaults(tmp_path)
    asked = [replace(p.match, geometry=geometry) for geometry in (True, False)]
    with pytest.raises(InputError, match="one geometry"):
        measured(done, hashed(done, 32, tmp_path, p), asked, Knowledge(), p.executor)
