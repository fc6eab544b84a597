"""match: trace every published JPEG to its original TIFF, and every TIFF to its JPEGs.

Candidates come from the Hamming distance, the answer from SSIM and correlation on the pictures without data bar
(core/tracing/decision.py), the reverse table from the forward one: a published image has at most one original, while
an original may be published more than once. Works from hash tables alone where the images are absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.tracing.decision import Criteria
from semtrace.io import tables
from semtrace.io.staging import staged_folder
from semtrace.io.verdicts import locate_verdicts
from semtrace.parallel.processes import available_cores
from semtrace.provenance.tables import JPEG_TO_TIFF, PANELS, TIFF_TO_JPEG
from semtrace.provenance.tracing.evidence import FreshEvidence
from semtrace.provenance.tracing.feature_search import check_available
from semtrace.provenance.tracing.knowledge import read_knowledge
from semtrace.provenance.tracing.mapping import backward_rows, forward_rows, panel_rows, rejected, sides
from semtrace.provenance.tracing.sides import load_side
from semtrace.provenance.tracing.trace import Geometry, Rules, trace_all
from semtrace.stage.declaration import Job
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import write_rejects
from semtrace.stage.settings import REFERENCE_BITS, Bits, Number, Section, Whole


class Settings(Section, section="match"):
    """Thresholds (conf/match/); distances in bits of a 1024-bit hash."""

    hamming_threshold: Bits
    ssim_trigger: Bits
    max_candidates: Annotated[Whole, Field(ge=2, description="a runner-up is needed")]
    reach: Bits
    min_ssim: Annotated[Number, Field(ge=-1, le=1)]
    min_correlation: Annotated[Number, Field(ge=-1, le=1)]
    min_margin: Annotated[Number, Field(ge=0)]
    min_hamming_margin: Annotated[Whole, Field(ge=0)]
    hash_reach: Bits
    min_mutual_margin: Annotated[Whole, Field(ge=0)]
    geometry: Geometry
    one_to_one: bool

    def rules(self, bits: int) -> Rules:
        """How to look and to decide with a hash of ``bits`` bits."""
        scale = bits / REFERENCE_BITS
        criteria = Criteria(
            hamming_threshold=self.hamming_threshold * scale,
            ssim_trigger=self.ssim_trigger * scale,
            min_ssim=self.min_ssim,
            min_correlation=self.min_correlation,
            min_margin=self.min_margin,
            min_hamming_margin=self.min_hamming_margin * scale,
        )
        mutual = self.hash_reach * scale, self.min_mutual_margin * scale
        return Rules(criteria, self.max_candidates, self.reach * scale, self.geometry, self.one_to_one, *mutual)


@dataclass(frozen=True)
class Summary:
    """What was matched."""

    jpegs: int
    tiffs: int
    pairs_compared: int
    decisions: dict[str, int]
    evidence: dict[str, int]
    reasons: dict[str, int]
    rejects: dict[str, int]


def stage(job: Job) -> Summary:
    """The stage on the dataset's images."""
    return run(
        job.hashes("tiff"), [job.hashes("jpeg")], job.result("match"), job.params.match, job.executor,
        archive=job.archive, published=job.published,
        converted=job.result("convert/converted.csv"), verdicts=locate_verdicts(job.verdicts, job.known),
    )  # fmt: skip


def run(
    tiff_hashes: Path,
    jpeg_hashes: Sequence[Path],
    out: Path,
    settings: Settings,
    executor: Executor,
    *,
    archive: Path | None = None,
    published: Path | None = None,
    converted: Path | None = None,
    verdicts: Path | None = None,
) -> Summary:
    """Write ``jpeg_to_tiff.csv``, ``tiff_to_jpeg.csv``, ``panels.csv`` and ``rejects.csv`` to the folder ``out``.

    In an unmatched row of the first table ``matched_tiff_path`` is empty, and the nearest original stands in
    ``runner_up_path``, its distance in ``hamming_distance``.

    Args:
        tiff_hashes: table of the archive; file, path and phash are enough.
        jpeg_hashes: one table of the published set, or one per category.
        out: folder to write.
        settings: thresholds.
        executor: where to work.
        archive: root of the TIFF paths; None where the images are absent.
        published: root of the JPEG paths; None where the images are absent.
        converted: table of the convert stage, for JPEGs that are its very output.
        verdicts: table of a person's verdicts; it may be missing.

    Raises:
        InputError: a table is empty, or the two hold hashes of different length.

    """
    originals, jpegs = load_side([tiff_hashes]), load_side(jpeg_hashes)
    if originals.bits != jpegs.bits:
        raise InputError(
            f"{tiff_hashes} has hashes of {originals.bits} bits, {jpeg_hashes[0]} of {jpegs.bits}: "
            "fingerprint both sides with one hash.size"
        )
    if settings.geometry == "full":
        check_available()
    roots = (archive, published) if archive is not None and published is not None else None
    knowledge = read_knowledge(converted, verdicts)
    evidence = FreshEvidence(originals, jpegs, knowledge, roots, executor, bool(settings.geometry))
    traces = trace_all(evidence, settings.rules(originals.bits))
    both = sides(originals, jpegs, executor.workers or available_cores())
    forward = forward_rows(both, traces)
    with staged_folder(out) as folder:
        tables.write(folder / "jpeg_to_tiff.csv", JPEG_TO_TIFF, forward)
        tables.write(folder / "tiff_to_jpeg.csv", TIFF_TO_JPEG, backward_rows(both, traces, images=evidence.images))
        tables.write(folder / "panels.csv", PANELS, panel_rows(jpegs, traces))
        counts = write_rejects(folder, rejected(jpegs, traces), rows_in=jpegs.rows, rows_out=len(forward))
    return Summary(
        jpegs=jpegs.rows,
        tiffs=originals.rows,
        pairs_compared=sum(trace.examined for trace in traces.values()),
        decisions=_count(forward, "decision"),
        evidence=_count([row for row in forward if row["decision"] == "matched"], "evidence"),
        reasons=_count(forward, "reason"),
        rejects=counts,
    )


def _count(rows: list[dict[str, Any]], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] for row in rows).items()))
