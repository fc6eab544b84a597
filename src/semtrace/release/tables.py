"""The tables inside a release."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

MANIFEST = Table(
    "manifest.csv",
    1,
    (
        Column("path", "text", "the picture, below the root of the release: `data/<split>/<Category>/L<n>_<md5>.jpg`"),
        Column("sha256", "text", "of its bytes"),
        Column("md5", "text", "of its bytes"),
        Column("bytes", "integer", "size of the file", "bytes"),
        Column("width", "integer", "columns, pixels", "pixels"),
        Column("height", "integer", "rows, pixels", "pixels"),
        Column("label", "text", "number of the category in the vocabulary: `L0`, `L1`, …"),
        Column(
            "category",
            "text",
            "what the picture shows: the category of its original, or of its folder where it has none",
        ),
        Column("split", "text", "part for training and testing; pictures of one duplicate group are in one part"),
        Column("phash", "text", "perceptual hash, hexadecimal as ImageHash prints it"),
        Column(
            "duplicate_group",
            "text",
            "pictures of one field of view, copies among them, have one group, named as in `groups.csv`",
        ),
        Column("published_path", "text", "the picture in the published set"),
        Column(
            "source_path",
            "text",
            "its original in the archive, named as `release.source_paths` says: `<md5>.tif`, the file's name, or its "
            "path; empty if it is not matched",
        ),
        Column("source_md5", "text", "of the original's bytes"),
        Column(
            "source_file",
            "text",
            "the original itself, below the root of the release: `originals/<Category>/L<n>_<md5>.tif`; empty where "
            "originals are not inside",
        ),
        Column("source_sha256", "text", "of the original's bytes, where it is inside"),
        Column("source_bytes", "integer", "size of the original, where it is inside", "bytes"),
        Column("decision", "text", "how it was traced: `matched`, `ambiguous` or `unmatched`"),
        Column(
            "evidence",
            "text",
            "the strongest evidence for its original, as in `jpeg_to_tiff.csv`; empty if it is not matched",
        ),
        Column(
            "pixel_size_m",
            "number",
            "metres per pixel of this picture, from its original's own tag and the ratio of the widths. Empty "
            "where there is no tag, or where the picture may not show the whole width",
            "metres",
        ),
        Column("licence", "text", "SPDX identifier"),
        Column("top_category", "text", "the category; in a vocabulary of two levels the one above it"),
        Column("subcategory", "text", "the level below `top_category`, as in `labels.csv`; empty where there is none"),
    ),
)
FIRST_COLUMNS = tuple(name for name in MANIFEST.names if name not in ("top_category", "subcategory"))
"""The columns of the manifest of every release; the others came later."""
METADATA = Table(
    "metadata.csv",
    1,
    (
        Column("file_name", "text", "the picture, below the folder of its part: `<Category>/L<n>_<md5>.jpg`"),
        Column("label", "text", "the category"),
        Column("evidence", "text", "as in `manifest.csv`; `none` if it is not matched"),
        Column("pixel_size_m", "number", "as in `manifest.csv`", "metres"),
        Column("width", "integer", "columns, pixels", "pixels"),
        Column("height", "integer", "rows, pixels", "pixels"),
        Column("duplicate_group", "text", "as in `manifest.csv`, after the word `group`"),
    ),
)
"""What viewers show beside a picture. Readers guess kinds, so a text is never empty and never a number."""
LEFT_OUT = Table(
    "left_out.csv",
    1,
    (
        Column("published_path", "text", "the picture"),
        Column("reason", "text", "a code from the list below"),
        Column("detail", "text", "the stage's own reason, the original, or the picture that is inside instead"),
    ),
)
COUNTS = Table(
    "counts.csv",
    1,
    (
        Column("category", "text", "of the pictures"),
        Column("split", "text", "part for training and testing"),
        Column("pictures", "integer", "how many there are of both"),
    ),
)
COLUMNS = Table(
    "columns.csv",
    1,
    (
        Column("column", "text", "of `manifest.csv`"),
        Column("meaning", "text", "of its cells"),
    ),
)
CHANGES = Table(
    "changes.csv",
    1,
    (
        Column(
            "kind",
            "text",
            "what happened to the picture since the previous release: `added`, `removed`, `relabelled`, `re-encoded`, "
            "`retraced` or `moved`; or to an original: `original added`, `original removed`",
        ),
        Column("old_path", "text", "in the previous release; empty if it is new"),
        Column("new_path", "text", "in this release; empty if it is gone"),
    ),
)
PATCH_LICENCES = Table(
    "licences.csv",
    1,
    (
        Column("dataset", "text", "a dataset of patches"),
        Column("licence", "text", "its licence"),
        Column("patches", "integer", "how many patches of it are inside"),
    ),
)
