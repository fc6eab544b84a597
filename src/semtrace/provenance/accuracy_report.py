"""The accuracy report that people read: the lines they know from earlier reports first, then the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from semtrace.core.statistics.accuracy import Accuracy
from semtrace.provenance.not_looked_for import not_looked_for
from semtrace.provenance.reference_check import ReferenceCheck


def accuracy_report(
    metrics: Mapping[str, Any],
    rejects: Mapping[str, Mapping[str, int]],
    accuracy: Accuracy,
    checks: Sequence[ReferenceCheck],
    notes: Sequence[str] = (),
    geometry: bool | str = "full",
) -> str:
    """Write the report as text.

    Args:
        metrics: what ``metrics.json`` says.
        rejects: per stage and reason, how many.
        accuracy: counts against truth.
        checks: samples of the results that were recomputed with the reference libraries.
        notes: what a person should know of the truth, a sentence each.
        geometry: what ``match.geometry`` was, for what was not looked for.
    """
    images, decisions, tiers = metrics["images"], metrics["decisions"], metrics["tiers"]
    total = decisions["matched"]
    compared = sum(tiers.values())
    lines = [
        f"Total matches: {total}",
        f"Excellent matches (SSIM > 0.95): {tiers['excellent']} ({_percent(tiers['excellent'], total)})",
        f"Average SSIM: {_number(metrics['ssim']['mean'], 3)}",
        f"Average Hamming: {_number(metrics['hamming']['mean'], 2)}",
        "",
        f"Images: {images['tiffs']} TIFFs ({images['tiff_contents']} different), {images['jpegs']} JPEGs",
        f"Decisions: matched {total} of {images['jpegs']} published, {decisions['ambiguous']} ambiguous, "
        f"{decisions['unmatched']} unmatched",
        *not_looked_for(decisions["unmatched"], images["tiffs"], geometry),
        "",
        "SSIM of the matches (data bar left out)",
        *(
            f"  {name:<12} {_BOUNDS[name]:<12} {count:>7} ({_percent(count, compared)})"
            for name, count in tiers.items()
        ),
        "",
        *(_spread(name, metrics[key]) for name, key in (("SSIM", "ssim"), ("Hamming distance, bits", "hamming"))),
        "",
        f"Accuracy, known from {metrics['accuracy']['basis']}" if accuracy.known else "Accuracy",
    ]
    if accuracy.known:
        lines += [
            f"  pictures with known truth:                  {accuracy.known}",
            f"  original in the archive:   traced rightly   {accuracy.found}",
            f"                             traced wrongly   {accuracy.wrong_present}",
            *_place(accuracy.place_present),
            f"                             ambiguous        {accuracy.missed_ambiguous}",
            f"                             unmatched        {accuracy.missed_unmatched}",
            f"  original not there:        unmatched        {accuracy.absent_unmatched}",
            f"                             ambiguous        {accuracy.absent_ambiguous}",
            f"                             traced wrongly   {accuracy.wrong_absent}",
            *_place(accuracy.place_absent),
            f"  precision {_interval(accuracy.precision, accuracy.precision_interval)}",
            f"  recall    {_interval(accuracy.recall, accuracy.recall_interval)}",
            f"  accuracy  {_number(accuracy.accuracy, 4)}",
        ]
    else:
        lines.append("  unknown: no truth.csv, and no JPEG has the file stem of a TIFF")
    lines += [f"  {note}" for note in notes]
    if checks:
        lines += ["", "Recomputed on this machine", *(f"  {check}" for check in checks)]
    lines += ["", "Labels"]
    lines += [f"  {status:<22} {count:>7}" for status, count in metrics["labels"].items()]
    lines += ["", "Rejected (see each stage's rejects.csv)" if any(rejects.values()) else "Rejected: none"]
    lines += [
        f"  {stage:<18} {reason:<20} {count:>7}"
        for stage, reasons in rejects.items()
        for reason, count in reasons.items()
    ]
    return "\n".join(lines) + "\n"


_BOUNDS = {"excellent": "> 0.95", "good": "0.85–0.95", "acceptable": "0.70–0.85", "problematic": "< 0.70"}


def _place(count: int) -> list[str]:
    """The line of matches that claim the place alone, where there are any."""
    return [f"                             right place, exposure not told   {count}"] if count else []


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "no matches"


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def _interval(rate: float | None, interval: tuple[float, float] | None) -> str:
    return "unknown" if rate is None or interval is None else (
        f"{rate:.4f} (95 % Wilson interval {interval[0]:.4f} to {interval[1]:.4f})"
    )  # fmt: skip


def _spread(name: str, numbers: dict[str, Any]) -> str:
    if not numbers["count"]:
        return f"{name}: none"
    return f"{name}: " + ", ".join(f"{key} {numbers[key]:.4g}" for key in ("min", "median", "mean", "max", "std"))
