"""The stages of curation, in the order in which they run; their verbs are ``semtrace curate <stage>``.

What a job gives them: ``archive`` is the folder of volumes, ``published`` that of 2D images, ``known`` what is known of
generated patches, ``verdicts`` a person's labels; ``params`` are ``curation.settings.Settings``.
"""

from __future__ import annotations

from semtrace.stage.declaration import Stage

_HERE = "semtrace.curation"

STAGES = (
    Stage(
        "curate import",
        f"{_HERE}.import_volumes",
        "list volumes, stacks, videos and folders of sections, with size, voxel and rule to grey",
        params=("curation.import",),
        inputs=("volumes",),
        writes=("import",),
    ),
    Stage(
        "curate clean",
        f"{_HERE}.clean",
        "make 2D images 8-bit single-channel TIFFs",
        params=("curation.clean",),
        inputs=("images",),
        reads=("import",),
        writes=("clean",),
    ),
    Stage(
        "curate section",
        f"{_HERE}.section",
        "list the sections that are cut, on the planes whose voxels are square",
        params=("curation.import", "curation.section"),
        reads=("import",),
        writes=("section",),
    ),
    Stage(
        "curate crop",
        f"{_HERE}.crop",
        "list every patch with its hash and measures: the Raw dataset",
        params=("curation.import", "curation.crop"),
        inputs=("volumes",),
        reads=("import", "clean", "section"),
        writes=("raw",),
    ),
    Stage(
        "curate deduplicate",
        f"{_HERE}.deduplicate",
        "keep one of patches that are alike: the Deduplicated dataset",
        params=("curation.import", "curation.deduplicate"),
        inputs=("volumes",),
        reads=("import", "clean", "raw"),
        writes=("deduplicated",),
    ),
    Stage(
        "curate train",
        f"{_HERE}.train",
        "learn which patches are informative, from these patches, empty ones made of them, and labels",
        params=("curation.import", "curation.train"),
        inputs=("volumes", "verdicts"),
        reads=("import", "clean", "deduplicated"),
        writes=("train",),
    ),
    Stage(
        "curate classify",
        f"{_HERE}.classify",
        "keep what is informative, the cheapest way first: the Filtered dataset",
        params=("curation.import", "curation.classify"),
        inputs=("volumes", "verdicts"),
        reads=("import", "clean", "deduplicated", "train"),
        writes=("filtered",),
    ),
    Stage(
        "curate reconstruct",
        f"{_HERE}.reconstruct",
        "cut subvolumes around kept patches",
        params=("curation.import", "curation.reconstruct"),
        inputs=("volumes",),
        reads=("import", "clean", "deduplicated", "filtered"),
        writes=("reconstruct",),
    ),
    Stage(
        "curate show",
        f"{_HERE}.show",
        "show the funnel, sheets, maps and histograms as a page",
        params=("curation.import", "curation.crop.min_structure", "curation.deduplicate.distance", "curation.show"),
        inputs=("volumes",),
        reads=("import", "clean", "deduplicated", "train", "filtered"),
        writes=("show",),
        rejects=False,
    ),
)
