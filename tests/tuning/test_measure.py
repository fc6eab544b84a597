"""What follows from measured pairs with originals taken out, or without proofs."""

from __future__ import annotations

from dataclasses import replace

from semtrace.io import tables
from semtrace.provenance import match
from semtrace.provenance.tables import HASHES
from semtrace.provenance.tracing.evidence import Scope
from semtrace.provenance.tracing.knowledge import read_knowledge
from semtrace.provenance.tracing.sides import load_side
from semtrace.provenance.tracing.trace import trace_all
from semtrace.tuning.measure import measure
from tests.pipeline import defaults, table
from tests.small_archive import Done


def measured(done: Done, tmp_path):
    p = defaults(tmp_path)
    originals, published = (load_side([done.work / f"fingerprint/{side}/hashes.csv"]) for side in ("tiff", "jpeg"))
    knowledge = read_knowledge(done.work / "convert/converted.csv", None)
    scope = Scope(originals, (done.archive, done.published), knowledge)
    everything = dict.fromkeys(range(len(published.contents)), frozenset(range(4)))
    return measure(scope, published, [p.match], everything, p.executor)


def test_without_an_original_it_is_a_run_on_an_archive_without_it(crowded, tmp_path):
    one, settings = measured(crowded, tmp_path), defaults(tmp_path).match
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
        without = trace_all(replace(one, without={t}), settings.rules(1024))
        for j, content in enumerate(one.published.contents):
            decision = without[j].decision
            row = expected[content.paths[0]]
            best = decision.best.path if decision.best and decision.outcome != "unmatched" else ""
            assert (decision.outcome, decision.reason, best) == (
                row["decision"], row["reason"], row["matched_tiff_path"],
            )  # fmt: skip


def test_without_proofs_only_similarity_counts(done, tmp_path):
    one = replace(measured(done, tmp_path), proofs=False)
    for trace in trace_all(one, defaults(tmp_path).match.rules(1024)).values():
        decision = trace.decision
        assert decision.evidence in ("ssim", "blocks", "hamming", "")
        if decision.best and decision.best.ssim is not None:
            assert decision.best.correlation is not None
