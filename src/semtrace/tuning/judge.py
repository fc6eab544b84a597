"""Trials: published images of known origin, judged with their original in the archive and with it taken out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semtrace.core.errors import InputError
from semtrace.core.image.align import Comparison
from semtrace.core.statistics.accuracy import UNMATCHED, Accuracy, Codes, accuracies, code_of
from semtrace.core.statistics.operating_points import Grid, Point, evaluate
from semtrace.core.tracing.decision import Decision
from semtrace.core.tracing.labels import parse_published
from semtrace.io.verdicts import TruthTable
from semtrace.provenance.match import Settings
from semtrace.provenance.tracing.crop_search import similarity_of
from semtrace.provenance.tracing.evidence import Scope
from semtrace.provenance.tracing.knowledge import Knowledge
from semtrace.provenance.tracing.sides import Side, load_side
from semtrace.provenance.tracing.trace import trace_all
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import Failure, Reject
from semtrace.stage.settings import REFERENCE_BITS
from semtrace.tuning.measure import Measurements, measure


@dataclass(frozen=True)
class TrialSource:
    """A published set of known origin.

    Attributes:
        name: for people.
        hashes: its hash table.
        root: folder of its pictures.
        truth: the originals of its pictures.
        made: whether it was made by known encoders, which its folders then name.
        lost: originals that were to be in it, but could not be published.
    """

    name: str
    hashes: Path
    root: Path
    truth: TruthTable
    made: bool = False
    lost: Sequence[Reject] = ()


@dataclass(frozen=True)
class Trial:
    """One published content, with its original there or not.

    Attributes:
        source: position of the set that it is from.
        j: its content there.
        kinds: how each of its files was published: the encoder, or the name of the set.
        group: names its original.
        original: ``"present"``, ``"left out"`` (everything of equal picture taken out), or ``"absent"`` (the truth
            says so).
        truth: the original as the truth names it.
        right: originals that are a right answer.
        without: originals taken out.
    """

    source: int
    j: int
    kinds: tuple[str, ...]
    group: str
    original: str
    truth: str
    right: frozenset[int] = frozenset()
    without: frozenset[int] = frozenset()


def pictures(originals: Side, same: Set[frozenset[str]]) -> list[int]:
    """Per original content the first one of the same picture: equal above the data bar, or called the same by a person.

    Args:
        originals: the archive.
        same: pairs of md5 that a person called one picture.
    """
    names: dict[str, int] = {}
    first = [names.setdefault(content.picture or content.paths[0], t) for t, content in enumerate(originals.contents)]
    of_digest = {digest: t for t, content in enumerate(originals.contents) for digest in content.digests}
    for pair in same:
        joined = {first[of_digest[digest]] for digest in pair if digest in of_digest}
        first = [min(joined) if t in joined else t for t in first]
    return first


def answers(
    published: Side, originals: Side, picture: Sequence[int], truth: Mapping[str, str]
) -> dict[int, frozenset[int]]:
    """Published contents of known origin, each with the originals that show its picture; none where it is not there.

    Args:
        published: the published set.
        originals: the archive.
        picture: see ``pictures``.
        truth: published path -> original's path.
    """
    of_path = {path: t for t, content in enumerate(originals.contents) for path in content.paths}
    showing = defaultdict(set)
    for t, first in enumerate(picture):
        showing[first].add(t)
    found = {}
    for j, content in enumerate(published.contents):
        known = [truth[path] for path in content.paths if path in truth]
        if known:
            found[j] = frozenset(t for path in known if path in of_path for t in showing[picture[of_path[path]]])
    return found


def trials(
    number: int, source: TrialSource, published: Side, truth: Mapping[str, str], right: Mapping[int, frozenset[int]]
) -> list[Trial]:
    """The trials of a source: each picture with its original and without it, or absent as the truth says.

    Args:
        number: position of the source.
        source: see there.
        published: its pictures.
        truth: its truth.
        right: see ``answers``.
    """
    result = []
    for j, originals in right.items():
        paths = [path for path in published.contents[j].paths if path in truth]
        kinds = tuple(parse_published(path).category if source.made else source.name for path in paths)
        named = max(truth[path] for path in paths)
        if originals:
            group = str(min(originals))
            result.append(Trial(number, j, kinds, group, "present", named, right=originals))
            result.append(Trial(number, j, kinds, group, "left out", named, without=originals))
        else:
            result.append(Trial(number, j, kinds, f"{number}/{paths[0]}", "absent", named))
    return result


@dataclass(frozen=True)
class Evaluation:
    """Trials, what was measured for them, and the operating points they are judged at.

    Attributes:
        originals: the archive.
        sources: published sets.
        measured: of each of them.
        trials: of all.
        grid: of operating points.
        settings: of the match; a point takes the place of some of them.
    """

    originals: Side
    sources: Sequence[TrialSource]
    measured: Sequence[Measurements]
    trials: Sequence[Trial]
    grid: Grid
    settings: Settings

    @cached_property
    def points(self) -> list[Point]:
        """All points of the grid."""
        return self.grid.points()

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Per trial whether the original is in the archive."""
        return np.array([trial.original == "present" for trial in self.trials])

    @cached_property
    def codes(self) -> Codes:
        """What becomes of every trial at every point, decided by similarity alone: uint8 (trials, points)."""
        return np.array([self._codes_of(trial).ravel() for trial in self.trials])

    @cached_property
    def accuracies(self) -> list[Accuracy]:
        """Counts at every point."""
        return accuracies(self.codes, self.present)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {content.paths[0]: t for t, content in enumerate(self.originals.contents)}

    def decide(self, trial: Trial, point: Point, *, proofs: bool = False) -> Decision | Failure:
        """What ``match`` decides at a point; without ``proofs`` by similarity alone.

        Parts of originals are not searched for, and published images do not contend.
        """
        settings = replace(self.settings, **vars(point), geometry=False, one_to_one=False)
        evidence = replace(self.measured[trial.source], without=trial.without, proofs=proofs)
        return trace_all(evidence, settings.rules(self.originals.bits), [trial.j])[trial.j].decision

    def code(self, trial: Trial, decision: Decision | Failure) -> int:
        """What a decision is worth."""
        if isinstance(decision, Failure) or decision.best is None:
            return UNMATCHED
        return code_of(decision.outcome, right=self._index[decision.best.path] in trial.right)

    def proven_codes(self, point: Point) -> Codes:
        """What becomes of every trial at one point, proofs included: uint8 (trials,)."""
        codes = [self.code(trial, self.decide(trial, point, proofs=True)) for trial in self.trials]
        return np.array(codes, dtype=np.uint8)

    def _codes_of(self, trial: Trial) -> Codes:
        measured, scale = self.measured[trial.source], REFERENCE_BITS / self.originals.bits
        compared = measured.compared[trial.j]
        seen = [] if isinstance(compared, Failure) else [one for one in compared if isinstance(one, Comparison)]
        said = [similarity_of(one) for one in seen]
        return evaluate(
            self.grid,
            [pair.hamming * scale for pair in measured.pairs[trial.j]],
            [value for one in said if (value := one["ssim"]) is not None],
            [value for one in said if (value := one["correlation"]) is not None],
            lambda point: self.code(trial, self.decide(trial, point)),
        )


def evaluation(
    archive: Path,
    originals: Side,
    same: Set[frozenset[str]],
    knowledge: Knowledge,
    sources: Sequence[TrialSource],
    grid: Grid,
    settings: Settings,
    executor: Executor,
) -> tuple[Evaluation, dict[str, Any]]:
    """Measure all sources, and say how many trials of which kind they make.

    Args:
        archive: root of the originals.
        originals: the archive.
        same: pairs of md5 that a person called one picture.
        knowledge: of conversions; verdicts in it would have a part in decisions.
        sources: published sets.
        grid: of operating points.
        settings: of the match; a point takes the place of some of them.
        executor: where to work.

    Raises:
        InputError: there is nothing to judge, or hashes differ in length.
    """
    asked = [replace(settings, hamming_threshold=threshold) for threshold, _ in grid.hamming]
    picture = pictures(originals, same)
    measured: list[Measurements] = []
    every: list[Trial] = []
    counts: dict[str, Any] = dict.fromkeys(("unreadable", "truth_not_published", "truth_not_hashed"), 0)
    counts["truth_adapted"] = []
    known = {path for content in originals.contents for path in content.paths}
    for number, source in enumerate(sources):
        published, truth = load_side([source.hashes]), source.truth.hashed(known)
        if published.bits != originals.bits:
            raise InputError(f"{source.hashes} has hashes of {published.bits} bits, the archive of {originals.bits}")
        right = answers(published, originals, picture, truth)
        done = measure(Scope(originals, (archive, source.root), knowledge), published, asked, right, executor)
        made = trials(number, source, published, truth, right)
        readable = [one for one in made if not isinstance(done.compared[one.j], Failure)]
        hashed = {path for content in published.contents for path in content.paths}
        counts["unreadable"] += len({one.j for one in made} - {one.j for one in readable})
        counts["truth_not_published"] += len(truth.keys() - hashed)
        counts["truth_not_hashed"] += len(source.truth.originals) - len(truth)
        counts["truth_adapted"] += [str(source.truth)] if source.truth.adapted else []
        measured.append(done)
        every += readable
    if not every:
        raise InputError(
            "nothing to calibrate on: no published image of known origin. Write truth.csv, or set calibrate.sample"
        )
    of_original = Counter(trial.original for trial in every)
    counts |= {name.replace(" ", "_"): of_original[name] for name in ("present", "left out", "absent")}
    counts["pictures"] = {
        source.name: len({trial.j for trial in every if trial.source == number})
        for number, source in enumerate(sources)
    }
    counts["not_published"] = [asdict(reject) for source in sources for reject in source.lost]
    counts["originals"] = len({trial.group for trial in every if trial.original != "absent"})
    return Evaluation(originals, sources, measured, every, grid, settings), counts
