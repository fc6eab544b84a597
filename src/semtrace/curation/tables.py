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
        Column("roi", "text", "the cube of a sampled volume that this dataset is, `z0-z1_y0-y1_x0-x1`; empty: all"),
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
        Column("licence", "text", "of its folder, from datasets.csv"),
        Column("experiment", "text", "of its folder, from datasets.csv"),
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
        Column("path", "text", "a volume or a folder of images, relative to the folder of this table; `.` is that"),
        Column("licence", "text", "its licence"),
        Column("experiment", "text", "the experiment that it belongs to"),
    ),
)
"""The optional datasets.csv that a person lays among the volumes, or the images."""

PATCH_NAMES = Table("patches.csv", 1, (Column("name", "text", "name of a patch"),))
"""A table of patches to cut: only this column is needed."""

PATCH_LABELS = Table(
    "patches.csv",
    1,
    (
        Column("md5", "text", "of the patch's pixels"),
        Column("label", "text", "`informative`, `uninformative` or `unsure`"),
        Column("name", "text", "name of the patch when it was labelled"),
        Column("who", "text", "the person who labelled it"),
        Column("when", "text", "time of the answer, UTC"),
    ),
)
FOLDS = Table(
    "folds.csv",
    1,
    (
        Column("name", "text", "a patch"),
        Column("dataset", "text", "its dataset"),
        Column("group", "text", "datasets that share patches have one group, and lie in one fold"),
        Column("fold", "integer", "the fold that it was scored in"),
        Column("kind", "text", "`assumed`, `doubted`, `label`, or the recipe by which it was emptied"),
        Column("informative", "boolean", "whether it counts as informative"),
        Column("texture", "number", "score of texture alone by a model that has not seen its fold"),
        Column("score", "number", "score of texture and network by such a model"),
    ),
)
CURVES = Table(
    "curves.csv",
    1,
    (
        Column("of", "text", "`constructed`, or `labels` of a person"),
        Column("threshold", "number", "score from which on a patch counts as informative"),
        Column("recall", "number", "share of informative patches at or above it"),
        Column("false_positive", "number", "share of empty patches at or above it"),
        Column("precision", "number", "share of informative ones among those at or above it"),
    ),
)
EPOCHS = Table(
    "epochs.csv",
    1,
    (
        Column("fold", "integer", "the fold that was not learned from; -1: all patches were"),
        Column("epoch", "integer", "from 1"),
        Column("loss", "number", "on what was learned from"),
        Column("held_loss", "number", "on the fold that decides when to end; empty where none does"),
        Column("held_auc", "number", "area under the curve on that fold"),
    ),
)
CONFUSION = Table(
    "confusion.csv",
    1,
    (
        Column("dataset", "text", "of the patches"),
        Column("informative_kept", "integer", "informative patches that score 0.5 or more when held out"),
        Column("informative_removed", "integer", "informative patches that score less"),
        Column("empty_kept", "integer", "empty patches that score 0.5 or more"),
        Column("empty_removed", "integer", "empty patches that score less"),
    ),
)
MISTAKES = Table(
    "mistakes.csv",
    1,
    (
        Column("row", "integer", "of the sheet mistakes.png, from 0"),
        Column("column", "integer", "of the sheet, from 0"),
        Column("name", "text", "name of the patch"),
        Column("kind", "text", "as in folds.csv"),
        Column("informative", "boolean", "whether it counts as informative"),
        Column("score", "number", "by a model that has not seen its fold"),
    ),
)
FILTERED = Table(
    "filtered.csv",
    1,
    (
        Column("name", "text", "name of the patch"),
        Column("dataset", "text", "its dataset"),
        Column("group", "text", "datasets that share patches have one group"),
        Column("experiment", "text", "the experiment that it belongs to, from datasets.csv of the volumes"),
        Column("score", "number", "how surely it is informative, 0 to 1"),
        Column("decided_by", "text", "`label`, `texture` or `network`"),
        Column("label", "text", "a person's label; empty where there is none"),
        Column("weight", "number", "1 / patches kept of its dataset, for fair sampling"),
        Column("split", "text", "`train`, `validation` or `test`; no group is in two"),
        Column("path", "text", "its image, relative to the folder of this table; empty where none is written"),
        Column("licence", "text", "licence of its dataset"),
        Column("pixel_row_nm", "number", "size of a pixel down the rows; empty where it is not known", _NM),
        Column("pixel_column_nm", "number", "size of a pixel along the columns", _NM),
        Column("md5", "text", "of its pixels"),
    ),
)
SUBVOLUMES = Table(
    "subvolumes.csv",
    1,
    (
        Column("name", "text", "name of the subvolume"),
        Column("dataset", "text", "the volume"),
        Column("axis", "integer", "axis of the patches that it was made of"),
        *(
            Column(f"{axis}{end}", "integer", f"{('first', 'behind the last')[end]} voxel along {axis}", "voxels")
            for axis in "zyx"
            for end in (0, 1)
        ),
        Column("shift", "integer", "sections by which it was moved inside the volume", "voxels"),
        Column("informative_share", "number", "share of its sections whose patch was kept"),
        Column("members", "text", "names of the kept patches in it, and of those like them: a JSON list"),
        Column("isotropic", "boolean", "whether the three sides of a voxel are equal to within 25 %"),
        Column("cross_plane", "boolean", "whether xz or yz sections of the volume were cut too"),
        Column("voxel_z_nm", "number", "size of a voxel along z", _NM),
        Column("voxel_y_nm", "number", "size of a voxel along y", _NM),
        Column("voxel_x_nm", "number", "size of a voxel along x", _NM),
        Column("path", "text", "the file, relative to `subvolumes/`"),
    ),
)  # fmt: skip
FUNNEL = Table(
    "funnel.csv",
    1,
    (
        Column("dataset", "text", "name of the dataset; `*` is all"),
        Column("step", "text", "`raw`, `gated`, `deduplicated`, `removed`, `unsure` or `filtered`"),
        Column("reason", "text", "why the gate stopped it, or what decided"),
        Column("patches", "integer", "patches"),
    ),
)

# Parquet
SCORES = ("name", "dataset", "score", "texture", "outcome", "decided_by", "label", "md5")
SECTIONS = ("dataset", "axis", "index", "height", "width", "pixel_row_nm", "pixel_column_nm")
RAW = (
    "name", "axis", "index", "y0", "y1", "x0", "x1", "valid_h", "valid_w", "dhash", "structure", "noise",
    "mode_fraction", "saturated", "gate",
)  # fmt: skip
DEDUPLICATED = (*RAW, "exemplar", "distance", "members", "md5")
