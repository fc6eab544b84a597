"""The reason of each decision in words, and what to do about it: the lines of docs/tables.md, which a test compares."""

from __future__ import annotations

from typing import NamedTuple


class ReasonWords(NamedTuple):
    """Of one reason code: its decision, its meaning, and what to do; Markdown with code spans."""

    decision: str
    meaning: str
    todo: str


REASONS: dict[str, ReasonWords] = {
    "proven": ReasonWords(
        "matched",
        "one of the first four kinds of evidence",
        "nothing",
    ),
    "proven_for_several": ReasonWords(
        "ambiguous",
        "proven for two originals with different pictures",
        "compare both; a row in `verdicts.csv` decides",
    ),
    "ssim": ReasonWords(
        "matched",
        "similar enough by SSIM and correlation, and clearly more than any other",
        "nothing; check the problematic tier if there is one",
    ),
    "blocks_agree": ReasonWords(
        "matched",
        "SSIM or correlation is too low, but most blocks of the frame agree (`agreement`), in place",
        "nothing; `level` tells whether the exposure is certain",
    ),
    "another_framing": ReasonWords(
        "ambiguous",
        "similar by SSIM and correlation, but displaced, or most blocks differ: another frame of the series",
        "check by eye; the original itself may be missing",
    ),
    "panels": ReasonWords(
        "ambiguous",
        "with `match.geometry=true` or `full`: the page has several pictures. The first that was traced is named",
        "see `panels.csv`, which traces each by itself. The category cannot be told for one of them",
    ),
    "hamming_only": ReasonWords(
        "matched",
        "hash tables alone: near, and clearly nearer than any other",
        "treat it as likely, not as proven",
    ),
    "nearest_both_ways": ReasonWords(
        "matched",
        "hash tables alone: less near, but no other original is as near to the image, and no other image to "
        "the original",
        "treat it as likely, not as proven",
    ),
    "correlation_too_low": ReasonWords(
        "ambiguous or unmatched",
        "the fine structure differs; unmatched if SSIM is low too",
        "if ambiguous, check by eye: flat pictures are similar without being the same",
    ),
    "ssim_too_low": ReasonWords(
        "ambiguous",
        "the fine structure agrees, but SSIM is below `match.min_ssim`",
        "check by eye; strong compression or retouching does this",
    ),
    "neither_excellent": ReasonWords(
        "ambiguous",
        "SSIM and correlation are acceptable, but neither is above 0.95. Another frame of the series looks "
        "like this. Heavy compression lowers only SSIM, and reduction only the correlation",
        "check by eye; the original itself may be missing",
    ),
    "runner_up_too_close": ReasonWords(
        "ambiguous",
        "a second original is equally good, or nearly, or its fine structure is more alike: for example frames of one "
        "series",
        "compare both; a row in `verdicts.csv` decides",
    ),
    "candidates_cut": ReasonWords(
        "ambiguous",
        "more candidates than `match.max_candidates`, and none excellent",
        "raise `match.max_candidates`",
    ),
    "beyond_ssim_trigger": ReasonWords(
        "ambiguous",
        "nearest at a distance from `match.ssim_trigger` to `match.hamming_threshold`, so not compared",
        "check by eye, or raise `match.ssim_trigger`",
    ),
    "original_unreadable": ReasonWords(
        "ambiguous",
        "a candidate could not be read for its comparison, and no other is proven",
        "repair or restore the file, run again",
    ),
    "not_comparable": ReasonWords(
        "ambiguous",
        "near by hash, but a crop at other edges or another aspect, or the TIFF cannot be read any more",
        "check by eye",
    ),
    "one_to_one": ReasonWords(
        "matched",
        "with `match.one_to_one=true`: good enough by itself, and the only way to give every image its own original",
        "nothing; the other images decided it",
    ),
    "original_taken": ReasonWords(
        "ambiguous",
        "with `match.one_to_one=true`: another published image has a better claim to this original",
        "compare both; or the set is not one-to-one",
    ),
    "block_too_large": ReasonWords(
        "ambiguous",
        "with `match.one_to_one=true`: more than 200 images contend for the same originals",
        "set `match.one_to_one=false`, or decide some of them in `verdicts.csv`",
    ),
    "no_candidate": ReasonWords(
        "unmatched",
        "no original is nearer than `match.hamming_threshold`",
        "its original is not in the archive. Or it was published in a way that is not looked for: see there, "
        "then raise the threshold",
    ),
    "degenerate_hash": ReasonWords(
        "unmatched",
        "the JPEG is (nearly) empty or clipped, so that its hash says nothing",
        "check by eye",
    ),
}
