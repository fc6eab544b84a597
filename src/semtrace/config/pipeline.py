"""All stages of all houses by their verb, and the files that must agree with their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from semtrace.config.dvc_yaml import PIPELINES, with_code
from semtrace.curation.stages import STAGES as CURATION_STAGES
from semtrace.discovery.stages import STAGES as DISCOVERY
from semtrace.provenance.stages import STAGES as PROVENANCE
from semtrace.report.stages import STAGES as REPORT
from semtrace.stage.declaration import Stage
from semtrace.synthetic.stages import EM_STAGES
from semtrace.synthetic.stages import STAGES as SYNTHETIC

MAIN = (*SYNTHETIC, *PROVENANCE, *REPORT)
CURATION = (*EM_STAGES, *CURATION_STAGES)
BY_VERB = {stage.name: stage for stage in (*MAIN, *DISCOVERY, *CURATION)}
_OTHER_VERBS = {  # what a dvc.yaml also calls, and the modules that do it
    "claim": ("semtrace.stage.claim",),
    "shard": ("semtrace.provenance.sharding.shard",),
    "join": ("semtrace.provenance.sharding.join",),
}


def stages_of(house: str) -> tuple[Stage, ...]:
    """The stages of a house, in the order in which they run."""
    return tuple(stage for stage in BY_VERB.values() if stage.house == house)


def pipelines(project: Path) -> Iterator[tuple[Path, str]]:
    """Each dvc.yaml of a project, and its text with the code dependencies that the stages' imports say.

    In a project without code of its own also ``installed.json``, which stands for it.
    """
    from semtrace.config.new_project import INSTALLED, installed_text

    modules = {name: (stage.module,) for name, stage in BY_VERB.items()} | _OTHER_VERBS
    if (project / INSTALLED).is_file():
        yield project / INSTALLED, installed_text()
    for pattern in PIPELINES:
        for file in sorted(project.glob(pattern)):
            yield file, with_code(file.read_text(encoding="utf-8"), modules)
