"""The tables of a calibration and of a sweep."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

CALIBRATION = Table(
    "calibration.csv",
    1,
    (
        Column(
            "hamming_threshold",
            "number",
            "as in `conf/match/`, bits of 1024; likewise the next four",
            "bits of 1024",
        ),
        Column("ssim_trigger", "number", "the same as the threshold, except at the current parameters", "bits of 1024"),
        Column("min_ssim", "number", "smallest SSIM of a match"),
        Column("min_correlation", "number", "smallest high-pass correlation of a match"),
        Column("min_margin", "number", "smallest lead in SSIM over another picture"),
        Column("precision", "number", "right matches / all matches; empty where nothing is matched"),
        Column("precision_low", "number", "lower bound of its 95 % Wilson interval"),
        Column("precision_high", "number", "upper bound"),
        Column("recall", "number", "right matches / trials with the original present"),
        Column("recall_low", "number", "lower bound of its 95 % Wilson interval"),
        Column("recall_high", "number", "upper bound"),
        Column("found", "integer", "original present: right matches"),
        Column("wrong_present", "integer", "original present: wrong matches"),
        Column("missed_ambiguous", "integer", "original present: ambiguous"),
        Column("missed_unmatched", "integer", "original present: unmatched"),
        Column("absent_unmatched", "integer", "original left out or absent: unmatched, which is right"),
        Column("absent_ambiguous", "integer", "original left out or absent: ambiguous"),
        Column("wrong_absent", "integer", "original left out or absent: matched, which is wrong"),
    ),
)
TRIALS = Table(
    "trials.csv",
    1,
    (
        Column("source", "text", "`truth.csv`, or `made` from the archive for this purpose"),
        Column(
            "jpeg_path",
            "text",
            "the published image; a made one is `<encoder>/<first digits of the picture_id>.jpg`",
        ),
        Column(
            "original",
            "text",
            "`present`; `left out`: everything of the same picture was taken out of the candidates; `absent`: the "
            "truth names none",
        ),
        Column("true_tiff_path", "text", "the original as the truth names it"),
        Column("outcome", "text", "`right`, `wrong`, `ambiguous` or `unmatched`"),
        Column("best_tiff_path", "text", "the best candidate"),
        Column("hamming_distance", "integer", "bits between the hashes, as in `jpeg_to_tiff.csv`", "bits"),
        Column("ssim_value", "number", "SSIM with it"),
        Column("correlation", "number", "high-pass correlation with it"),
        Column("margin", "number", "lead over the runner-up"),
        Column("reason", "text", "as in `jpeg_to_tiff.csv`"),
    ),
)
BY_ENCODER = Table(
    "by_encoder.csv",
    1,
    (
        Column("published_as", "text", "the encoder; `truth.csv` for the pictures of your published set"),
        Column("original", "text", "as in `trials.csv`"),
        Column("thresholds", "text", "`current` or `chosen`"),
        Column("proofs", "text", "`no`: by similarity alone; `yes`: as `match` decides"),
        Column("right", "integer", "files traced to their original, or one of equal picture"),
        Column("wrong", "integer", "files traced to another one"),
        Column("ambiguous", "integer", "files that are ambiguous"),
        Column("unmatched", "integer", "files that are unmatched"),
    ),
)
PAIRS = Table(
    "pairs.csv",
    1,
    (
        Column("source", "text", "as in `trials.csv`"),
        Column("jpeg_path", "text", "the published image"),
        Column("tiff_path", "text", "the original"),
        Column(
            "same_picture",
            "boolean",
            "`True` where the truth says that it is the original, or one of equal picture",
        ),
        Column("hamming_distance", "integer", "bits between the hashes", "bits"),
        Column("symmetry", "text", "as in `jpeg_to_tiff.csv`"),
        Column("ssim_value", "number", "SSIM; empty where the two are not comparable"),
        Column("correlation", "number", "high-pass correlation"),
        Column(
            "whole_frame",
            "boolean",
            "whether the published image has the whole frame of the original, data bar and all",
        ),
        Column("reencoded", "boolean", "whether the original, encoded the way the JPEG was, gives exactly its pixels"),
    ),
)
SWEEP = Table(
    "sweep.csv",
    1,
    (
        Column("point", "integer", "1, 2, …"),
        Column(
            "recommended",
            "boolean",
            "`True` for the point to use; for none where nothing is known or no point has the requested precision",
        ),
        Column("in_force", "boolean", "`True` for the parameters of the last run, which are always among the points"),
        Column("hash_size", "integer", "`hash.size`, bits along each side", "bits"),
        Column(
            "hamming_threshold",
            "number",
            "`match.hamming_threshold`, bits of 1024; likewise the following, as in conf/match/",
            "bits of 1024",
        ),
        Column("ssim_trigger", "number", "bits of 1024", "bits of 1024"),
        Column("max_candidates", "integer", "contents compared at most for one JPEG"),
        Column("reach", "number", "bits of 1024", "bits of 1024"),
        Column("min_ssim", "number", "-1 to 1"),
        Column("min_correlation", "number", "-1 to 1"),
        Column("min_margin", "number", "lead in SSIM"),
        Column("min_hamming_margin", "number", "bits of 1024", "bits of 1024"),
        Column("hash_reach", "number", "bits of 1024", "bits of 1024"),
        Column("min_mutual_margin", "number", "bits of 1024", "bits of 1024"),
        Column("geometry", "text", "`on`, `off` or `full`"),
        Column("one_to_one", "text", "`on` or `off`"),
        Column("hamming_bits", "number", "the Hamming threshold in bits of this hash", "bits"),
        Column("hamming_share", "number", "the same as a part of all bits, 0 to 1: comparable between sizes"),
        Column("matched", "integer", "JPEGs traced"),
        Column("ambiguous", "integer", "JPEGs left to a person"),
        Column("unmatched", "integer", "JPEGs without an original"),
        Column("rejected", "integer", "JPEGs that could not be compared"),
        Column("ambiguous_rate", "number", "ambiguous / all decided"),
        Column("precision", "number", "right matches / all matches; empty without matches or truth"),
        Column("precision_low", "number", "its 95 % Wilson interval"),
        Column("precision_high", "number", "upper bound"),
        Column("recall", "number", "right matches / JPEGs whose original is in the archive"),
        Column("recall_low", "number", "its 95 % Wilson interval"),
        Column("recall_high", "number", "upper bound"),
        Column("accuracy", "number", "right matches and right refusals / all of known truth"),
        Column("accuracy_low", "number", "its 95 % Wilson interval"),
        Column("accuracy_high", "number", "upper bound"),
        Column("found", "integer", "right matches"),
        Column("wrong", "integer", "wrong matches"),
        Column(
            "ssim_pairs",
            "integer",
            "pairs of images that `match` compares at this point, with the second search",
        ),
    ),
)
TIMINGS = Table(
    "timings.csv",
    1,
    (
        Column("point", "integer", "as in `sweep.csv`"),
        Column("hash_size", "integer", "as in `sweep.csv`", "bits"),
        Column("decide_s", "number", "seconds that deciding and judging this point took", "seconds"),
        Column(
            "match_s",
            "number",
            "seconds that its comparisons would take in one process without the side cache: an estimate from a dozen "
            "pictures",
            "seconds",
        ),
    ),
)
