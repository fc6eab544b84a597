"""The rows of the two mapping tables, and the rejects of a match, from its traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from semtrace.core.image.align import Comparison
from semtrace.core.tracing.decision import Candidate, Decision
from semtrace.provenance.tables import PANELS, TIFF_TO_JPEG
from semtrace.provenance.tracing.sides import Side, nearest_full
from semtrace.provenance.tracing.trace import Trace
from semtrace.stage.rejects import Failure, Reject


@dataclass(frozen=True)
class Sides:
    """Archive and published set, and how near each content's nearest on the other side is by full-frame hash.

    Attributes:
        originals: the archive.
        published: the published set.
        nearest_original: per published content ``(index, bits)``.
        nearest_published: per original content the same.
    """

    originals: Side
    published: Side
    nearest_original: list[tuple[int, int]]
    nearest_published: list[tuple[int, int]]


def sides(originals: Side, published: Side, workers: int) -> Sides:
    """Two sides with their nearest neighbours."""
    near = nearest_full(published, originals, workers), nearest_full(originals, published, workers)
    return Sides(originals, published, *near)


def rejected(published: Side, traces: Mapping[int, Trace]) -> list[Reject]:
    """Published files that could not be compared."""
    return [
        Reject.of(path, "match", trace.decision)
        for j, trace in traces.items()
        if isinstance(trace.decision, Failure)
        for path in published.contents[j].paths
    ]


def forward_rows(both: Sides, traces: Mapping[int, Trace]) -> list[dict[str, Any]]:
    """One row per published file that was not rejected (JPEG_TO_TIFF)."""
    rows = []
    for j, trace in traces.items():
        decision = trace.decision
        if isinstance(decision, Failure):
            continue
        nearest, bits = both.nearest_original[j]
        row = _row(trace, decision, Candidate(both.originals.contents[nearest].paths[0], bits))
        rows += [{"jpeg_path": path, **row} for path in both.published.contents[j].paths]
    return rows


def panel_rows(published: Side, traces: Mapping[int, Trace]) -> list[dict[str, Any]]:
    """One row per picture of a published page that has several (PANELS)."""
    rows = []
    for j, trace in traces.items():
        for place, panel in trace.panels:
            if isinstance(panel.decision, Decision):
                row = _row(panel, panel.decision, Candidate("", 0)) | {"place": str(place)}
                if panel.decision.best is None:
                    row |= {"hamming_distance": None, "runner_up_path": ""}
                kept = {name: row[name] for name in PANELS.names if name != "jpeg_path"}
                rows += [{"jpeg_path": path, **kept} for path in published.contents[j].paths]
    return rows


def _row(trace: Trace, decision: Decision, nearest: Candidate) -> dict[str, Any]:
    """What a row says of a trace; ``nearest``: the original to name where there is no candidate."""
    shown, unmatched = decision.best or nearest, decision.outcome == "unmatched"
    return {
        "matched_tiff_path": "" if unmatched else shown.path,
        "hamming_distance": shown.hamming,
        "ssim_value": shown.ssim,
        "used_ssim": shown.ssim is not None,
        "decision": decision.outcome,
        "evidence": decision.evidence,
        "margin": None if unmatched else decision.margin,
        "runner_up_path": shown.path if unmatched else decision.runner_up.path if decision.runner_up else "",
        "correlation": shown.correlation,
        "symmetry": "" if unmatched else shown.symmetry,
        "crop": "" if unmatched else shown.crop,
        "place": "" if unmatched else shown.place,
        "angle": None if unmatched else shown.angle,
        "scale": None if unmatched else shown.scale,
        "agreement": shown.agreement,
        "level": decision.level,
        "candidates": len(trace.pairs),
        "reason": decision.reason,
    }


def backward_rows(both: Sides, traces: Mapping[int, Trace], *, images: bool) -> list[dict[str, Any]]:
    """One row per original file (TIFF_TO_JPEG): the surest of its pictures, then the most alike, the nearest.

    Args:
        both: the two sides.
        traces: of all published contents.
        images: False when hashes are all there is: then two published contents near an original are one too many.
    """
    jpegs = both.published.contents
    index = {content.paths[0]: t for t, content in enumerate(both.originals.contents)}
    traced: dict[int, list[tuple[int, float, int, int]]] = defaultdict(list)
    near: dict[int, list[tuple[int, int]]] = defaultdict(list)
    decisions: dict[int, Decision] = {}
    for j, trace in traces.items():
        for pair in trace.pairs:
            near[pair.original].append((pair.hamming, j))
        if isinstance(trace.decision, Failure):
            continue
        decisions[j] = trace.decision
        best = index[trace.decision.best.path] if trace.decision.best else None
        for position, pair in enumerate(trace.pairs):
            is_best = best == pair.original
            surety = {"matched": 0, "ambiguous": 1, "unmatched": 3}[trace.decision.outcome] if is_best else 2
            comparison = trace.compared[position] if position < len(trace.compared) else None
            alike = -comparison.ssim if isinstance(comparison, Comparison) else 2.0
            traced[pair.original].append((surety, alike, pair.hamming, j))
    rows = []
    for t, content in enumerate(both.originals.contents):
        ranked = sorted(traced[t])
        row: dict[str, Any] = dict.fromkeys(TIFF_TO_JPEG.names)
        row |= {"decision": "unmatched", "evidence": "", "used_ssim": False, "reason": "no_candidate"}
        row["hamming_distance"] = row["nearest_hamming"] = both.nearest_published[t][1]
        smallest = min(near[t], default=(0, 0))[0]
        closest = [j for bits, j in near[t] if bits == smallest]
        row["nearest_paths"] = "|".join(sorted(path for j in closest for path in jpegs[j].paths))
        if not content.healthy:
            row["reason"] = "degenerate_hash"
        if ranked:
            surety, negative_ssim, bits, j = ranked[0]
            path = jpegs[j].paths[0]
            row |= {
                "hamming_distance": bits,
                "reason": ("traced_to_this", "ambiguous", "traced_elsewhere", "not_alike")[surety],
            }
            if negative_ssim <= 1:
                row |= {"ssim_value": -negative_ssim, "used_ssim": True}
            if surety <= 1:
                row |= {"JPEG_file": PurePosixPath(path).name, "JPEG_path": path}
                mine = decisions[j]
                row |= {"decision": mine.outcome, "evidence": mine.evidence, "margin": mine.margin}
                if not images and len(near[t]) > 1 and mine.outcome == "matched":
                    row |= {"decision": "ambiguous", "reason": "several_contents"}
            if len(ranked) > 1:
                row["runner_up_path"] = jpegs[ranked[1][3]].paths[0]
        rows += [{**row, "TIFF_file": PurePosixPath(path).name, "TIFF_path": path} for path in content.paths]
    return rows
