"""The stages of discovery, in the order in which they run."""

from __future__ import annotations

from semtrace.stage.declaration import Stage

_HERE = "semtrace.discovery"

STAGES = (
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
        "finetune",
        f"{_HERE}.finetune",
        "learn the known categories from features, by a linear head or all layers",
        params=("finetune",),
        inputs=("published",),
        reads=("features",),
        writes=("finetune",),
    ),
    Stage(
        "predict",
        f"{_HERE}.predict",
        "say the category of every image with its probability",
        reads=("features", "finetune"),
        writes=("predict",),
    ),
    Stage(
        "dimension",
        f"{_HERE}.dimension",
        "the intrinsic dimension of every feature set",
        params=("dimension",),
        reads=("features", "finetune"),
        writes=("dimension",),
    ),
    Stage(
        "reduce",
        f"{_HERE}.reduce",
        "features in few columns: principal components or an autoencoder",
        params=("reduce",),
        reads=("features", "finetune"),
        writes=("reduce",),
    ),
    Stage(
        "distances",
        f"{_HERE}.distances",
        "how well distances follow the known categories",
        params=("distances",),
        reads=(
            "features",
            "finetune",
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
            "finetune",
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
            "predict",
            "cluster",
            "agree",
            "inventory",
            "match",
        ),
        writes=("discover",),
    ),
)
