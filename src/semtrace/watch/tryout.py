"""What several rules would keep of given folders, side by side; nothing is moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from semtrace.io.folders import entries, path_in
from semtrace.watch.decide import FrameDecision, Views, decide_frame, in_order
from semtrace.watch.kept import Kept
from semtrace.watch.picture import Picture, Unread
from semtrace.watch.reading import PictureReading, Reader
from semtrace.watch.scan import FileState, FolderState
from semtrace.watch.settings import Settings


def rules(base: Settings) -> dict[str, Settings]:
    """The rules that are compared, by what they say; ``base`` is among them."""
    plain = replace(base, method="hash", hash="phash", size=8, threshold=11, confirm=0.0)
    chosen = [
        replace(plain, threshold=5), plain, replace(plain, hash="dhash"),
        replace(plain, confirm=0.25), replace(plain, confirm=0.5),
        *(replace(plain, method="mse", mse_threshold=limit) for limit in (25.0, 50.0, 100.0)),
    ]  # fmt: skip
    return {name_of(rule): rule for rule in [*chosen, base]}


def name_of(rule: Settings) -> str:
    """A rule in words, such as ``pHash 64 < 11 and likeness >= 0.5``."""
    if rule.method == "mse":
        return f"squared error < {rule.mse_threshold:g}"
    words = f"{rule.hash[0]}Hash {rule.size**2} < {rule.threshold}"
    return f"{words} and likeness >= {rule.confirm:g}" if rule.confirm else words


@dataclass(frozen=True)
class RuleTrial:
    """What one rule makes of all pictures.

    Attributes:
        counts: pictures by decision.
        lost: scenes without a kept picture; None where the truth is not known.
        doubtful: the three pictures put away with the least likeness, or the greatest distance: path and decision.

    """

    counts: Mapping[str, int]
    lost: set[str] | None
    doubtful: list[tuple[str, FrameDecision]]


@dataclass(frozen=True)
class Tryout:
    """Trials by rule, the files that gave no picture, and the noise (2 sigma²) of the median picture."""

    trials: dict[str, RuleTrial]
    unread: list[Unread]
    pictures: int
    noise: float
    current: str

    def __str__(self) -> str:
        """A table for people, and the pairs to look at."""
        has_truth = any(trial.lost is not None for trial in self.trials.values())
        lines = [
            f"{self.pictures} pictures, {len(self.unread)} unreadable; nothing was moved",
            f"two empty frames would differ by {self.noise:.1f} squared grey levels (2 sigma²)",
            "",
            f"  {'similar if':<36} {'kept':>6} {'similar':>8} {'identical':>10} {'empty':>6}"
            + (f" {'lost':>5}" if has_truth else ""),
        ]
        for name, trial in self.trials.items():
            numbers = [trial.counts.get(kind, 0) for kind in ("unique", "similar", "identical", "empty")]
            mark = "*" if name == self.current else " "
            line = f"{mark} {name:<36} {numbers[0]:>6} {numbers[1]:>8} {numbers[2]:>10} {numbers[3]:>6}"
            lines.append(line + (f" {len(trial.lost or ()):>5}" if has_truth else ""))
        lines += ["", "* the rule of these settings. What each puts away with the least reason; look at these pairs:"]
        for name, trial in self.trials.items():
            lines += [f"  {name}: {_pair(path, decision)}" for path, decision in trial.doubtful]
        return "\n".join(lines)


def try_rules(folders: Sequence[str], base: Settings, read: Reader, scenes: Mapping[str, str] | None) -> Tryout:
    """Read every picture below some folders and decide it by every rule.

    Args:
        folders: native paths.
        base: settings; keeper, ``against`` and ``empty`` hold for every rule.
        read: how pictures are read.
        scenes: which scene each file (native path) shows, empty for none; None: not known.

    Raises:
        OSError: a folder cannot be listed.
    """
    from semtrace.watch.views import FileViews

    found = [state for folder in folders for state in _below(folder, base)]
    views = FileViews("")
    measured: dict[tuple[str, int], list[Picture]] = {}
    unread: list[Unread] = []
    trials = {}
    for name, rule in rules(base).items():
        key = rule.hash, rule.size
        if key not in measured:
            measured[key], unread = _read(found, replace(rule, method="mse"), read)
        trials[name] = _trial(measured[key], rule, views, scenes)
    pictures = next(iter(measured.values()))
    noise = median([picture.noise for picture in pictures]) if pictures else 0.0
    return Tryout(trials, unread, len(pictures), noise, name_of(base))


def _below(folder: str, base: Settings) -> list[tuple[FolderState, str, FileState]]:
    endings = tuple(f".{word.lower()}" for word in base.extensions)
    found, todo = [], [folder]
    while todo:
        state = FolderState(todo.pop(), 0)
        for entry in sorted(entries(state.path), key=lambda entry: entry.name):
            if entry.kind == "folder":
                todo.append(path_in(state.path, entry.name))
            elif entry.kind == "file" and entry.name.lower().endswith(endings):
                found.append((state, entry.name, FileState(entry.signature, 0.0)))
    return found


def _read(
    found: Sequence[tuple[FolderState, str, FileState]], rule: Settings, read: Reader
) -> tuple[list[Picture], list[Unread]]:
    results = [result for _, result in PictureReading("", rule, read).read(found)]
    tops: dict[str, int] = defaultdict(int)
    for picture in results:
        if isinstance(picture, Picture) and picture.deep:
            folder = _folder(picture)
            tops[folder] = max(tops[folder], picture.top)
    for number, picture in enumerate(results):
        if isinstance(picture, Picture) and picture.deep and picture.top != tops[_folder(picture)]:
            results[number] = next(PictureReading("", rule, read).read([found[number]], tops[_folder(picture)]))[1]
    pictures = [one for one in results if isinstance(one, Picture)]
    return pictures, [one for one in results if isinstance(one, Unread)]


def _trial(pictures: Sequence[Picture], rule: Settings, views: Views, scenes: Mapping[str, str] | None) -> RuleTrial:
    groups: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups["" if rule.against == "all" else _folder(picture)].append(picture)
    decided: list[tuple[str, FrameDecision]] = []
    for group in groups.values():
        ordered = in_order(group, rule.keeper)
        decisions = decide_frame(ordered, Kept(rule.size**2 // 64), rule, views)
        decided += [(picture.path, decision) for picture, decision in zip(ordered, decisions, strict=True)]
    away = [(path, decision) for path, decision in decided if decision.kind == "similar"]
    away.sort(key=_certainty)
    kept = {path for path, decision in decided if decision.kind == "unique"}
    lost = None
    if scenes is not None:
        lost = {scenes.get(p.path, "") for p in pictures} - {""} - {scenes.get(path, "") for path in kept}
    return RuleTrial(Counter(decision.kind for _, decision in decided), lost, away[:3])


def _certainty(decided: tuple[str, FrameDecision]) -> tuple[float, float, str]:
    path, decision = decided
    return (1.0 if decision.likeness is None else decision.likeness), -(decision.distance or 0.0), path


def _folder(picture: Picture) -> str:
    return picture.path.replace("\\", "/").rpartition("/")[0]


def _pair(path: str, decision: FrameDecision) -> str:
    alike = "" if decision.likeness is None else f", likeness {decision.likeness:.2f}"
    return f"{path} to {decision.keeper} (distance {decision.distance:g}{alike})"
