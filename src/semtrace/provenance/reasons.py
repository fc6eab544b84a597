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
        "look at both; `verdicts.csv` settles it",
    ),
    "ssim": ReasonWords(
        "matched",
        "alike enough by SSIM and correlation, and clearly more than any other",
        "nothing; look at the problematic tier if there is one",
    ),
    "blocks_agree": ReasonWords(
        "matched",
        "SSIM or correlation is too low, but most blocks of the frame agree (`agreement`), in place",
        "nothing; `level` tells whether the exposure is certain",
    ),
    "another_framing": ReasonWords(
        "ambiguous",
        "alike by SSIM and correlation, but displaced, or most blocks differ: another frame of the series",
        "look; the original itself may be missing",
    ),
    "panels": ReasonWords(
        "ambiguous",
        "with `match.geometry=true` or `full`: several pictures stand on the page; the first that was traced is named",
        "look at `panels.csv`, which traces each by itself; a category cannot be told for one of them",
    ),
    "hamming_only": ReasonWords(
        "matched",
        "hash tables alone: near, and clearly nearer than any other",
        "treat it as likely, not as proven",
    ),
    "nearest_both_ways": ReasonWords(
        "matched",
        "hash tables alone: less near, but no other original is as near to the picture, and no other picture "
        "to the original",
        "treat it as likely, not as proven",
    ),
    "correlation_too_low": ReasonWords(
        "ambiguous or unmatched",
        "the fine structure differs; unmatched if SSIM is low too",
        "if ambiguous, look: flat pictures are alike without being the same",
    ),
    "ssim_too_low": ReasonWords(
        "ambiguous",
        "the fine structure agrees, but SSIM is below `match.min_ssim`",
        "look; strong compression or retouching does this",
    ),
    "neither_excellent": ReasonWords(
        "ambiguous",
        "SSIM and correlation are acceptable, but neither is above 0.95: another frame of the series "
        "is, while heavy compression lowers the one and reduction the other",
        "look; the original itself may be missing",
    ),
    "runner_up_too_close": ReasonWords(
        "ambiguous",
        "a second original is (nearly) as good: frames of one series, for instance",
        "look at both; `verdicts.csv` settles it",
    ),
    "candidates_cut": ReasonWords(
        "ambiguous",
        "more candidates than `match.max_candidates`, and none excellent",
        "raise `match.max_candidates`",
    ),
    "beyond_ssim_trigger": ReasonWords(
        "ambiguous",
        "nearest at a distance from `match.ssim_trigger` to `match.hamming_threshold`, so not compared",
        "look, or raise `match.ssim_trigger`",
    ),
    "original_unreadable": ReasonWords(
        "ambiguous",
        "a candidate could not be read when it was to be compared, and no other is proven",
        "mend or bring back the file, run again",
    ),
    "not_comparable": ReasonWords(
        "ambiguous",
        "near by hash, but a crop at other edges or another aspect, or the TIFF cannot be read any more",
        "look",
    ),
    "one_to_one": ReasonWords(
        "matched",
        "with `match.one_to_one=true`: good enough by itself, and the only way to give every picture an "
        "original of its own",
        "know that the other pictures decided it",
    ),
    "original_taken": ReasonWords(
        "ambiguous",
        "with `match.one_to_one=true`: another published picture has a better claim to this original",
        "look at both; or the set is not one-to-one",
    ),
    "block_too_large": ReasonWords(
        "ambiguous",
        "with `match.one_to_one=true`: more than 200 pictures contend for the same originals",
        "`match.one_to_one=false`, or settle some of them in `verdicts.csv`",
    ),
    "no_candidate": ReasonWords(
        "unmatched",
        "no original is nearer than `match.hamming_threshold`",
        "its original is not in the archive; or it was published in a way that is not looked for: see there, then "
        "raise the threshold",
    ),
    "degenerate_hash": ReasonWords(
        "unmatched",
        "the JPEG is (nearly) empty or clipped, so that its hash says nothing",
        "look",
    ),
}
