"""All stages of all houses by their verb, and the files that must agree with their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from semtrace.config.dvc_yaml import PIPELINES, with_code
from semtrace.discovery.stages import STAGES as DISCOVERY
from semtrace.provenance.stages import STAGES as PROVENANCE
from semtrace.report.stages import STAGES as REPORT
from semtrace.stage.declaration import Stage
from semtrace.synthetic.stages import STAGES as SYNTHETIC

MAIN = (*SYNTHETIC, *PROVENANCE, *REPORT)
BY_VERB = {stage.name: stage for stage in (*MAIN, *DISCOVERY)}
_OTHER_VERBS = {  # what a dvc.yaml also calls, and the modules that do it
    "claim": ("semtrace.stage.claim",),
    "shard": ("semtrace.provenance.sharding.shard",),
    "join": ("semtrace.provenance.sharding.join",),
    "curate generate": ("semtrace.synthetic.em_dataset",),
    "curate import": ("semtrace.curation.import_volumes",),
    "curate clean": ("semtrace.curation.clean",),
    "curate section": ("semtrace.curation.section",),
    "curate crop": ("semtrace.curation.crop",),
    "curate deduplicate": ("semtrace.curation.deduplicate",),
}


def stages_of(house: str) -> tuple[Stage, ...]:
    """The stages of a house, in the order in which they run."""
    return tuple(stage for stage in BY_VERB.values() if stage.house == house)


def pipelines(project: Path) -> Iterator[tuple[Path, str]]:
    """Each dvc.yaml of a project, and its text with the code dependencies that the stages' imports say."""
    modules = {name: (stage.module,) for name, stage in BY_VERB.items()} | _OTHER_VERBS
    for pattern in PIPELINES:
        for file in sorted(project.glob(pattern)):
            yield file, with_code(file.read_text(encoding="utf-8"), modules)
