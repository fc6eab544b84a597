"""Numbers that say how good a mapping is: tiers of SSIM, distributions, and accuracy against known truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

UNMATCHED, AMBIGUOUS, RIGHT, WRONG, PLACE = range(5)
"""What became of a published image; the last three are matches, ``PLACE`` one that claims the place alone, rightly."""

Codes = NDArray[np.uint8]
_Z = 1.959963984540054  # the 97.5 % point of the normal distribution
TIERS = (("excellent", 0.95), ("good", 0.85), ("acceptable", 0.70), ("problematic", -1.0))
"""Name and lower bound of each SSIM tier, best first; excellent is above its bound, the others at or above."""


def tier(ssim: float) -> str:
    """The tier of an SSIM value: excellent > 0.95, good 0.85–0.95, acceptable 0.70–0.85, problematic < 0.70."""
    if ssim > TIERS[0][1]:
        return TIERS[0][0]
    return next(name for name, bound in TIERS[1:] if ssim >= bound)


@dataclass(frozen=True)
class Distribution:
    """Count, mean, median, standard deviation (population), extremes of a sample; None where it is empty."""

    count: int
    mean: float | None
    median: float | None
    std: float | None
    min: float | None
    max: float | None


def distribution(values: NDArray[np.float64]) -> Distribution:
    """Statistics of float64 (n,), rounded to 6 decimals."""
    if values.size == 0:
        return Distribution(0, None, None, None, None, None)
    mean, median, std, low, high = (
        round(float(x), 6) for x in (values.mean(), np.median(values), values.std(), values.min(), values.max())
    )
    return Distribution(int(values.size), mean, median, std, low, high)


@dataclass(frozen=True)
class Accuracy:
    """Counts of published images against truth, and the rates made of them.

    A picture whose original is in the archive is found (traced to it or an equal content), wrong (traced to
    another one) or missed (ambiguous or unmatched). One whose original is not there is rightly left unmatched,
    or undecided (ambiguous), or wrong (traced to something). A match that claims the place alone (level ``field``) and
    names another exposure of the right place is counted by itself. Its claim is right, but the original is not found.
    So it is neither a right nor a wrong trace in the precision. For recall and accuracy it is a picture not found.

    Attributes:
        place_present: original in the archive, and another exposure of its place named at the level ``field``.
        place_absent: the same where the original is not in the archive.
        precision: right traces / right and wrong traces; None where there is neither.
        recall: right traces / pictures whose original is in the archive; None where there is none.
        accuracy: (found + rightly unmatched) / all; None where nothing is known.
        precision_interval: Wilson score interval of the precision, 95 %.
        recall_interval: Wilson score interval of the recall, 95 %.
        accuracy_interval: Wilson score interval of the accuracy, 95 %.

    """

    known: int
    found: int
    wrong_present: int
    missed_ambiguous: int
    missed_unmatched: int
    absent_unmatched: int
    absent_ambiguous: int
    wrong_absent: int
    place_present: int = 0
    place_absent: int = 0

    @property
    def wrong(self) -> int:
        """All wrong traces."""
        return self.wrong_present + self.wrong_absent

    @property
    def place(self) -> int:
        """All matches that claim the place alone, and name another exposure of the right place."""
        return self.place_present + self.place_absent

    @property
    def present(self) -> int:
        """Pictures whose original is in the archive."""
        missed = self.missed_ambiguous + self.missed_unmatched
        return self.found + self.wrong_present + self.place_present + missed

    @property
    def precision(self) -> float | None:
        """See the class."""
        return _rate(self.found, self.found + self.wrong)

    @property
    def recall(self) -> float | None:
        """See the class."""
        return _rate(self.found, self.present)

    @property
    def accuracy(self) -> float | None:
        """See the class."""
        return _rate(self.found + self.absent_unmatched, self.known)

    @property
    def precision_interval(self) -> tuple[float, float] | None:
        """See the class."""
        return wilson(self.found, self.found + self.wrong)

    @property
    def recall_interval(self) -> tuple[float, float] | None:
        """See the class."""
        return wilson(self.found, self.present)

    @property
    def accuracy_interval(self) -> tuple[float, float] | None:
        """See the class."""
        return wilson(self.found + self.absent_unmatched, self.known)

    def rates(self) -> dict[str, float | int | None]:
        """Counts, rates, and the bounds of the intervals (``…_low``, ``…_high``) by name."""
        named: dict[str, float | int | None] = asdict(self) | {
            "wrong": self.wrong,
            "place": self.place,
            "precision": self.precision,
            "recall": self.recall,
            "accuracy": self.accuracy,
        }
        for name in ("precision", "recall", "accuracy"):
            interval: tuple[float, float] | None = getattr(self, f"{name}_interval")
            named |= {
                f"{name}_low": interval[0] if interval else None,
                f"{name}_high": interval[1] if interval else None,
            }
        return named


def code_of(outcome: str, *, right: bool, right_place: bool = False) -> int:
    """What a decision is worth.

    Args:
        outcome: matched, ambiguous or unmatched.
        right: the original named is a right one.
        right_place: the match claims the place alone, and the original named is another exposure of the right place.
    """
    match = RIGHT if right else PLACE if right_place else WRONG
    return {"unmatched": UNMATCHED, "ambiguous": AMBIGUOUS, "matched": match}[outcome]


def accuracies(codes: Codes, present: NDArray[np.bool_]) -> list[Accuracy]:
    """Counts of pictures at every operating point.

    Args:
        codes: uint8 (pictures, points).
        present: (pictures,), whether the original is in the archive.
    """

    def count(code: int, among: NDArray[np.bool_]) -> list[int]:
        return [int(n) for n in np.count_nonzero(codes[among] == code, axis=0)]

    absent = ~present
    columns = (
        count(RIGHT, present), count(WRONG, present), count(AMBIGUOUS, present), count(UNMATCHED, present),
        count(UNMATCHED, absent), count(AMBIGUOUS, absent), count(WRONG, absent),
        count(PLACE, present), count(PLACE, absent),
    )  # fmt: skip
    return [Accuracy(len(codes), *counts) for counts in zip(*columns, strict=True)]


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """The Wilson score interval (95 %) of a proportion, rounded to 6 decimals; None without trials.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209–212, eq. for the interval; written out because importing
    scipy.stats takes longer than everything else a validation does. The tests compare the two.
    """
    if trials == 0:
        return None
    rate, z2 = successes / trials, _Z**2 / trials
    centre, half = rate + z2 / 2, _Z * sqrt(rate * (1 - rate) / trials + z2 / (4 * trials))
    return round(max(0.0, (centre - half) / (1 + z2)), 6), round(min(1.0, (centre + half) / (1 + z2)), 6)


def trials_to_show(rate: float) -> int:
    """How many successes, without one failure, bring the lower bound of the Wilson interval to ``rate`` (0 to 1).

    Without failures that bound is n / (n + z²), so the rate of failures is only known to be below about 3.8 / n.
    """
    return ceil(_Z**2 * rate / (1 - rate))


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
