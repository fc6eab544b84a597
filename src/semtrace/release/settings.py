"""What a release says of itself (conf/release/), and its version."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import get_args

from semtrace.core.errors import InputError
from semtrace.core.tracing.decision import Outcome


@dataclass(frozen=True)
class Creator:
    """A person to cite."""

    name: str
    orcid: str = ""
    affiliation: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("release.creators: each needs a name, best as 'Family, Given'")
        if self.orcid and not re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", self.orcid):
            raise ValueError(f"release.creators: {self.orcid!r} is no ORCID, such as 0000-0002-1825-0097")


@dataclass(frozen=True)
class Settings:
    """What is released, and what is said of it."""

    name: str
    title: str
    description: str
    licence: str
    publisher: str
    doi: str
    url: str
    link: str
    originals: bool
    creators: list[Creator] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    include: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", self.name):
            raise ValueError(f"release.name is {self.name!r}; it must be lower-case letters, digits and hyphens")
        if "\n" in self.title.strip():
            raise ValueError("release.title has several lines; it must be one, the rest belongs to release.description")
        if self.licence.strip() and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", self.licence):
            raise ValueError(f"release.licence is {self.licence!r}, no SPDX identifier, such as CC-BY-4.0")
        if self.doi and not re.fullmatch(r"10\.\d{4,9}/\S+", self.doi):
            raise ValueError(f"release.doi is {self.doi!r}; it must be bare, such as 10.5281/zenodo.1234567")
        if self.link not in ("reflink", "hardlink", "copy"):
            raise ValueError(f"release.link is {self.link!r}; it must be reflink, hardlink or copy")
        if unknown := set(self.include) - set(get_args(Outcome)):
            raise ValueError(f"release.include has {min(unknown)!r}; it may have {', '.join(get_args(Outcome))}")


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
