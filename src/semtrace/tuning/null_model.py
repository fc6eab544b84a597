"""The null model of an archive: how near different pictures of it come, and what that means for false matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from semtrace.core.statistics.null_model import Chance, Distances, Tail, fit, null_distances, tail
from semtrace.provenance.tracing.sides import Side

_MOST_PAIRS = 200_000_000  # all pairs of 14,000 pictures; of a larger archive evenly spaced pictures ask
_LISTED = 10


@dataclass(frozen=True)
class NullModel:
    """Distances between different pictures of an archive.

    Attributes:
        pictures: with a healthy hash; files of equal picture count once.
        asked: how many of them were compared with all.
        seen: the distances; None where there are fewer than two pictures.
        chance: the binomial fitted to their bulk; None where there is too little to fit.
        tail: the exponential fitted to the lowest of them; None where there are too few.
        nearest: the nearest pairs that chance does not explain: bits and both paths.
    """

    pictures: int
    asked: int
    seen: Distances | None
    chance: Chance | None
    tail: Tail | None
    nearest: list[tuple[int, str, str]]

    def within(self, threshold: float) -> dict[str, float | None]:
        """How many other pictures are nearer than ``threshold`` bits, on average over the pictures.

        Counted; counted among those nearer than chance allows; and expected by the binomial and by the tail.
        """
        counts = self.seen.counts if self.seen else np.zeros(1, np.int64)
        below = int(np.ceil(threshold))
        alike = counts[: min(below, self.chance.limit)] if self.chance else None
        return {
            "others": round(float(counts[:below].sum() / self.asked), 6) if self.seen else None,
            "alike": None if alike is None else round(float(alike.sum() / self.asked), 6),
            "by_chance": self._expected(self.chance, threshold),
            "by_tail": self._expected(self.tail, threshold) if self.tail and below <= self.tail.start else None,
        }

    def _expected(self, model: Chance | Tail | None, threshold: float) -> float | None:
        return float(f"{(self.pictures - 1) * model.below(threshold):.4g}") if model else None


def null_model(originals: Side, picture: Sequence[int]) -> NullModel:
    """Compare every picture of an archive with every other one; one content stands for a picture, one with a bar.

    Args:
        originals: the archive.
        picture: per content what names its picture.
    """
    cropped = {int(t): k for k, t in enumerate(originals.cropped_owner)}
    of_picture: dict[int, int] = {}
    for t in sorted(range(len(originals.contents)), key=lambda t: (t not in cropped, t)):
        if originals.contents[t].healthy:
            of_picture.setdefault(picture[t], t)
    chosen = sorted(of_picture.values())
    if len(chosen) < 2:
        return NullModel(len(chosen), 0, None, None, None, [])
    with_bar = [i for i, t in enumerate(chosen) if t in cropped]
    asked = np.unique(np.linspace(0, len(chosen) - 1, min(len(chosen), _MOST_PAIRS // len(chosen))).astype(np.int64))
    seen = null_distances(
        originals.words[chosen],
        originals.cropped_words[[cropped[chosen[i]] for i in with_bar]],
        np.array(with_bar, dtype=np.int64),
        asked,
    )
    chance = fit(seen.counts)
    limit = chance.limit if chance else 0
    pairs = {
        (int(bits), *sorted((originals.contents[chosen[i]].paths[0], originals.contents[chosen[k]].paths[0])))
        for bits, i, k in zip(seen.nearest, asked, seen.nearest_index, strict=True)
        if bits < limit
    }
    nearest = [(bits, left, right) for bits, left, right in sorted(pairs)[:_LISTED]]
    return NullModel(len(chosen), len(asked), seen, chance, tail(seen.counts), nearest)


def described(model: NullModel, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The model for ``calibration.json``; ``thresholds`` by name, bits of the hash in use."""
    summary: dict[str, Any] = {"pictures": model.pictures, "asked": model.asked}
    if model.seen is not None:
        counts = model.seen.counts
        shares = np.cumsum(counts) / counts.sum()
        summary["pairs"] = int(counts.sum())
        summary["quantiles"] = {f"{q:g}": int(np.searchsorted(shares, q)) for q in (0.0001, 0.001, 0.01, 0.5, 0.99)}
        near = np.quantile(model.seen.nearest, (0, 0.01, 0.05, 0.5), method="lower")
        summary["nearest_other"] = dict(zip(("min", "0.01", "0.05", "0.5"), map(int, near), strict=True))
    if model.chance is not None and model.seen is not None:
        chance = model.chance
        alike = model.seen.nearest < chance.limit
        summary["binomial"] = {"probability": chance.probability, "effective_bits": chance.effective_bits}
        summary["alike_below"] = chance.limit
        summary["pictures_with_an_alike_one"] = int(alike.sum())
        summary["nearest_alike"] = [{"bits": bits, "left": left, "right": right} for bits, left, right in model.nearest]
    if model.tail is not None:
        summary["tail"] = {"start": model.tail.start, "scale": model.tail.scale}
    summary["within"] = {name: {"bits": bits, **model.within(bits)} for name, bits in thresholds.items()}
    return summary
