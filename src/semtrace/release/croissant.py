"""The Croissant 1.0 description (MLCommons) of a release, as plain JSON."""

from __future__ import annotations

from typing import Any

from semtrace.io import tables
from semtrace.release.describe import COLUMNS, Release, person_of

_NUMBERS = {"bytes": "sc:Integer", "width": "sc:Integer", "height": "sc:Integer", "pixel_size_m": "sc:Float"}


def croissant(release: Release, manifest_sha256: str) -> dict[str, Any]:
    """Croissant 1.0: manifest.csv joined with the picture files, one record for each picture."""
    s = release.settings
    about = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": s.name,
        "description": s.description or s.title or s.name,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "citeAs": release.citation,
        "creator": [person_of(creator) for creator in s.creators],
        "datePublished": release.date,
        "keywords": list(s.keywords),
        "license": s.licence,
        "publisher": {"@type": "sc:Organization", "name": s.publisher} if s.publisher else {},
        "url": s.url or (f"https://doi.org/{s.doi}" if s.doi else ""),
        "version": str(release.version),
    }
    fields: list[dict[str, Any]] = [
        {
            "@type": "cr:Field",
            "@id": f"pictures/{name}",
            "name": name,
            "description": COLUMNS[name],
            "dataType": _NUMBERS.get(name, "sc:Text"),
            "source": {"fileObject": {"@id": "manifest"}, "extract": {"column": name}},
        }
        for name in tables.MANIFEST
    ]
    # The md5 in a file's name joins it to its row. (mlcroissant 1.1 cannot join by path: it compares str with Path.)
    joined = fields[tables.MANIFEST.index("md5")]
    joined["source"] = {
        "fileSet": {"@id": "files"},
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": r"(?:L\d+_)?([0-9a-f]{32})(?:\.jpg)?"},  # mlcroissant applies it twice
    }
    joined["references"] = {"fileObject": {"@id": "manifest"}, "extract": {"column": "md5"}}
    image = {
        "@type": "cr:Field",
        "@id": "pictures/image",
        "name": "image",
        "description": "the picture itself",
        "dataType": "sc:ImageObject",
        "source": {"fileSet": {"@id": "files"}, "extract": {"fileProperty": "content"}},
    }
    return {key: value for key, value in about.items() if value not in ("", [], {})} | {
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "manifest",
                "name": "manifest.csv",
                "contentUrl": "manifest.csv",
                "encodingFormat": "text/csv",
                "sha256": manifest_sha256,
            },
            {
                "@type": "cr:FileSet",
                "@id": "files",
                "name": "files",
                "encodingFormat": "image/jpeg",
                "includes": "data/*/*/*.jpg",
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "pictures",
                "name": "pictures",
                "description": f"{release.pictures} pictures",
                "key": {"@id": "pictures/path"},
                "field": [*fields, image],
            }
        ],
    }


_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet",
            "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
            "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
            "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}  # fmt: skip
