"""The Croissant 1.0 description (MLCommons) of a release, as plain JSON."""

from __future__ import annotations

from typing import Any

from semtrace.release.describe import MEANINGS, Release, person_of
from semtrace.release.tables import MANIFEST

_TYPES = {"text": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean"}

_MD5 = r"(?:L\d+_)?([0-9a-f]{32})(?:\.\w+)?"  # in the name of a file; mlcroissant applies it twice


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
        "creator": [person_of(creator) for creator in s.creators]
        or {"@type": "sc:Organization", "name": release.people},
        "datePublished": release.date,
        "keywords": list(s.keywords),
        "license": s.licence,
        "publisher": {"@type": "sc:Organization", "name": s.publisher} if s.publisher else {},
        "url": release.url,
        "version": str(release.version),
    }
    fields: list[dict[str, Any]] = [
        {
            "@type": "cr:Field",
            "@id": f"pictures/{column.name}",
            "name": column.name,
            "description": MEANINGS[column.name],
            "dataType": _TYPES[column.kind],
            "source": {"fileObject": {"@id": "manifest"}, "extract": {"column": column.name}},
        }
        for column in MANIFEST.columns
    ]
    # The md5 in a file's name joins it to its row. (mlcroissant 1.1 cannot join by path: it compares str with Path.)
    joined = _of_file("pictures/md5", MEANINGS["md5"], "files", "filename", transform={"regex": _MD5})
    joined["references"] = {"fileObject": {"@id": "manifest"}, "extract": {"column": "md5"}}
    fields[MANIFEST.names.index("md5")] = joined
    image = _of_file("pictures/image", "the picture itself", "files", "content") | {"dataType": "sc:ImageObject"}
    # Beside the pictures: mlcroissant 1.1 cannot join the files of two sets with one table, nor read 16 bits a sample.
    originals = {
        "@type": "cr:RecordSet",
        "@id": "originals",
        "name": "originals",
        "description": f"{release.originals} originals; md5 is source_md5 of the pictures of that original",
        "key": {"@id": "originals/md5"},
        "field": [
            _of_file("originals/md5", "md5 of its bytes", "original-files", "filename", transform={"regex": _MD5}),
            _of_file("originals/file", "where it is", "original-files", "fullpath"),
        ],
    }
    more = ([_file_set("original-files", "image/tiff", "originals/*/*.tif")], [originals])
    files, records = more if release.originals else ([], [])
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
            _file_set("files", "image/jpeg", "data/*/*/*.jpg"),
            *files,
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "pictures",
                "name": "pictures",
                "description": f"{release.pictures} pictures",
                "key": {"@id": "pictures/path"},
                "field": [*fields, image],
            },
            *records,
        ],
    }


def _file_set(name: str, kind: str, includes: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": kind, "includes": includes}


def _of_file(field: str, description: str, files: str, what: str, **more: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": field,
        "name": field.rpartition("/")[2],
        "description": description,
        "dataType": "sc:Text",
        "source": {"fileSet": {"@id": files}, "extract": {"fileProperty": what}, **more},
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
