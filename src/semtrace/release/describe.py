"""What a release is, in words and numbers, and what it says to archives: RO-Crate and DataCite, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semtrace.release.settings import Creator, Settings, Version
from semtrace.release.tables import MANIFEST

EVIDENCE = {
    "verdict": "a person says so",
    "identical_bytes": "the picture is byte for byte the conversion of its original",
    "name_digest": "the digits in its published name are the original's md5, and the two look alike",
    "reencoded": "the original, encoded the same way, gives exactly its pixels",
    "ssim": "alike by structural similarity and correlation of the fine structure",
    "blocks": "most places of the frame agree, whatever was done to tones, noise and sharpness",
    "hamming": "near by perceptual hash; nothing more could be looked at",
    "none": "not traced",
}
PROOFS = ("verdict", "identical_bytes", "name_digest", "reencoded")
"""The kinds of evidence that leave no doubt."""
MEANINGS = {column.name: column.meaning.replace("`", "") for column in MANIFEST.columns}  # of the manifest, plain


@dataclass(frozen=True)
class Release:
    """A release in words and numbers: all that its descriptions are made of.

    Attributes:
        settings: what the person says.
        version: its version.
        date: when it was made, YYYY-MM-DD.
        commit: of the code that made it; may be empty.
        categories: the vocabulary: category -> its label, ``L<n>``.
        parts: part of the split -> category -> number of pictures.
        sizes: part of the split -> bytes.
        originals: how many originals are inside.
        evidence: kind of evidence -> number of pictures.
        left_out: reason -> number of published images.
        pixel_sizes: how many pictures have a pixel size.
        instruments: name as the originals' tags have it, empty where they have none -> number of originals.
        allowed: what was wrong and accepted, as (gate, message).
    """

    settings: Settings
    version: Version
    date: str
    commit: str
    categories: Mapping[str, str]
    parts: Mapping[str, Mapping[str, int]]
    sizes: Mapping[str, int]
    originals: int
    evidence: Mapping[str, int]
    left_out: Mapping[str, int]
    pixel_sizes: int
    instruments: Mapping[str, int]
    allowed: Sequence[tuple[str, str]]

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(sum(counts.values()) for counts in self.parts.values())

    @property
    def people(self) -> str:
        """The creators as they are cited."""
        return "; ".join(creator.name for creator in self.settings.creators) or self.settings.publisher or "Anonymous"

    @property
    def url(self) -> str:
        """Where people find it; the card in the folder where no address is known."""
        s = self.settings
        return s.url or (f"https://doi.org/{s.doi}" if s.doi else "README.md")

    @property
    def citation(self) -> str:
        """One line to cite it by."""
        s = self.settings
        where = [f"https://doi.org/{s.doi}"] if s.doi else [s.url] if s.url else []
        parts = [
            f"{self.people} ({self.date[:4]})",
            f"{s.title or s.name}, version {self.version}",
            s.publisher,
            *where,
        ]
        return ". ".join(part for part in parts if part)


def ro_crate(release: Release, files: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """RO-Crate 1.1: what the folder is, its descriptive files (path, media type, bytes), people, what made it.

    The images are named through the folders ``data/`` and ``originals/`` and the manifest, not one by one.
    """
    s = release.settings
    people = [{"@id": _orcid(creator) or f"#{creator.name}", **person_of(creator)} for creator in s.creators]
    folders = [{"@id": "data/", "@type": "Dataset", "name": "pictures", "description": "listed in manifest.csv"}]
    if release.originals:
        folders.append({**folders[0], "@id": "originals/", "name": "originals"})
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": s.title or s.name,
        "description": s.description or s.title or s.name,
        "version": str(release.version),
        "datePublished": release.date,
        "license": {"@id": _licence_url(s.licence)} if s.licence else "",
        "author": [{"@id": person["@id"]} for person in people],
        "publisher": {"@id": "#publisher"} if s.publisher else "",
        "identifier": f"https://doi.org/{s.doi}" if s.doi else "",
        "keywords": ", ".join(s.keywords),
        "hasPart": [*({"@id": folder["@id"]} for folder in folders), *({"@id": path} for path, _, _ in files)],
    }
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    made = {
        "@id": "#release",
        "@type": "CreateAction",
        "name": "semtrace release",
        "instrument": {"@id": "#semtrace"},
        "result": {"@id": "./"},
        "endTime": release.date,
    }
    program = {"@id": "#semtrace", "@type": "SoftwareApplication", "name": "semtrace", "version": release.commit or "?"}
    graph: list[dict[str, Any]] = [
        descriptor,
        {key: value for key, value in root.items() if value not in ("", [])},
        *folders,
        *(
            {"@id": path, "@type": "File", "encodingFormat": kind, "contentSize": str(size)}
            for path, kind, size in files
        ),
        *people,
        made,
        program,
    ]
    if s.publisher:
        graph.append({"@id": "#publisher", "@type": "Organization", "name": s.publisher})
    if s.licence:
        graph.append({"@id": _licence_url(s.licence), "@type": "CreativeWork", "name": s.licence})
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


def datacite(release: Release, total_bytes: int) -> dict[str, Any]:
    """DataCite 4.5 as its REST API takes it: what a repository asks for when a DOI is registered."""
    s = release.settings
    creators = [
        {
            "name": creator.name,
            "nameType": "Personal",
            "affiliation": [{"name": creator.affiliation}] if creator.affiliation else [],
            "nameIdentifiers": [
                {"nameIdentifier": url, "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
                for url in [_orcid(creator)]
                if url
            ],
        }
        for creator in s.creators
    ]
    whole = {
        "doi": s.doi,
        "identifiers": [],
        "creators": creators or [{"name": release.people, "nameType": "Organizational"}],
        "titles": [{"title": s.title or s.name}],
        "publisher": {"name": s.publisher or release.people},
        "publicationYear": int(release.date[:4]),
        "subjects": [{"subject": word} for word in s.keywords],
        "dates": [{"date": release.date, "dateType": "Created"}],
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Images"},
        "version": str(release.version),
        "rightsList": [
            {
                "rights": s.licence,
                "rightsUri": _licence_url(s.licence),
                "rightsIdentifier": s.licence.lower(),
                "rightsIdentifierScheme": "SPDX",
            }
        ]
        if s.licence
        else [],
        "descriptions": [{"description": s.description, "descriptionType": "Abstract"}] if s.description else [],
        "sizes": [
            f"{release.pictures} images",
            *([f"{release.originals} originals"] if release.originals else []),
            f"{total_bytes} bytes",
        ],
        "formats": [
            "image/jpeg",
            *(["image/tiff"] if release.originals else []),
            "text/csv",
            "application/vnd.apache.parquet",
        ],
        "url": s.url,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }
    return {key: value for key, value in whole.items() if value not in ("", [])}


def person_of(creator: Creator) -> dict[str, Any]:
    """A creator as schema.org has it."""
    person: dict[str, Any] = {"@type": "Person", "name": creator.name}
    if creator.orcid:
        person["sameAs"] = _orcid(creator)
    if creator.affiliation:
        person["affiliation"] = creator.affiliation
    return person


def _orcid(creator: Creator) -> str:
    return f"https://orcid.org/{creator.orcid}" if creator.orcid else ""


def _licence_url(licence: str) -> str:
    return f"https://spdx.org/licenses/{licence}.html"
