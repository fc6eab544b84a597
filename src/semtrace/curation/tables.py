"""The tables of the curation stages and their columns."""

from __future__ import annotations

VOLUMES = (
    "dataset", "path", "kind", "format", "bytes", "digest", "shape_z", "shape_y", "shape_x", "dtype",
    "voxel_z_nm", "voxel_y_nm", "voxel_x_nm", "voxel_source", "voxel_note", "sign", "range_rule", "level",
    "licence", "experiment", "duplicate_of", "part", "ratio_z", "ratio_y", "ratio_x", "content",
)  # fmt: skip
IMAGES = (
    "dataset", "number", "path", "md5", "width", "height", "mode", "range_rule", "pixel_size_m", "bar_rows",
    "output_path",
)  # fmt: skip
SECTIONS = ("dataset", "axis", "index", "height", "width", "pixel_row_nm", "pixel_column_nm")
RAW = (
    "name", "axis", "index", "y0", "y1", "x0", "x1", "valid_h", "valid_w", "dhash", "structure", "noise",
    "mode_fraction", "saturated", "gate",
)  # fmt: skip
DEDUPLICATED = (*RAW, "exemplar", "distance", "members", "md5")
CROPPED = ("dataset", "kind", "sections", "pixels", "pixels_lost", "patches", "gated")
DATASETS = ("dataset", "group", "patches", "gated", "exemplars", "removed")
ACROSS = ("name_a", "name_b", "distance", "inverted", "same_pixels")
FILE_LIST = ("name", "dataset", "path")
SIDECAR = ("path", "licence", "experiment")
"""Columns of the optional datasets.csv that a person lays among the volumes."""
