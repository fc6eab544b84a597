"""The stages of discovery, in the order in which they run."""

from __future__ import annotations

from semtrace.stage.declaration import Stage

_HERE = "semtrace.discovery"

STAGES = (
    Stage(
        "flat",
        f"{_HERE}.flat",
        "list the unique images, TIFF and JPEG one to one, with the labels of all published sets",
        params=("dataset.sets", "dataset.exclude"),
        inputs=("archive", "published"),
        reads=(
            "convert/converted.csv",
            "deduplicate/groups.csv",
            "fingerprint/jpeg/hashes.csv",
            "inventory/inventory.csv",
            "match/jpeg_to_tiff.csv",
        ),
        writes=("flat",),
    ),
    Stage(
        "scale",
        f"{_HERE}.scale",
        "read the scale of every image: bar, tags, printed lengths",
        params=("scale",),
        inputs=("archive", "verdicts"),
        reads=("flat/flat.csv",),
        writes=("scale",),
    ),
    Stage(
        "subset",
        f"{_HERE}.subset",
        "make subsets by scale, and tables of scales by category",
        params=("subset",),
        reads=("flat/flat.csv", "flat/labels.csv", "scale/scale.csv"),
        writes=("subset",),
        rejects=False,
    ),
    Stage(
        "validate-scale",
        f"{_HERE}.validate_scale",
        "compare scale.csv with known scales",
        inputs=("known",),
        reads=("scale/scale.csv",),
        writes=("validate_scale",),
        rejects=False,
    ),
    Stage(
        "features",
        f"{_HERE}.features",
        "what encoders see in every image, its data bar cut off",
        params=("features",),
        inputs=("published",),
        reads=("deduplicate",),
        writes=("features",),
    ),
    Stage(
        "dimension",
        f"{_HERE}.dimension",
        "the intrinsic dimension of every feature set",
        params=("dimension",),
        reads=("features",),
        writes=("dimension",),
    ),
    Stage(
        "reduce",
        f"{_HERE}.reduce",
        "features in few columns: principal components or an autoencoder",
        params=("reduce",),
        reads=("features",),
        writes=("reduce",),
    ),
    Stage(
        "distances",
        f"{_HERE}.distances",
        "how well distances follow the known categories",
        params=("distances",),
        reads=(
            "features",
            "reduce",
        ),
        writes=("distances",),
    ),
    Stage(
        "cluster",
        f"{_HERE}.cluster",
        "cluster every feature set by every method",
        params=("cluster",),
        reads=("reduce",),
        writes=("cluster",),
    ),
    Stage(
        "agree",
        f"{_HERE}.agree",
        "how much every clustering agrees with the known categories",
        params=("agree",),
        inputs=("known",),
        reads=(
            "features",
            "cluster",
        ),
        writes=("agree",),
        rejects=False,
    ),
    Stage(
        "discover",
        f"{_HERE}.discover",
        "propose a tree of sub-categories, with a page to look at",
        params=("discover",),
        inputs=("published",),
        reads=(
            "features",
            "reduce",
            "inventory",
            "match",
        ),
        writes=("discover",),
    ),
)
