"""The rows of the two mapping tables, from decisions."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath
from typing import Any

from semtrace.core.image.align import Comparison
from semtrace.core.tracing.decision import Candidate, Decision
from semtrace.provenance.tables import TIFF_TO_JPEG
from semtrace.provenance.tracing.pair_images import AllCompared
from semtrace.provenance.tracing.sides import Pair, Side
from semtrace.stage.rejects import Failure


def forward_rows(
    originals: Side,
    jpegs: Side,
    pairs: list[list[Pair]],
    results: list[Decision | Failure],
    nearest: list[tuple[int, int]],
) -> list[dict[str, Any]]:
    """One row per published file that was not rejected (JPEG_TO_TIFF).

    Args:
        originals: the archive.
        jpegs: the published set.
        pairs: per published content its candidates.
        results: per published content the decision.
        nearest: per published content index and distance of the nearest original.
    """
    rows = []
    for j, (content, decision) in enumerate(zip(jpegs.contents, results, strict=True)):
        if isinstance(decision, Failure):
            continue
        best = decision.best
        unmatched = decision.outcome == "unmatched"
        shown = best or Candidate(originals.contents[nearest[j][0]].paths[0], nearest[j][1])
        row = {
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
            "candidates": len(pairs[j]),
            "reason": decision.reason,
        }
        rows += [{"jpeg_path": path, **row} for path in content.paths]
    return rows


def backward_rows(
    originals: Side,
    jpegs: Side,
    pairs: list[list[Pair]],
    compared: list[AllCompared],
    results: list[Decision | Failure],
    nearest: list[tuple[int, int]],
    *,
    images: bool,
) -> list[dict[str, Any]]:
    """One row per original file (TIFF_TO_JPEG): the surest of its pictures, then the most alike, the nearest.

    Args:
        originals: the archive.
        jpegs: the published set.
        pairs: per published content its candidates.
        compared: per published content the comparisons with the first of them.
        results: per published content the decision.
        nearest: per original content index and distance of the nearest published one.
        images: False when hashes are all there is: then two published contents near an original are one too many.
    """
    index = {content.paths[0]: t for t, content in enumerate(originals.contents)}
    traced: dict[int, list[tuple[int, float, int, int]]] = defaultdict(list)
    for j, (decision, found, comparisons) in enumerate(zip(results, pairs, compared, strict=True)):
        if isinstance(comparisons, Failure) or isinstance(decision, Failure):
            continue
        for position, pair in enumerate(found):
            is_best = decision.best is not None and index[decision.best.path] == pair.original
            surety = {"matched": 0, "ambiguous": 1, "unmatched": 3}[decision.outcome] if is_best else 2
            comparison = comparisons[position] if position < len(comparisons) else None
            alike = -comparison.ssim if isinstance(comparison, Comparison) else 2.0
            traced[pair.original].append((surety, alike, pair.hamming, j))
    decisions = {j: decision for j, decision in enumerate(results) if isinstance(decision, Decision)}
    rows = []
    near: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for j, found in enumerate(pairs):
        for pair in found:
            near[pair.original].append((pair.hamming, j))
    for t, content in enumerate(originals.contents):
        ranked = sorted(traced[t])
        row: dict[str, Any] = dict.fromkeys(TIFF_TO_JPEG.names)
        row |= {"decision": "unmatched", "evidence": "", "used_ssim": False, "nearest_hamming": nearest[t][1]}
        row |= {"hamming_distance": nearest[t][1], "reason": "no_candidate"}
        smallest = min(near[t], default=(0, 0))[0]
        closest = [j for bits, j in near[t] if bits == smallest]
        row["nearest_paths"] = "|".join(sorted(path for j in closest for path in jpegs.contents[j].paths))
        if not content.healthy:
            row["reason"] = "degenerate_hash"
        if ranked:
            surety, negative_ssim, bits, j = ranked[0]
            path = jpegs.contents[j].paths[0]
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
                row["runner_up_path"] = jpegs.contents[ranked[1][3]].paths[0]
        rows += [{**row, "TIFF_file": PurePosixPath(path).name, "TIFF_path": path} for path in content.paths]
    return rows
