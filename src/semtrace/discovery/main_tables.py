"""The tables of the main job that discovery reads, with the columns that it needs."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

MAIN_INVENTORY = Table(
    "inventory.csv",
    1,
    (
        Column("path", "text", "the file"),
        Column("md5", "text", "of its bytes"),
        Column("width", "integer", "columns of the picture", "pixels"),
        Column("height", "integer", "rows of the picture", "pixels"),
        Column("duplicate_of", "text", "empty for a keeper; else the first file by path with the very same bytes"),
    ),
)
MAIN_CONVERTED = Table(
    "converted.csv",
    1,
    (Column("path", "text", "the TIFF"), Column("jpeg_md5", "text", "of the JPEG's bytes")),
)
MAIN_GROUPS = Table(
    "groups.csv",
    1,
    (
        Column("side", "text", "`tiff` or `jpeg`"),
        Column("md5", "text", "of the file's bytes"),
        Column("group", "text", "the group it is in"),
    ),
)
MAIN_HASHES = Table("hashes.csv", 1, (Column("path", "text", "the file"), Column("md5", "text", "of its bytes")))
MAIN_JPEG_TO_TIFF = Table(
    "jpeg_to_tiff.csv",
    1,
    (
        Column("jpeg_path", "text", "the published image"),
        Column("matched_tiff_path", "text", "the original that it was traced to"),
        Column("decision", "text", "`matched`, `ambiguous` or `unmatched`"),
        Column("evidence", "text", "what the decision rests on"),
    ),
)
