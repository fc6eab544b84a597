"""The report of a calibration as text: what was asked, what was chosen and why, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from semtrace.core.statistics.choice import Choice
from semtrace.tuning.report import ReportRow, reason

_LISTED = 10
_THRESHOLDS = ("hamming_threshold", "ssim_trigger", "min_ssim", "min_correlation", "min_margin")
_COUNTS = {
    "found": "original there:      traced rightly",
    "wrong_present": "                     traced wrongly",
    "missed_ambiguous": "                     ambiguous",
    "missed_unmatched": "                     unmatched",
    "absent_unmatched": "original not there:  unmatched",
    "absent_ambiguous": "                     ambiguous",
    "wrong_absent": "                     traced wrongly",
    "precision": "precision",
    "precision_low": "  95 % interval from",
    "precision_high": "                to",
    "recall": "recall",
    "recall_low": "  95 % interval from",
    "recall_high": "                to",
}
_OUTCOMES = ("right", "wrong", "ambiguous", "unmatched")


def calibration_report(
    summary: Mapping[str, Any], choice: Choice | None, encoders: Sequence[ReportRow], wrong: Sequence[ReportRow]
) -> str:
    """Write the report.

    Args:
        summary: what ``calibration.json`` says.
        choice: the chosen point; None where there is none.
        encoders: rows of ``by_encoder.csv``.
        wrong: rows of ``trials.csv`` with a wrong match.
    """
    columns = [name for name in ("current", "chosen") if name in summary]
    lines = [
        f"Calibration for a precision of {summary['requested_precision']:g}",
        "",
        *_basis(summary["trials"]),
        "",
        *_why(summary, choice),
        "",
        _table_line("", columns),
        *(_table_line(name, [summary[c]["thresholds"][name] for c in columns]) for name in _THRESHOLDS),
    ]
    for title, key in (
        ("Decided by similarity alone", "by_similarity"),
        ("With proofs, as match decides", "with_proofs"),
    ):
        lines += ["", title]
        lines += [_table_line(f"  {text}", [summary[c][key][name] for c in columns]) for name, text in _COUNTS.items()]
    lines += ["", *_limits(summary, columns[-1]), "", *_by_encoder(encoders, columns), "", *_wrong(wrong, columns[-1])]
    return "\n".join([*lines, "", *_null(summary, columns)]) + "\n"


def notes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """What the choice rests on, in three lines for the file that holds it."""
    rates, trials = summary["chosen"]["by_similarity"], summary["trials"]
    return (
        f"For a precision of {summary['requested_precision']:g}, "
        f"{'shown' if summary['choice']['shown'] else 'NOT shown'}: "
        f"precision {_text(rates['precision'])} (95 % from {_text(rates['precision_low'])}), "
        f"recall {_text(rates['recall'])} (from {_text(rates['recall_low'])})",
        f"on {sum(trials['pictures'].values())} pictures of {trials['originals']} originals, by similarity alone; "
        "see data/work/calibrate/calibration_report.txt.",
        "It holds for pictures and encoders like these.",
    )


def _table_line(name: str, cells: Sequence[Any]) -> str:
    return f"{name:<40}" + "".join(f"{_text(cell):>12}" for cell in cells)


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _basis(trials: ReportRow) -> list[str]:
    sets = ", ".join(f"{name} {count}" for name, count in trials["pictures"].items())
    lines = [
        f"{sum(trials['pictures'].values())} pictures ({sets}) of {trials['originals']} originals; equal pixels count "
        "once.",
        f"Judged with the original in the archive ({trials['present']}), with everything of equal picture taken out "
        f"({trials['left_out']}),",
        f"and absent as the truth says ({trials['absent']}).",
    ]
    for key, text in (
        ("truth_not_published", "rows of truth.csv name a JPEG without a hash, rejected or not chosen: left out"),
        ("truth_not_hashed", "rows of truth.csv name a TIFF without a hash, rejected or not chosen: left out"),
        ("unreadable", "pictures could not be read any more: left out"),
    ):
        lines += [f"{trials[key]} {text}."] if trials[key] else []
    lines += [f"{line}." for line in trials["truth_adapted"]]
    lines += [f"Not published again: {one['path']}, {one['reason']} {one['detail']}" for one in trials["not_published"]]
    return lines


def _why(summary: Mapping[str, Any], choice: Choice | None) -> list[str]:
    precision = summary["requested_precision"]
    if choice is None:
        return [
            f"No choice: none of {summary['points']} combinations of thresholds has a precision of {precision:g}.",
            "Nothing was written to conf/. Lower the precision, or try other thresholds (conf/calibrate/).",
        ]
    rates, bold = summary["chosen"]["by_similarity"], summary["choice"]["boldest"]
    more = "; a larger calibrate.sample makes more"
    lines = ["Chosen", *reason(choice, rates, summary["points"], precision, hint=more)]
    if bold["found"] > rates["found"]:
        at = ", ".join(f"{name} {bold[name]:g}" for name in _THRESHOLDS)
        lines += [
            f"Observed only, not shown: recall {_text(bold['recall'])}, {bold['wrong']} wrong, precision "
            f"{_text(bold['precision'])} (from {_text(bold['precision_low'])}), at",
            f"{at}.",
            "A larger calibrate.sample may show it.",
        ]
    return lines


def _limits(summary: Mapping[str, Any], column: str) -> list[str]:
    rates, needed, precision = (
        summary[column]["by_similarity"], summary["matches_to_show_it"], summary["requested_precision"],
    )  # fmt: skip
    low, held = rates["originals_precision_low"], summary["held_out"]
    shown = low is not None and low >= precision
    lines = [
        "What this can show",
        "  Versions of one original are not independent of each other. By original: "
        f"{rates['originals_without_wrong_match']} of {rates['originals_matched']}",
        f"  without a wrong match, 95 % interval from {_text(low)}.",
        f"  Counted so, a precision of {precision:g} is "
        + ("shown." if shown else f"not shown; it takes {needed} originals, none wrong."),
    ]
    if held is None:
        return [*lines, "  Held out: unknown; a half of the originals has no point of that precision."]
    return [
        *lines,
        "  Held out (chosen on one half of the originals, judged on the other, both ways):",
        f"  precision {_text(held['precision'])} (from {_text(held['precision_low'])}), "
        f"recall {_text(held['recall'])} (from {_text(held['recall_low'])}), {held['wrong']} wrong.",
    ]


def _by_encoder(encoders: Sequence[ReportRow], columns: Sequence[str]) -> list[str]:
    variants = [(c, proofs) for c in columns for proofs in ("no", "yes")]
    counts = {(r["published_as"], r["original"], r["thresholds"], r["proofs"]): r for r in encoders}
    titles = [f"{column}{', proofs' if proofs == 'yes' else ''}" for column, proofs in variants]
    lines = [
        "Files by how they were published: right / wrong / ambiguous / unmatched",
        f"  {'published as':<14}{'original':<10}" + "".join(f"{title:>20}" for title in titles),
    ]
    for kind, original in dict.fromkeys((row["published_as"], row["original"]) for row in encoders):
        cells = [" / ".join(str(counts[kind, original, *variant][o]) for o in _OUTCOMES) for variant in variants]
        lines.append(f"  {kind:<14}{original:<10}" + "".join(f"{cell:>20}" for cell in cells))
    return lines


def _wrong(wrong: Sequence[ReportRow], column: str) -> list[str]:
    if not wrong:
        return [f"Wrong matches by similarity alone at the {column} thresholds: none"]
    pairs: dict[tuple[str, str, str], list[ReportRow]] = {}
    for row in wrong:
        pairs.setdefault((row["true_tiff_path"], row["original"], row["best_tiff_path"]), []).append(row)
    lines = [f"Wrong matches by similarity alone at the {column} thresholds, {len(wrong)} (each in trials.csv)"]
    for (truth, original, best), rows in list(pairs.items())[:_LISTED]:
        lines += [
            f"  {truth or rows[0]['jpeg_path']} ({original}) as {best}:",
            f"    {len(rows)} pictures, {_range(rows, 'hamming_distance')} bits, SSIM {_range(rows, 'ssim_value')}, "
            f"correlation {_range(rows, 'correlation')}",
        ]
    lines += [f"  and {len(pairs) - _LISTED} more pairs"] if len(pairs) > _LISTED else []
    return [
        *lines,
        "Where such a pair is one picture (for example edited), call the two files the same in verdicts.csv",
        "and run this again: they are then taken out together.",
    ]


def _range(rows: Sequence[ReportRow], column: str) -> str:
    values = [row[column] for row in rows]
    return " to ".join(dict.fromkeys((_text(min(values)), _text(max(values)))))


def _null(summary: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    null = summary["null_model"]
    lines = [f"Different pictures of the archive: {null['pictures']}, {null['asked']} of them compared with all others"]
    if "pairs" not in null:
        return [*lines, "  too few for distances"]
    quantiles = ", ".join(f"{float(q):.2%} up to {bits}" for q, bits in null["quantiles"].items())
    near = null["nearest_other"]
    lines += [
        f"  distances of {null['pairs']} pairs, bits: {quantiles}",
        f"  to the nearest other picture: from {near['min']}, 5 % up to {near['0.05']}, half up to {near['0.5']}",
    ]
    if "binomial" in null:
        bits, share = null["binomial"]["effective_bits"], null["binomial"]["probability"]
        lines += [
            f"  chance: a binomial fitted to their bulk, {bits:.0f} independent bits, each different in {share:.1%}",
            f"  alike, nearer than chance allows: below {null['alike_below']} bits. "
            f"{null['pictures_with_an_alike_one']} pictures have an alike one; the nearest:",
            *(f"    {pair['bits']:>4} bits  {pair['left']}  {pair['right']}" for pair in null["nearest_alike"]),
        ]
    within = [null["within"][column] for column in columns]
    rates = [summary[column]["by_similarity"] for column in columns]
    size = null["pictures"]
    lines += [
        "",
        _table_line("For a published image without original", columns),
        _table_line("  looked for up to, bits", [f"{one['bits']:g}" for one in within]),
        _table_line("  false candidates, counted", [one["others"] for one in within]),
        _table_line("    of these alike", [one["alike"] for one in within]),
        _table_line("  expected by the lower tail", [_small(one["by_tail"]) for one in within]),
        _table_line("  expected by chance", [_small(one["by_chance"]) for one in within]),
        f"For {size} of them, as many as the archive has pictures",
        _table_line("  false candidates, as counted", [_scaled(one["others"], size) for one in within]),
        _table_line("  expected by the lower tail", [_small(one["by_tail"], size) for one in within]),
        _table_line("  false matches, as in the trials", [_scaled(_share(one), size) for one in rates]),
        _table_line("    at most (95 %)", [_scaled(one["wrong_of_absent_high"], size) for one in rates]),
        "The lower tail (an exponential through the nearest 1 % and 0.5 % of the pairs) and chance are extrapolations;",
        "neither knows frames of one field, which only the count and the trials show.",
    ]
    return lines


def _share(rates: ReportRow) -> float | None:
    return rates["wrong_absent"] / rates["absent"] if rates["absent"] else None


def _scaled(share: float | None, size: int) -> str:
    return "unknown" if share is None else f"{share * size:.1f}"


def _small(share: float | None, size: int = 1) -> str:
    return "unknown" if share is None else f"{share * size:.1e}"
