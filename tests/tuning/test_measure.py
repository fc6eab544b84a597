"""What is decided from measurements with originals taken out, or without proofs; test_replay.py has the rest."""

from __future__ import annotations

from semtrace.io import tables
from semtrace.provenance import match
from semtrace.provenance.tables import HASHES
from semtrace.provenance.tracing.evidence import read_knowledge
from semtrace.provenance.tracing.sides import load_side
from semtrace.tuning.measure import measure
from tests.pipeline import defaults, table
from tests.small_archive import Done


def measured(done: Done, tmp_path):
    originals, published = (load_side([done.work / f"fingerprint/{side}/hashes.csv"]) for side in ("tiff", "jpeg"))
    everything = dict.fromkeys(range(len(published.contents)), frozenset())
    knowledge = read_knowledge(done.work / "convert/converted.csv", None)
    return measure(
        originals, published, (done.archive, done.published), everything, 300, 32, knowledge,
        defaults(tmp_path).executor,
    )  # fmt: skip


def test_without_an_original_it_is_a_run_on_an_archive_without_it(crowded, tmp_path):
    one, settings = measured(crowded, tmp_path), defaults(tmp_path).match
    criteria = settings.criteria(1024)
    rows = table(crowded.work / "fingerprint/tiff/hashes.csv")
    for path in ("frame_1.tif", "other_2.tif"):
        [t] = [t for t, content in enumerate(one.originals.contents) if content.paths == (path,)]
        tables.write(tmp_path / "hashes.csv", HASHES, (row for row in rows if row["path"] != path))
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
    one, criteria = measured(done, tmp_path), defaults(tmp_path).match.criteria(1024)
    for j in range(len(one.published.contents)):
        decision = one.decide(j, criteria, 300, proofs=False)
        assert decision.evidence in ("ssim", "hamming", "")
        if decision.best and decision.best.ssim is not None:
            assert decision.best.correlation is not None
