"""What the help of `semtrace` and of each verb says beside the options: groups, examples, what is read and written."""

from __future__ import annotations

import argparse
from collections.abc import Generator, Mapping
from typing import NamedTuple

from semtrace.stage.declaration import Stage

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Start": ("init", "run", "repro", "find", "doctor", "completion"),
    "See and decide": ("report", "review", "verdicts"),
    "Parameters and experiments": ("params", "calibrate", "sweep", "track", "ui"),
    "Stages of the main pipeline": (
        "claim", "generate", "inventory", "convert", "fingerprint", "match", "deduplicate", "label", "validate", "plot",
    ),
    "Releases": ("release", "verify", "diff", "pack"),
    "Unique images and scales": ("flat", "scale", "subset", "validate-scale", "generate-scales"),
    "Sub-categories": (
        "features", "finetune", "predict", "dimension", "reduce", "distances", "cluster", "agree", "discover", "assign",
    ),
    "Other jobs": ("watch", "curate"),
    "Archives in shards": ("shard", "join"),
}  # fmt: skip
_WIDTH = 17  # of the names in the list of verbs


class GroupedHelp(argparse.RawDescriptionHelpFormatter):
    """Help whose verbs stand in groups at its end, not in one list."""

    def _iter_indented_subactions(self, action: argparse.Action) -> Generator[argparse.Action, None, None]:
        yield from ()


class VerbWords(NamedTuple):
    """Of one verb: an example, what it reads, what it writes; empty: as its declaration as a stage says."""

    example: str
    reads: str = ""
    writes: str = ""


_RESULTS, _PROJECT = "the tables in data/work/", "conf/, params.yaml"
WORDS: Mapping[str, VerbWords] = {
    "init": VerbWords("semtrace init mine --archive /path/to/tiffs --published /path/to/jpegs",
                      "nothing; the folders of images are only named", "the new folder"),
    "run": VerbWords("semtrace run dataset=archive match.min_ssim=0.8", f"{_PROJECT}, the folders of images",
                     "data/work/, and params.yaml where words like these are given"),
    "repro": VerbWords("semtrace repro dataset=archive", f"{_PROJECT}, dvc.yaml, the folders of images",
                       "params.yaml, data/work/, dvc.lock, a run in MLflow"),
    "find": VerbWords("semtrace find figure3.png ~/screenshot.png --json", f"the pictures, the originals, {_RESULTS}",
                      "nothing but what the side cache remembers"),
    "doctor": VerbWords("semtrace doctor --sample 200", f"{_PROJECT}, {_RESULTS}, what is installed", "nothing"),
    "completion": VerbWords("semtrace completion bash > ~/.local/share/bash-completion/completions/semtrace", "nothing",
                            "nothing; the script is printed"),
    "review": VerbWords("semtrace review --open", f"{_RESULTS}, the images", "data/verdicts/"),
    "verdicts": VerbWords("semtrace verdicts check", "data/verdicts/", "data/verdicts/, by merge and scale"),
    "params": VerbWords("semtrace params dataset=archive", "conf/", "params.yaml, the code dependencies in dvc.yaml"),
    "calibrate": VerbWords("semtrace calibrate --precision 0.99", f"{_RESULTS}, the originals, truth.csv",
                           "data/work/calibrate/, conf/match/calibrated.yaml"),
    "sweep": VerbWords("semtrace sweep hash.size=8,16,32 match.min_ssim=0.7,0.85,0.95",
                       f"{_RESULTS}, the images, truth.csv", "data/work/sweep/, runs in MLflow"),
    "track": VerbWords("semtrace track", f"{_RESULTS}, params.yaml", "a run in MLflow"),
    "ui": VerbWords("semtrace ui --port 5001", "params.yaml, mlflow.db", "nothing"),
    "claim": VerbWords("semtrace claim", "params.yaml, data/work/dataset.json", "data/work/dataset.json"),
    "fingerprint": VerbWords("semtrace fingerprint tiff"),
    "report": VerbWords("semtrace report --single result.html"),
    "release": VerbWords("semtrace release --version 1.0.0", f"{_RESULTS}, the images, Git", "data/releases/"),
    "verify": VerbWords("semtrace verify data/releases/mine-1.0.0 --full", "the release", "nothing"),
    "diff": VerbWords("semtrace diff data/releases/mine-1.0.0 data/releases/mine-1.1.0", "both releases", "nothing"),
    "pack": VerbWords("semtrace pack data/releases/mine-1.0.0 bagit", "the release", "data/releases/"),
    "scale": VerbWords("semtrace scale --images /path/to/images --out scales"),
    "generate-scales": VerbWords("semtrace generate-scales", "params.yaml", "data/raw/scale_layouts/"),
    "features": VerbWords("semtrace features /path/to/images"),
    "discover": VerbWords("semtrace discover --within Tips"),
    "assign": VerbWords("semtrace assign /path/to/new/images", "data/work/discover/, the images", "data/work/assign/"),
    "watch": VerbWords("semtrace watch run raw --unique unique --archive archive", "the watched folder",
                       "the folders for unique and for archived pictures"),
    "curate": VerbWords("semtrace curate all /path/to/volumes", "volumes, images and videos", "data/work/curation/"),
    "shard": VerbWords("semtrace shard north", "one folder of the archive, params.yaml", "data/shards/"),
    "join": VerbWords("semtrace join", "data/shards/", "data/sharded/"),
}  # fmt: skip
_INPUTS = {
    "archive": "the archive", "published": "the published set", "known": "truth.csv", "verdicts": "verdicts.csv",
    "subcategories": "subcategories.csv",
}  # fmt: skip


def verbs_by_group(helps: Mapping[str, str]) -> str:
    """The verbs by group, as the end of `semtrace --help`.

    Args:
        helps: one line of each verb.
    """
    grouped = {name for names in GROUPS.values() for name in names}
    groups = {**GROUPS, "More": tuple(name for name in helps if name not in grouped)}
    blocks = [
        "\n".join([f"{title}:", *(f"    {name:<{_WIDTH}}{helps[name]}" for name in names if name in helps)])
        for title, names in groups.items()
        if any(name in helps for name in names)
    ]
    blocks.append(
        "`semtrace VERB --help` has the options, an example, and what is read and written.\n"
        "Stages read params.yaml, which `semtrace params` composes from conf/."
    )
    return "\n\n".join(blocks)


def verb_words(name: str, declared: Stage | None = None) -> str:
    """The end of the help of a verb: an example, what it reads and what it writes.

    Args:
        name: the verb.
        declared: the stage that it runs, where it is one.
    """
    words = WORDS.get(name, VerbWords(f"semtrace {name}"))
    reads, writes = words.reads, words.writes
    if declared is not None:
        results = [f"data/work/{path}" for path in declared.reads]
        reads = reads or ", ".join([*(_INPUTS.get(one, one) for one in declared.inputs), *results, "params.yaml"])
        writes = writes or ", ".join(f"data/work/{path}/" for path in declared.writes) or "data/raw/synthetic/"
    return f"example:\n  {words.example}\n\nreads:  {reads}\nwrites: {writes}"


def end_help(parser: argparse.ArgumentParser, name: str, declared: Stage | None = None) -> None:
    """Give the help of a verb its end."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = verb_words(name, declared)
