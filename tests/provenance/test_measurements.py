"""What is decided from measurements is what `match` decides, row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from semtrace.core.decision import Decision
from semtrace.io import tables
from semtrace.io.encoders import ENCODERS, encode
from semtrace.provenance import match
from semtrace.provenance.candidates import load_side, nearest_full
from semtrace.provenance.mapping_rows import forward_rows
from semtrace.provenance.measurements import measure
from semtrace.provenance.traces import read_knowledge
from tests.provenance.conftest import Done, name, save, scene
from tests.provenance.pipeline import defaults, grey, run_all, table

POINTS = [
    {},
    {"hamming_threshold": 300, "ssim_trigger": 300},
    {"hamming_threshold": 60, "ssim_trigger": 60, "min_margin": 0.1},
    {"hamming_threshold": 20, "ssim_trigger": 20, "reach": 20},
    {"hamming_threshold": 200, "ssim_trigger": 10, "min_ssim": 0.9, "reach": 10},
    {"min_ssim": -1.0, "min_correlation": -1.0, "min_margin": 0.0},
    {"min_ssim": 0.985, "min_correlation": 0.5},
    {"min_correlation": 0.995},
]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Done:
    """A series of noisy frames of one field beside other pictures, published by many encoders."""
    root = tmp_path_factory.mktemp("crowded")
    rng = np.random.default_rng(5)
    field = scene(50).astype(float)
    for number in range(4):
        frame = np.clip(np.round(field + rng.normal(0, 6 + 2 * number, field.shape)), 0, 255).astype(np.uint8)
        save(root / "archive" / f"frame_{number}.tif", frame)
    for seed in range(3):
        save(root / "archive" / f"other_{seed}.tif", scene(seed))
    for file in sorted((root / "archive").iterdir()):
        for encoder, how in ENCODERS.items():
            if how.mode == "L" and not how.cropped:
                target = root / "published/Tips" / name(5, file.stem + encoder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(encode(grey(file), how, None))
    Image.fromarray(scene(99)).save(root / "published/Tips" / name(5, "stranger"), quality=90)
    (root / "known").mkdir()
    parts = root / "archive", root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root)))


def measured(done: Done, tmp_path, most: int, geometry: bool = False):
    originals, published = (load_side([done.work / f"fingerprint/{side}/hashes.csv"]) for side in ("tiff", "jpeg"))
    everything = dict.fromkeys(range(len(published.contents)), frozenset())
    knowledge = read_knowledge(done.work / "convert/converted.csv", None)
    return measure(
        originals, published, (done.archive, done.published), everything, 300, most, knowledge,
        defaults(tmp_path).executor, geometry=geometry,
    )  # fmt: skip


def replayed(one, settings: match.Settings) -> list[dict[str, str]]:
    criteria = settings.criteria(one.originals.bits)
    looks = [one.look(j, criteria, settings.reach) for j in range(len(one.published.contents))]
    pairs, decisions = [look.pairs for look in looks], [look.result for look in looks]
    assert all(isinstance(decision, Decision) for decision in decisions)
    near = nearest_full(one.published, one.originals, 1)
    return forward_rows(one.originals, one.published, pairs, decisions, near)


def as_text(rows) -> list[dict[str, str]]:
    rows = [{column: "" if row[column] is None else str(row[column]) for column in tables.JPEG_TO_TIFF} for row in rows]
    return sorted(rows, key=lambda row: row["jpeg_path"])


def run_match(done: Done, tmp_path, settings: match.Settings) -> list[dict[str, str]]:
    hashes = done.work / "fingerprint"
    match.run(
        hashes / "tiff/hashes.csv", [hashes / "jpeg/hashes.csv"], tmp_path / "match", settings,
        defaults(tmp_path).executor, archive=done.archive, published=done.published,
        converted=done.work / "convert/converted.csv",
    )  # fmt: skip
    return table(tmp_path / "match/jpeg_to_tiff.csv")


def test_at_the_default_parameters_it_is_the_table_of_the_pipeline(done, tmp_path):
    one = measured(done, tmp_path, 32)
    settings = defaults(tmp_path).match
    assert as_text(replayed(one, settings)) == table(done.work / "match/jpeg_to_tiff.csv")


@pytest.mark.parametrize(("most", "geometry"), [(2, "off"), (32, "on")])
def test_at_any_parameters_it_is_what_a_run_of_match_gives(crowded, tmp_path, most, geometry):
    settings = replace(defaults(tmp_path).match, max_candidates=most, geometry=geometry)
    one = measured(crowded, tmp_path, most, geometry == "on")
    seen = set()
    for point in POINTS:
        expected = run_match(crowded, tmp_path, replace(settings, **point))
        # The search for published parts, which comes last, is not replayed.
        parts = {row["jpeg_path"] for row in expected if row["crop"]}
        again = [row for row in as_text(replayed(one, replace(settings, **point))) if row["jpeg_path"] not in parts]
        assert again == [row for row in expected if row["jpeg_path"] not in parts], point
        seen |= {(row["decision"], row["reason"]) for row in expected}
    reasons = {"proven", "ssim", "no_candidate", "ssim_too_low", "runner_up_too_close"}
    reasons |= {"beyond_ssim_trigger"} if geometry == "off" else set()
    assert reasons <= {reason for _, reason in seen}  # the points try every line of the decision


def test_without_an_original_it_is_a_run_on_an_archive_without_it(crowded, tmp_path):
    one, settings = measured(crowded, tmp_path, 32), defaults(tmp_path).match
    criteria = settings.criteria(1024)
    rows = table(crowded.work / "fingerprint/tiff/hashes.csv")
    for path in ("frame_1.tif", "other_2.tif"):
        [t] = [t for t, content in enumerate(one.originals.contents) if content.paths == (path,)]
        tables.write(tmp_path / "hashes.csv", tables.HASHES, (row for row in rows if row["path"] != path))
        match.run(
            tmp_path / "hashes.csv", [crowded.work / "fingerprint/jpeg/hashes.csv"], tmp_path / "match", settings,
            defaults(tmp_path).executor, archive=crowded.archive, published=crowded.published,
            converted=crowded.work / "convert/converted.csv",
        )  # fmt: skip
        expected = {row["jpeg_path"]: row for row in table(tmp_path / "match/jpeg_to_tiff.csv")}
        for j, content in enumerate(one.published.contents):
            decision = one.decide(j, criteria, settings.reach, without={t})
            row = expected[content.paths[0]]
            best = decision.best.path if decision.best and decision.outcome != "unmatched" else ""
            assert (decision.outcome, decision.reason, best) == (
                row["decision"], row["reason"], row["matched_tiff_path"],
            )  # fmt: skip


def test_without_proofs_only_similarity_counts(done, tmp_path):
    one, criteria = measured(done, tmp_path, 32), defaults(tmp_path).match.criteria(1024)
    for j in range(len(one.published.contents)):
        decision = one.decide(j, criteria, 300, proofs=False)
        assert decision.evidence in ("ssim", "hamming", "")
        if decision.best and decision.best.ssim is not None:
            assert decision.best.correlation is not None
