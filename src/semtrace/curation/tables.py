"""Schemas of the tables that the curation stages write. Parquet tables are named by their columns."""

from __future__ import annotations

from semtrace.io.schema import Column, Table

_NM = "nanometres"

VOLUMES = Table(
    "volumes.csv",
    1,
    (
        Column("dataset", "text", "name of the dataset, from the path"),
        Column("path", "text", "the file or folder, relative to the folder of volumes"),
        Column("kind", "text", "`volume`, `stack`, `folder` or `video`"),
        Column("format", "text", "what the bytes are"),
        Column("bytes", "integer", "size of the file, or of all files of a folder", "bytes"),
        Column("digest", "text", "of the bytes; for zarr of the sorted digests of its chunks"),
        Column("shape_z", "integer", "sections", "voxels"),
        Column("shape_y", "integer", "rows", "voxels"),
        Column("shape_x", "integer", "columns", "voxels"),
        Column("dtype", "text", "type of a voxel as stored"),
        Column("voxel_z_nm", "number", "size of a voxel along z; empty where the header does not say", _NM),
        Column("voxel_y_nm", "number", "size of a voxel along y", _NM),
        Column("voxel_x_nm", "number", "size of a voxel along x", _NM),
        Column("voxel_source", "text", "where the voxel size comes from"),
        Column("voxel_note", "text", "a remark on it, such as a negative size in the header"),
        Column("sign", "text", "of MRC mode 0: `signed` or `unsigned`, and whether it was guessed"),
        Column("range_rule", "text", "how voxels became 8-bit grey"),
        Column("level", "text", "resolution level of OME-Zarr"),
        Column("licence", "text", "from datasets.csv"),
        Column("experiment", "text", "from datasets.csv"),
        Column("duplicate_of", "text", "the first dataset with the same voxels; empty for that one"),
        Column("part", "text", "the part of a file that holds several volumes"),
        Column("ratio_z", "number", "relative size of a voxel along z, known or not in nanometres"),
        Column("ratio_y", "number", "relative size of a voxel along y"),
        Column("ratio_x", "number", "relative size of a voxel along x"),
        Column("content", "text", "digest of the 8-bit voxels"),
    ),
)
IMAGES = Table(
    "images.csv",
    1,
    (
        Column("dataset", "text", "the folder of the image"),
        Column("number", "text", "number of the image in its dataset, with leading zeros"),
        Column("path", "text", "the image, relative to the folder of images"),
        Column("md5", "text", "of its bytes"),
        Column("width", "integer", "columns", "pixels"),
        Column("height", "integer", "rows, without the data bar where it was cut off", "pixels"),
        Column("mode", "text", "pixel layout as stored"),
        Column("range_rule", "text", "how it became 8-bit grey"),
        Column("pixel_size_m", "number", "width of a pixel, as the instrument wrote it", "metres"),
        Column("bar_rows", "integer", "rows of the data bar; 0 where there is none", "pixels"),
        Column("output_path", "text", "the cleaned image, relative to `images/`"),
    ),
)
CROPPED = Table(
    "datasets.csv",
    1,
    (
        Column("dataset", "text", "name of the dataset"),
        Column("kind", "text", "`volume`, `stack`, `folder`, `video` or `images`"),
        Column("sections", "integer", "sections or images that were cut"),
        Column("pixels", "integer", "pixels of these", "pixels"),
        Column("pixels_lost", "integer", "pixels in no patch", "pixels"),
        Column("patches", "integer", "patches"),
        Column("gated", "integer", "patches that the gate marked as empty"),
    ),
)
DATASETS = Table(
    "datasets.csv",
    1,
    (
        Column("dataset", "text", "name of the dataset"),
        Column("group", "text", "datasets that share patches have one group"),
        Column("patches", "integer", "patches"),
        Column("gated", "integer", "patches that the gate marked as empty"),
        Column("exemplars", "integer", "patches that stay"),
        Column("removed", "integer", "patches that were removed for an exemplar"),
    ),
)
ACROSS = Table(
    "across.csv",
    1,
    (
        Column("name_a", "text", "a patch"),
        Column("name_b", "text", "a patch of another dataset"),
        Column("distance", "integer", "Hamming distance of their dHashes", "bits"),
        Column("inverted", "boolean", "whether one is the negative of the other"),
        Column("same_pixels", "boolean", "whether their pixels are equal"),
    ),
)
FILE_LIST = Table(
    "deduplicated_fpaths.csv",
    1,
    (
        Column("name", "text", "name of the patch"),
        Column("dataset", "text", "its dataset"),
        Column("path", "text", "the source that it is cut from"),
    ),
)
SIDECAR = Table(
    "datasets.csv",
    1,
    (
        Column("path", "text", "a volume, relative to the folder of volumes"),
        Column("licence", "text", "its licence"),
        Column("experiment", "text", "the experiment that it belongs to"),
    ),
)
"""The optional datasets.csv that a person lays among the volumes."""

PATCH_NAMES = Table("patches.csv", 1, (Column("name", "text", "name of a patch"),))
"""A table of patches to cut: only this column is needed."""

# Parquet
SECTIONS = ("dataset", "axis", "index", "height", "width", "pixel_row_nm", "pixel_column_nm")
RAW = (
    "name", "axis", "index", "y0", "y1", "x0", "x1", "valid_h", "valid_w", "dhash", "structure", "noise",
    "mode_fraction", "saturated", "gate",
)  # fmt: skip
DEDUPLICATED = (*RAW, "exemplar", "distance", "members", "md5")
