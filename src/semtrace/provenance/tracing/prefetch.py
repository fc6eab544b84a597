"""What a later stage will ask about a file, found out while an earlier one has it decoded.

Only the side cache and the pictures beside it learn of it, so no table depends on it. A stage that finds no answer
there works it out itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from semtrace.core.errors import InputError
from semtrace.io.cache import Entry
from semtrace.io.images import decode, encode_jpeg
from semtrace.provenance.fingerprint import HashSettings, examination
from semtrace.provenance.tracing.compare_pairs import compare_held, load_kernels
from semtrace.provenance.tracing.evidence import Scope
from semtrace.provenance.tracing.knowledge import apply_verdicts, read_knowledge
from semtrace.provenance.tracing.sides import candidate_pairs, load_side, to_side
from semtrace.provenance.tracing.trace import Rules
from semtrace.stage.decode_files import Seen
from semtrace.web.pictures import PictureCache, pictures_beside, render


@dataclass(frozen=True)
class Hashes:
    """The fingerprint of an original, while the inventory has it."""

    size: HashSettings

    def prepare(self) -> None:
        """Load the kernels."""
        tiny = encode_jpeg(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8))
        self(Seen("", "", tiny, decode(tiny), {}))

    def __call__(self, seen: Seen) -> list[Entry]:
        """The entry that the fingerprint stage will look for."""
        one = examination("tiff", self.size)
        return [(one.kind, seen.digest, one.facts(seen.digest, seen.data, seen.image))]


@dataclass(frozen=True)
class Comparisons:
    """The comparisons of a published image with its candidates, while the fingerprint stage has it.

    Attributes:
        archive: root of the originals.
        published: root of the published images.
        tiff_hashes: table of the archive.
        converted: table of the convert stage.
        verdicts: table of a person's verdicts; it may be missing.
        rules: how the match stage will look, for the hash in use.
        cache: file of the side cache.
    """

    archive: Path
    published: Path
    tiff_hashes: Path
    converted: Path
    verdicts: Path
    rules: Rules
    cache: Path

    def prepare(self) -> None:
        """Load the kernels, and what to compare with."""
        load_kernels()
        _scope(self)

    def __call__(self, seen: Seen) -> list[Entry]:
        """The entries that the match stage will look for."""
        if (scope := _scope(self)) is None:
            return []
        path = Path(seen.file).relative_to(scope.roots[1]).as_posix()
        one = to_side([{**seen.facts, "path": path}], path)
        criteria, turned = self.rules.criteria, bool(self.rules.geometry)
        near = candidate_pairs(scope.originals, one, criteria.hamming_threshold, 1, geometry=turned)
        found = apply_verdicts(near, scope.originals, one, scope.knowledge)[0]
        task = scope.task(one.contents[0], self.rules.compared(found, criteria.ssim_trigger))
        return compare_held(task, seen.data, seen.image.gray, str(self.cache))


@dataclass(frozen=True)
class Thumbnails:
    """A file's picture for the page of the report, while a stage has it.

    Attributes:
        cache: file of the side cache, beside which pictures are kept.
        megabytes: what they may take.
    """

    cache: Path
    megabytes: int

    def prepare(self) -> None:
        """Make room once, and load the encoder."""
        _pictures(self).trim()
        render(np.zeros((8, 8), np.uint8), "thumb")

    def __call__(self, seen: Seen) -> list[Entry]:
        """Nothing for the side cache: the picture is kept beside it."""
        _pictures(self).put(f"{seen.digest}-thumb", render(seen.image.gray, "thumb"))
        return []


@cache  # once in the parent, whose workers inherit it
def _pictures(asked: Thumbnails) -> PictureCache:
    return pictures_beside(asked.cache, asked.megabytes)


@cache  # as above
def _scope(asked: Comparisons) -> Scope | None:
    try:
        originals = load_side([asked.tiff_hashes])
    except InputError:  # no hashes: the match stage will say so
        return None
    return Scope(originals, (asked.archive, asked.published), read_knowledge(asked.converted, asked.verdicts))
