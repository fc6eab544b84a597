"""The parameters of the house: the sections ``curation.…`` of params.yaml, composed from conf/curation/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from semtrace.curation import clean, crop, deduplicate, import_volumes, label, section
from semtrace.curation.classify import Settings as ClassifySettings
from semtrace.curation.reconstruct import Settings as ReconstructSettings
from semtrace.curation.show import Settings as ShowSettings
from semtrace.curation.train import Settings as TrainSettings
from semtrace.stage.settings import Section


class CurationDataset(Section, section="curation.dataset"):
    """Where volumes, videos and images lie (conf/curation/dataset/), relative to the project's root or absolute.

    Attributes:
        name: names the dataset in reports.
        volumes: folder of volumes, stacks, folders of sections and videos.
        images: folder of 2D images, in folders by dataset.
        known: folder of what is known of generated patches, with ``patches.csv``; it need not be there.
        verdicts: folder of a person's labels.
        generate: names of what is generated first; empty for your own data.
    """

    name: str
    volumes: Path
    images: Path
    known: Path
    verdicts: Path
    generate: list[str]


@dataclass(frozen=True)
class Settings:
    """One part for each stage; see their modules."""

    dataset: CurationDataset
    import_volumes: import_volumes.Settings
    clean: clean.Settings
    section: section.Settings
    crop: crop.Settings
    deduplicate: deduplicate.Settings
    train: TrainSettings
    classify: ClassifySettings
    reconstruct: ReconstructSettings
    show: ShowSettings
    label: label.Settings
