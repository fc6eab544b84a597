"""label: which patches a person is asked about, and what becomes of the answers.

Asked first are those whose score is nearest to the threshold, an equal number of each dataset, the same pixels once.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydantic import Field

from semtrace.core.errors import InputError
from semtrace.core.volume.box import Box
from semtrace.core.volume.sections import cut_section
from semtrace.curation import tables as contracts
from semtrace.curation.crop import CropInputs
from semtrace.curation.cut_blocks import IN_2D
from semtrace.curation.patch_labels import WORDS, counted, read_patch_labels, write_patch_labels
from semtrace.curation.recut import PatchSources, group_patches, patches_of
from semtrace.io import tables
from semtrace.io.columns import Columns, read_columns, take_rows
from semtrace.io.files import read_regular
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.volumes.volume import ReadingChoices, UnreadableVolume
from semtrace.stage.settings import Section, Whole

_AROUND = 3  # sides of the patch that the context shows
_MOST_ASKED = 500


class Settings(Section, section="curation.label"):
    """The page (conf/curation/label).

    Attributes:
        screen: patches of a screen.
        cache_mb: bound in 10^6 bytes for pictures that were made.
    """

    screen: Annotated[Whole, Field(ge=1, le=200)] = 40
    cache_mb: Annotated[Whole, Field(ge=1)] = 500


class _Asked(NamedTuple):
    """A patch that can be asked about."""

    md5: str
    name: str
    dataset: str
    row: int
    score: float | None


class LabelDesk:
    """What the page shows and takes.

    Args:
        inputs: where the pixels are.
        work: folder of the results; ``deduplicated`` is read, and the scores of ``filtered`` where they are.
        verdicts: folder of the labels.
        settings: of the page.
        reading: how volumes are read, as at import.
        who: who answers.
        scratch: an empty folder for what compressed volumes unpack to.
        threshold: the score that is in doubt most.

    Raises:
        InputError: there is no patch to ask about.
    """

    def __init__(
        self, inputs: CropInputs, work: Path, verdicts: Path, settings: Settings, reading: ReadingChoices, who: str,
        scratch: Path, *, threshold: float = 0.5,
    ) -> None:  # fmt: skip
        self._sources = PatchSources(inputs.root, inputs.imported, inputs.cleaned, reading, scratch)
        self._tables: dict[str, Columns] = {}
        self._settings, self._verdicts, self.who = settings, verdicts, who
        self._lock, self._pictures = threading.Lock(), OrderedDict[str, bytes]()
        self._kept_bytes = 0
        self._acts: list[dict[str, dict[str, str] | None]] = []
        scores = _scores(work)
        self._asked: dict[str, _Asked] = {}
        for row in tables.read(work / "deduplicated" / "datasets.csv", contracts.DATASETS):
            dataset = row["dataset"]
            read = read_columns(work / "deduplicated" / f"{dataset}.parquet", contracts.DEDUPLICATED)
            columns = self._tables[dataset] = take_rows(read, read["md5"] != "")
            for number, (name, digest) in enumerate(
                zip(columns["name"].tolist(), columns["md5"].tolist(), strict=True)
            ):
                self._asked.setdefault(digest, _Asked(digest, name, dataset, number, scores.get(name)))
        if not self._asked:
            raise InputError(f"{work / 'deduplicated'}: no patch to label; run `semtrace curate deduplicate`")
        self._order = _in_turn(list(self._asked.values()), threshold)
        self.labels, self.wrong = read_patch_labels(verdicts)

    def screen(self) -> dict[str, Any]:
        """The next patches without a label, and how far it is."""
        with self._lock:
            todo = [one for one in self._order if one.md5 not in self.labels]
            shown = todo[: self._settings.screen]
            here = [row for digest, row in self.labels.items() if digest in self._asked]
            return {
                "patches": [{"md5": one.md5, "name": one.name, "score": one.score} for one in shown],
                "left": len(todo), "labels": counted(here), "who": self.who, "can_undo": bool(self._acts),
                "elsewhere": len(self.labels) - len(here), "wrong": len(self.wrong),
            }  # fmt: skip

    def label(self, digests: list[str], word: str) -> int:
        """Give patches a label; how many.

        Raises:
            InputError: no such patch or label.
        """
        if word not in WORDS:
            raise InputError(f"{word!r} is no label; known are {', '.join(WORDS)}")
        if not digests or len(digests) > _MOST_ASKED or any(digest not in self._asked for digest in digests):
            raise InputError("a patch is not among those that can be labelled; load the page again")
        with self._lock:
            before = {digest: self.labels.get(digest) for digest in digests}
            rows = {digest: {"label": word, "name": self._asked[digest].name} for digest in digests}
            write_patch_labels(self._verdicts, rows, who=self.who, origin="page")
            self._acts.append(before)
            self.labels, self.wrong = read_patch_labels(self._verdicts)
        return len(digests)

    def undo(self) -> list[str]:
        """Take the last answer back; the patches that it spoke of, none where there is nothing to take back."""
        with self._lock:
            if not self._acts:
                return []
            before = self._acts.pop()
            write_patch_labels(self._verdicts, before, who=self.who, origin="undo")
            self.labels, self.wrong = read_patch_labels(self._verdicts)
            return list(before)

    def picture(self, digest: str, size: str) -> bytes | None:
        """A patch as PNG (``thumb``), or in its section as WebP (``view``); None where it cannot be had."""
        if digest not in self._asked or size not in ("thumb", "view"):
            return None
        key = f"{digest}-{size}"
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        try:
            made = self._thumb(self._asked[digest]) if size == "thumb" else self._context(self._asked[digest])
        except (UnreadableVolume, UnreadableImage, OSError, KeyError, MemoryError):
            return None
        with self._lock:
            self._pictures[key] = made
            self._kept_bytes += len(made)
            while self._kept_bytes > self._settings.cache_mb * 10**6 and len(self._pictures) > 1:
                self._kept_bytes -= len(self._pictures.popitem(last=False)[1])
        return made

    def _thumb(self, one: _Asked) -> bytes:
        columns = take_rows(self._tables[one.dataset], np.array([one.row]))
        (group,) = group_patches(one.dataset, columns, self._sources, 1)
        (patch,) = patches_of(group)
        stream = io.BytesIO()
        Image.fromarray(patch).save(stream, "PNG", compress_level=1)
        return stream.getvalue()

    def _context(self, one: _Asked) -> bytes:
        place = {key: int(self._tables[one.dataset][key][one.row]) for key in ("axis", "index", "y0", "y1", "x0", "x1")}
        gray, top, left = self._section_around(one.dataset, place)
        picture = Image.fromarray(np.ascontiguousarray(gray)).convert("RGB")
        box = (place["x0"] - left, place["y0"] - top, place["x1"] - left - 1, place["y1"] - top - 1)
        ImageDraw.Draw(picture).rectangle(box, outline=(255, 200, 0), width=2)
        stream = io.BytesIO()
        picture.save(stream, "WEBP", quality=80)
        return stream.getvalue()

    def _section_around(self, dataset: str, place: Mapping[str, int]) -> tuple[NDArray[np.uint8], int, int]:
        """Grey of the section around a patch, with its first row and column."""
        more = max(place["y1"] - place["y0"], place["x1"] - place["x0"]) * (_AROUND - 1) // 2
        top, left = max(0, place["y0"] - more), max(0, place["x0"] - more)
        bottom, right = place["y1"] + more, place["x1"] + more
        if place["axis"] == IN_2D:
            file = self._sources.of(dataset, place["index"])
            return decode(read_regular(str(file))).gray[top:bottom, left:right], top, left
        source, about = self._sources.of(dataset), self._sources.volumes[dataset]
        assert not isinstance(source, str)  # noqa: S101  (it is a volume)
        sides = [int(about[f"shape_{axis}"]) for axis in "zyx"]
        ends = [(top, bottom), (left, right)]
        ends.insert(place["axis"], (place["index"], place["index"] + 1))
        box = Box(*(min(end, sides[i]) for i, pair in enumerate(ends) for end in pair))
        return cut_section(source.gray(box), place["axis"], 0), top, left


def _scores(work: Path) -> dict[str, float]:
    file = work / "filtered" / "scores.parquet"
    if not file.is_file():
        return {}
    columns = read_columns(file, contracts.SCORES)
    return dict(zip(columns["name"].tolist(), columns["score"].tolist(), strict=True))


def _in_turn(patches: list[_Asked], threshold: float) -> list[_Asked]:
    """The most doubtful first, one of each dataset in turn."""
    by: dict[str, list[_Asked]] = {}
    for one in sorted(
        patches, key=lambda one: (abs((one.score if one.score is not None else threshold) - threshold), one.md5)
    ):
        by.setdefault(one.dataset, []).append(one)
    queues = [by[name] for name in sorted(by)]
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]
