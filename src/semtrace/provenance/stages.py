"""The stages of the main pipeline, in the order in which they run."""

from __future__ import annotations

from semtrace.stage.declaration import Stage

_HERE = "semtrace.provenance"

STAGES = (
    Stage(
        "inventory",
        f"{_HERE}.inventory",
        "list every file of the archive: images, duplicates, rejects with reasons",
        params=("dataset.exclude",),
        inputs=("archive",),
        writes=("inventory",),
    ),
    Stage(
        "convert",
        f"{_HERE}.convert",
        "make one JPEG per unique TIFF",
        params=("convert",),
        inputs=("archive",),
        reads=("inventory",),
        writes=("convert",),
    ),
    Stage(
        "fingerprint",
        f"{_HERE}.fingerprint",
        "compute md5 and perceptual hash of every image of one side",
        params=("hash", "fingerprint", "dataset.exclude", "labels.depth"),
        inputs=("archive", "published"),
        reads=("inventory",),
        writes=("fingerprint/tiff", "fingerprint/jpeg"),
    ),
    Stage(
        "match",
        f"{_HERE}.match",
        "trace JPEGs to TIFFs and TIFFs to JPEGs",
        params=("match",),
        inputs=("archive", "published", "known", "verdicts"),
        reads=("convert/converted.csv", "fingerprint/jpeg", "fingerprint/tiff"),
        writes=("match",),
    ),
    Stage(
        "deduplicate",
        f"{_HERE}.deduplicate",
        "find copies and frames of one field; split for training and testing",
        params=("deduplicate", "labels.depth"),
        inputs=("archive", "published", "known", "verdicts"),
        reads=("fingerprint/jpeg", "fingerprint/tiff", "inventory", "match"),
        writes=("deduplicate",),
    ),
    Stage(
        "label",
        f"{_HERE}.label",
        "place a labelled copy of every traced TIFF",
        params=("labels", "label", "match.hamming_threshold", "hash"),
        inputs=("archive", "known", "verdicts", "subcategories"),
        reads=("fingerprint/jpeg", "fingerprint/tiff", "match"),
        writes=("label",),
    ),
    Stage(
        "validate",
        f"{_HERE}.validate",
        "measure the mapping: metrics.json and accuracy_report.txt",
        params=("hash", "dataset.exclude", "labels.depth", "match.geometry"),
        inputs=("archive", "published", "known", "verdicts"),
        reads=(
            "convert", "deduplicate", "fingerprint/jpeg", "fingerprint/tiff", "inventory", "label", "match",
        ),
        writes=("validate",),
        rejects=False,
    ),
    Stage(
        "plot",
        f"{_HERE}.plot",
        "draw what became of all files, the histograms and the plot by row",
        params=("match", "hash", "labels.depth"),
        reads=("fingerprint/jpeg", "fingerprint/tiff", "inventory", "label", "match"),
        writes=("plot",),
        rejects=False,
    ),
)  # fmt: skip

WITH_REJECTS = tuple(folder for stage in STAGES if stage.rejects for folder in stage.writes)
"""Folders of results that have a table of rejects; validate counts them, and release reads them."""
