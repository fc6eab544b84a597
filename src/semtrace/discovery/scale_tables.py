"""The columns of the tables of flat, scale, subset and validate_scale."""

FLAT = ("md5", "tiff_path", "jpeg_md5", "width", "height", "duplicate_group", "left_out_for")
COUNTS = ("what", "kind", "files")
SETS = (
    "set", "categories", "files", "contents", "not_found", "reencoded", "contents_in_conflict", "files_in_conflict",
)  # fmt: skip
LABELS = ("md5", "category", "subcategory", "sets", "how", "files")
LABEL_CONFLICTS = ("md5", "categories", "files")
JPEG_ONLY = ("set", "path", "md5", "category", "subcategory")
SCALE = (
    "path", "md5", "width", "height", "status", "pixel_size_m", "pixel_size_source",
    "bar_text", "bar_value_m", "bar_px", "bar_box", "bar_convention",
    "tag_pixel_size_m", "tag_source", "printed_width_m", "printed_pixel_size_m", "magnification", "ratio",
    "stripe_top", "stripe_level", "instrument", "detail",
)  # fmt: skip
TIMINGS = ("path", "seconds")
CORRECTIONS = ("md5", "pixel_size_m", "who", "when")
SUBSET = ("subset", "path", "md5", "bar_value_m", "pixel_size_m", "category")
"""Of ``subset.csv``."""
SCALE_TRUTH = ("file", "pixel_size_m", "scale_bar_m", "instrument")
WRONG = ("path", "instrument", "what", "said", "truth", "status", "detail")
BY_INSTRUMENT = (
    "instrument", "images", "with_bar", "stripe_not_detected", "not_read", "bar_not_found", "conflict",
    "value_right", "value_wrong", "value_right_low", "value_right_high",
    "pixel_size_known", "pixel_size_right", "pixel_size_wrong", "agreed", "agreed_wrong", "answer_without_bar",
)  # fmt: skip
