"""What a release says of itself (conf/release/), and its version."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.tracing.decision import Outcome
from semtrace.release.source_names import SourcePaths
from semtrace.stage.settings import LinkKind, Section


class Creator(Section, section="release.creators"):
    """A person to cite."""

    name: Annotated[str, Field(pattern=r"\S", description="best as 'Family, Given'")]
    orcid: Annotated[
        str, Field(pattern=r"^(\d{4}-\d{4}-\d{4}-\d{3}[\dX])?$", description="an ORCID, such as 0000-0002-1825-0097")
    ] = ""
    affiliation: str = ""


class Settings(Section, section="release"):
    """What is released, and what is said of it."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]*[a-z0-9]$", description="lower-case letters, digits and hyphens")
    ]
    title: Annotated[
        str, Field(pattern=r"^\s*[^\n]*\s*$", description="one line; the rest belongs to release.description")
    ]
    description: str
    licence: Annotated[
        str,
        Field(pattern=r"^(\s*|[A-Za-z0-9][A-Za-z0-9.+-]*)$", description="an SPDX identifier, such as CC-BY-4.0"),
    ]
    publisher: str
    doi: Annotated[str, Field(pattern=r"^(10\.\d{4,9}/\S+)?$", description="bare, such as 10.5281/zenodo.1234567")]
    url: str
    link: LinkKind
    originals: bool
    source_paths: SourcePaths
    uses: str
    limitations: str
    source: str
    personal_data: str
    creators: list[Creator] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    include: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class Version:
    """A version of Semantic Versioning 2.0.0 without pre-release and build, ordered as numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_version(text: str) -> Version:
    """Read ``1.2.0``.

    Raises:
        InputError: it is no such version.

    """
    found = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", text)
    if not found:
        raise InputError(f"{text!r} is no version; a version is three numbers, such as 1.2.0")
    return Version(*map(int, found.groups()))
