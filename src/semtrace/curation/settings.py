"""The parameters of the house: the sections ``curation.…`` of params.yaml, composed from conf/curation/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from semtrace.curation import clean, crop, deduplicate, import_volumes, section
from semtrace.stage.settings import Section


class Dataset(Section, section="curation.dataset"):
    """Where volumes, videos and images lie (conf/curation/dataset/), relative to the project's root or absolute.

    Attributes:
        name: names the dataset in reports.
        volumes: folder of volumes, stacks, folders of sections and videos.
        images: folder of 2D images, in folders by dataset.
        generate: names of what is generated first; empty for your own data.
    """

    name: str
    volumes: Path
    images: Path
    generate: list[str]


@dataclass(frozen=True)
class Settings:
    """One part for each stage; see their modules."""

    dataset: Dataset
    import_volumes: import_volumes.Settings
    clean: clean.Settings
    section: section.Settings
    crop: crop.Settings
    deduplicate: deduplicate.Settings
