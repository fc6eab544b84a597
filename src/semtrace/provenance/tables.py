"""The tables that the stages of the main job write, but for their rejects."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

INVENTORY = Table(
    "inventory.csv",
    1,
    (
        Column("path", "text", "the file"),
        Column("bytes", "integer", "its size", "bytes"),
        Column("md5", "text", "of its bytes, 32 hexadecimal digits"),
        Column("format", "text", "what the bytes are, whatever the name says: TIFF, JPEG, PNG or BMP"),
        Column(
            "mode",
            "text",
            "pixel layout as Pillow names it: `L` grey, `P` palette, `RGB`, `I;16` 16-bit grey, `F` float, …",
        ),
        Column("bit_depth", "integer", "bits per sample", "bits"),
        Column("width", "integer", "columns of the picture, pixels", "pixels"),
        Column("height", "integer", "rows of the picture, pixels", "pixels"),
        Column(
            "pages",
            "integer",
            "pages in the file; which is the picture is said below the table, and `rule` in `converted.csv` names it",
        ),
        Column(
            "pixel_size_m",
            "number",
            "width of a pixel of the picture in metres, as the instrument wrote it, or scaled as the source says",
            "metres",
        ),
        Column(
            "pixel_size_source",
            "text",
            "the tag and the entry that the pixel size comes from; `unused: …` and why, where it is not that of this "
            "picture",
        ),
        Column(
            "instrument",
            "text",
            "what the vendor's tags (Zeiss, FEI/Thermo Fisher, Olympus SIS) call the instrument",
        ),
        Column("duplicate_of", "text", "empty for a keeper; else the first file by path with the very same bytes"),
    ),
)
CONVERTED = Table(
    "converted.csv",
    1,
    (
        Column("path", "text", "the TIFF"),
        Column("md5", "text", "of the TIFF's bytes"),
        Column(
            "jpeg_path",
            "text",
            "its JPEG, relative to `images/`; tree layout: the archive's folders, flat layout: `<md5>.jpg`. Names "
            "that would collide on some file system get eight digits of the md5",
        ),
        Column("jpeg_md5", "text", "of the JPEG's bytes"),
        Column("rule", "text", "how the picture became 8-bit grey, see below"),
    ),
)
HASHES = Table(
    "hashes.csv",
    1,
    (
        Column("file", "text", "name without folder"),
        Column("path", "text", "the image"),
        Column(
            "phash",
            "text",
            "perceptual hash of the full frame after grey, equalize and autocontrast, hexadecimal as ImageHash prints "
            "it",
        ),
        Column("md5", "text", "of the file's bytes"),
        Column("algorithm", "text", "name of the hash, such as `phash32-equalize-autocontrast`"),
        Column("bytes", "integer", "size of the file", "bytes"),
        Column("phash_content", "text", "TIFFs with a data bar: hash of the picture above the bar"),
        Column("bar_top", "integer", "TIFFs with a data bar: its first row, counted from 0", "pixels"),
        Column("content_id", "text", "identifies the grey pixels; equal for files of one content"),
        Column("picture_id", "text", "the same for the pixels above the data bar"),
        Column("width", "integer", "columns, pixels", "pixels"),
        Column("height", "integer", "rows, pixels", "pixels"),
        Column(
            "health",
            "text",
            "`ok`, or `degenerate`: far from half of the bits are set, as for empty or clipped pictures. Such a "
            "hash is near to anything flat and is never matched",
        ),
        Column("rule", "text", "how the picture became 8-bit grey, as in `converted.csv`"),
    ),
)
HASHES_ALONE: tuple[str, ...] = ("path", "phash")  # enough of a hash table where there are no images
JPEG_TO_TIFF = Table(
    "jpeg_to_tiff.csv",
    1,
    (
        Column("jpeg_path", "text", "the published image"),
        Column(
            "matched_tiff_path",
            "text",
            "its original (the keeper, if there are copies). If ambiguous: the best candidate, for a person to "
            "look at. If unmatched: empty",
        ),
        Column(
            "hamming_distance",
            "integer",
            "bits between the hashes; for a TIFF with a data bar the nearer of its two hashes. Without any candidate: "
            "to the nearest TIFF",
            "bits",
        ),
        Column(
            "ssim_value",
            "number",
            "SSIM with that TIFF, -1 to 1, data bar left out; empty where it was not computed",
        ),
        Column("used_ssim", "boolean", "`True` where SSIM was computed, else `False`"),
        Column("decision", "text", "`matched`, `ambiguous` or `unmatched`"),
        Column("evidence", "text", "the strongest evidence found, see below; empty where there was no candidate"),
        Column(
            "margin",
            "number",
            "lead over the runner-up: in SSIM where both have one, else in bits; empty without a runner-up to compare "
            "with",
        ),
        Column(
            "runner_up_path",
            "text",
            "the next best original with another picture. If unmatched: the nearest or most alike TIFF, which is not "
            "good enough",
        ),
        Column(
            "correlation",
            "number",
            "high-pass correlation with that TIFF at 256 pixels, -1 to 1, data bar left out; empty where it was not "
            "needed",
        ),
        Column(
            "symmetry",
            "text",
            "how the original was turned or mirrored before it was published: `identity`, or more with "
            "`match.geometry=true` (quarter turns counter-clockwise, mirroring first). `negative` stands before "
            "it where its grey levels were inverted. Empty where nothing matched",
        ),
        Column(
            "crop",
            "text",
            "where only a part of the original was published: that part, as width x height + left + top in pixels"
            " of the original; else empty. Some pixels cut off are always found, smaller parts with "
            "`match.geometry=true`",
        ),
        Column(
            "place",
            "text",
            "with `match.geometry=true`, where the picture stands on a page with blank margins: as `crop`, in "
            "pixels of the published image; else empty",
        ),
        Column(
            "angle",
            "number",
            "with `match.geometry=full`, where the picture was found in another framing: by how much the rows of the "
            "original were turned counter-clockwise; else empty",
            "degrees",
        ),
        Column(
            "scale",
            "number",
            "in these rows, how many pixels of the published image are one of the original, along a side; else empty",
        ),
        Column(
            "agreement",
            "number",
            "part of the frame in which it agrees with that TIFF, block by block, 0 to 1. Empty where it was not "
            "needed, or too little has structure",
        ),
        Column(
            "level",
            "text",
            "if matched: `frame` or `field`; else empty. `frame` is this very exposure (proven, or its detail "
            "agrees). `field` is this place in this framing, while the exposure cannot be told",
        ),
        Column(
            "candidates",
            "integer",
            "how many originals of different content are nearer than `match.hamming_threshold`",
        ),
        Column("reason", "text", "a code from the list below"),
    ),
)
PANELS = Table(
    "panels.csv",
    1,
    (
        Column("jpeg_path", "text", "the published page"),
        Column("place", "text", "where the picture stands on it, as width x height + left + top in its pixels"),
        Column("matched_tiff_path", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column(
            "hamming_distance",
            "integer",
            "as in `jpeg_to_tiff.csv`, of this picture; empty without a candidate",
            "bits",
        ),
        Column("ssim_value", "number", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("decision", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("evidence", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("margin", "number", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("runner_up_path", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("correlation", "number", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("symmetry", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("crop", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("agreement", "number", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("level", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
        Column("reason", "text", "as in `jpeg_to_tiff.csv`, of this picture"),
    ),
)
TIFF_TO_JPEG = Table(
    "tiff_to_jpeg.csv",
    1,
    (
        Column("TIFF_file", "text", "name without folder"),
        Column("TIFF_path", "text", "the original"),
        Column("JPEG_file", "text", "name of its published image, without folder; only if matched or ambiguous"),
        Column("JPEG_path", "text", "its published image; only if matched or ambiguous"),
        Column(
            "hamming_distance",
            "integer",
            "bits between the two; unmatched: to the image that came nearest to being its own",
            "bits",
        ),
        Column("ssim_value", "number", "SSIM of the two, data bar left out; empty where it was not computed"),
        Column("used_ssim", "boolean", "`True` where SSIM was computed, else `False`"),
        Column("decision", "text", "that of the JPEG, if this TIFF is its best candidate; else `unmatched`"),
        Column("evidence", "text", "as in `jpeg_to_tiff.csv`"),
        Column("margin", "number", "as in `jpeg_to_tiff.csv`"),
        Column("runner_up_path", "text", "the next JPEG for which this TIFF was a candidate"),
        Column("nearest_hamming", "integer", "bits between full-frame hashes to the nearest JPEG of all", "bits"),
        Column(
            "nearest_paths",
            "text",
            "the JPEGs nearest to it, all at the smallest distance, separated by a vertical bar; empty if none is "
            "nearer than `match.hamming_threshold`",
        ),
        Column("reason", "text", "a code from the list below"),
    ),
)
GROUPS = Table(
    "groups.csv",
    1,
    (
        Column("path", "text", "the file; TIFFs are in the archive, JPEGs in the published set"),
        Column("side", "text", "`tiff` or `jpeg`: archive or published set"),
        Column("md5", "text", "of its bytes"),
        Column(
            "group",
            "text",
            "names the group: 16 digits that follow from its contents alone, so they stay when files are renamed "
            "or unrelated files come. With `deduplicate.scope=within` a group is one side's: take `side` and "
            "`group` together",
        ),
        Column("size", "integer", "files in the group"),
        Column(
            "keeper",
            "text",
            "the file of the group to keep: an original before a published image, then most pixels, then a known "
            "pixel size. Then grey before colour, most bits a sample, and the first by path",
        ),
        Column(
            "linked_to",
            "text",
            "the file that this one is linked to: the keeper where there is a direct link, else the next on the "
            "way to it. Empty for the keeper",
        ),
        Column("evidence", "text", "the evidence of this link, see below; empty for the keeper"),
        Column(
            "hamming",
            "integer",
            "bits between the nearest hashes of the two (a TIFF with a data bar has two)",
            "bits",
        ),
        Column(
            "correlation",
            "number",
            "high-pass correlation of the two, -1 to 1, where they lie best on each other; empty where it was not "
            "needed",
        ),
        Column(
            "drift",
            "number",
            "displacement of one against the other, in parts of the width; empty where it was not needed",
        ),
        Column("keeper_hamming", "integer", "bits to the keeper", "bits"),
        Column("diameter", "integer", "of the group: most bits between any two files of it", "bits"),
        Column(
            "lowest_correlation",
            "number",
            "of the group: the weakest link by correlation; empty where there is none",
        ),
        Column(
            "health",
            "text",
            "`ok`, or `degenerate`: empty or clipped, also if only above its data bar; such a file is grouped with "
            "its exact copies alone",
        ),
        Column(
            "split",
            "text",
            "the part that the group belongs to: `train`, `validation` or `test`, or as in `deduplicate.splits`",
        ),
    ),
)
LABELS = Table(
    "labels.csv",
    1,
    (
        Column("tiff_path", "text", "the TIFF"),
        Column(
            "category",
            "text",
            "the category that all JPEGs traced to it name, or that the rule for conflicts or a person named. With "
            "`label.conflicts=keep_all` a TIFF has a row for each of its categories",
        ),
        Column("label", "text", "its number in the vocabulary, `L0`, `L1`, …"),
        Column("jpeg_path", "text", "the first of the JPEGs traced to it"),
        Column("output_path", "text", "the labelled copy, relative to `images/`"),
        Column("status", "text", "a code from the list below"),
        Column(
            "detail",
            "text",
            "a remark: renamed because of an equal name, copy of which keeper, published under which categories and "
            "settled by which rule",
        ),
        Column("top_category", "text", "the category; in a vocabulary of two levels the one above it"),
        Column(
            "subcategory",
            "text",
            "the level below `top_category`: the category in a vocabulary of two levels, else the sub-category "
            "that `subcategories.csv` has for its content. Empty where there is none, or where two contradict "
            "each other",
        ),
    ),
)
CONFLICTS = Table(
    "conflicts.csv",
    1,
    (
        Column("kind", "text", "a code from the list below"),
        Column(
            "content",
            "text",
            "the original's path where the JPEGs were traced to one; else the `content_id` of the JPEGs (of hash "
            "tables alone: digits and hash). Or the digits, or the md5, that the row is about",
        ),
        Column("categories", "text", "the categories, separated by a vertical bar"),
        Column("files", "text", "the published images, separated by a vertical bar"),
        Column(
            "resolution",
            "text",
            "`excluded`: such an image gets no label; else the categories it is labelled with; `kept apart`; "
            "`without effect`",
        ),
        Column(
            "rule",
            "text",
            "the rule that led to it: that of `label.conflicts`, or `verdict` where a person named the category",
        ),
    ),
)
ACCURACY_BY_CATEGORY = Table(
    "accuracy_by_category.csv",
    1,
    (
        Column("category", "text", "folder of the published set"),
        Column("jpegs", "integer", "its JPEGs"),
        Column("matched", "integer", "how many are matched"),
        Column("ambiguous", "integer", "how many are ambiguous"),
        Column("unmatched", "integer", "how many are unmatched"),
        Column("excellent", "integer", "matches with SSIM above 0.95"),
        Column("good", "integer", "matches with SSIM 0.85 to 0.95"),
        Column("acceptable", "integer", "matches with SSIM 0.70 to 0.85"),
        Column("problematic", "integer", "matches with SSIM below 0.70"),
        Column("mean_ssim", "number", "of the matches"),
        Column("mean_hamming", "number", "of the matches, bits", "bits"),
        Column("precision", "number", "right matches / all matches, of JPEGs with known truth"),
        Column("recall", "number", "right matches / JPEGs whose original is in the archive"),
        Column("wrong", "integer", "wrong matches"),
    ),
)
MATCHED_BY_HAMMING = Table(
    "matched_by_hamming.csv",
    1,
    (
        Column("hamming_distance", "integer", "a distance in steps of 4", "bits of 1024"),
        Column("matched", "integer", "matches at most so far from their original"),
    ),
)
MATCHED_BY_SSIM = Table(
    "matched_by_ssim.csv",
    1,
    (
        Column("ssim_value", "number", "0 to 1 in steps of 0.01"),
        Column("matched", "integer", "matches with at least this SSIM"),
    ),
)
WRONG_MATCHES = Table(
    "wrong_matches.csv",
    1,
    (
        Column("jpeg_path", "text", "the published image"),
        Column("matched_tiff_path", "text", "the original that it was traced to"),
        Column("true_tiff_path", "text", "the original that the truth names; empty if there is none in the archive"),
        Column("hamming_distance", "integer", "as in `jpeg_to_tiff.csv`", "bits"),
        Column("ssim_value", "number", "as in `jpeg_to_tiff.csv`"),
        Column("margin", "number", "as in `jpeg_to_tiff.csv`"),
        Column("reason", "text", "as in `jpeg_to_tiff.csv`"),
    ),
)
FUNNEL = Table(
    "funnel.csv",
    1,
    (
        Column("side", "text", "`tiff` or `jpeg`: archive or published set"),
        Column("step", "text", "`files`, `images`, `contents`, `traced` or `labelled`; equal pictures are one content"),
        Column(
            "reason",
            "text",
            "empty: what is left after the step. Else why something went: a reason of `rejects.csv`, `copy`, "
            "`not_chosen`, `not_published`, `ambiguous`, `unmatched`, or the status of its label",
        ),
        Column("count", "integer", "how many: of the step before as many as are left and went"),
    ),
)
OUTCOMES_BY_CATEGORY = Table(
    "outcomes_by_category.csv",
    1,
    (
        Column("category", "text", "folder of the published set"),
        Column("matched", "integer", "its images that are matched"),
        Column("ambiguous", "integer", "its images that are ambiguous"),
        Column("unmatched", "integer", "its images that are unmatched"),
    ),
)
