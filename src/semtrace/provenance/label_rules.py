"""The rows of labels.csv and conflicts.csv, from decisions, published categories and a person's word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import Resolution, Rule, Vocabulary, parse_published, resolve
from semtrace.io.verdicts import Verdicts
from semtrace.provenance.tables import CONFLICTS
from semtrace.provenance.tracing.sides import content_of

LabelCells = Mapping[str, Any]


@dataclass(frozen=True)
class Labelling:
    """How votes become labels: vocabulary, rule for conflicts, priorities of that rule, a person's verdicts.

    ``subcategories`` has the sub-category that a person named for a content, by md5.
    """

    vocabulary: Vocabulary
    rule: str
    priority: tuple[str, ...]
    verdicts: Verdicts
    subcategories: Mapping[str, str] = field(default_factory=dict)

    def categories(self, paths: Iterable[str]) -> list[str]:
        """The categories that published files lie in, by name; a file without one says none."""
        return sorted({self.vocabulary.category(path) for path in paths} - {""})

    def named(self, digests: Iterable[str]) -> list[str]:
        """The sub-categories that a person named for files of one picture; more than one is a conflict."""
        return sorted({self.subcategories[md5] for md5 in digests if md5 in self.subcategories})

    def levels(self, category: str, named: Sequence[str]) -> tuple[str, str]:
        """Category above and sub-category below; a level of the vocabulary stands above what was named."""
        if category in self.vocabulary.above:
            return self.vocabulary.top(category), category
        return category, named[0] if category and len(named) == 1 else ""

    def resolve(self, votes: Iterable[str], digests: Iterable[str]) -> Resolution:
        """What a content is labelled with; ``digests`` are the md5 of its files, by which a person may have named it.

        Raises:
            InputError: a person named two categories for it.
        """
        said = {md5: self.verdicts.categories[md5] for md5 in digests if md5 in self.verdicts.categories}
        if len(set(said.values())) > 1:
            names = ", ".join(f"{md5} {category}" for md5, category in sorted(said.items()))
            raise InputError(f"verdicts.csv: files of one picture are given several categories ({names}); keep one")
        word = next(iter(said.values()), "")
        return resolve(votes, cast("Rule", self.rule), priority=self.priority, said=word)


def label_rows(
    originals: Sequence[LabelCells],
    published: Sequence[LabelCells],
    forward: Sequence[LabelCells],
    backward: Sequence[LabelCells],
    how: Labelling,
) -> list[dict[str, Any]]:
    """One row per original file (LABELS), without output path; of one with several labels a row for each.

    Args:
        originals: the archive's hash table.
        published: the published set's.
        forward: jpeg_to_tiff.csv.
        backward: tiff_to_jpeg.csv.
        how: the rules.
    """
    votes = _votes(forward)
    traces = {row["TIFF_path"]: row for row in backward}
    digest = {row["path"]: row.get("md5", "") for row in published}
    rows: list[dict[str, Any]] = []
    for members in _contents(originals):
        keeper = members[0]["path"]
        trace = traces[keeper]
        jpegs = sorted(votes.get(keeper, ())) if trace["decision"] == "matched" else []
        digests = {row.get("md5", "") for row in members} | {digest[path] for path in jpegs}
        resolution = how.resolve(how.categories(jpegs), digests)
        published_as = jpegs
        if not jpegs and not trace["used_ssim"] and len(how.categories(_split(trace["nearest_paths"]))) > 1:
            # Nothing but hashes to go by, and the nearest pictures contradict each other.
            published_as = _split(trace["nearest_paths"])
        several = len(how.categories(published_as)) > 1
        status = "labelled" if resolution.categories else "conflict" if several else trace["decision"]
        detail = f"published under {'|'.join(how.categories(published_as))}" if several else ""
        if resolution.rule and resolution.categories:
            detail = f"{detail}; {resolution.rule}" if detail else str(resolution.rule)
        named = how.named(digests)
        if len(named) > 1:
            detail = f"{detail}; " * bool(detail) + f"named {'|'.join(named)}"
        for category in resolution.categories or ("",):
            top, subcategory = how.levels(category, named)
            row: dict[str, Any] = {
                "tiff_path": keeper,
                "category": category,
                "label": how.vocabulary.label(category) if category else "",
                "jpeg_path": jpegs[0] if jpegs else "",
                "output_path": "",
                "status": status,
                "detail": detail,
                "top_category": top,
                "subcategory": subcategory,
            }
            rows.append(row)
            copied = {"status": f"duplicate_{status}", "detail": f"same picture as {keeper}"}
            rows += [{**row, "tiff_path": copy["path"], **copied} for copy in members[1:]]
    return rows


def conflict_rows(
    originals: Sequence[LabelCells],
    published: Sequence[LabelCells],
    forward: Sequence[LabelCells],
    how: Labelling,
    near: float,
) -> list[LabelCells]:
    """All that is contradictory about categories and names (CONFLICTS), and how it was settled.

    Args:
        originals: the archive's hash table.
        published: the published set's.
        forward: jpeg_to_tiff.csv.
        how: the rules.
        near: hashes nearer than this many bits may be one picture.
    """
    votes = _votes(forward)
    digest = {row["path"]: row.get("md5", "") for row in (*originals, *published)}
    groups: dict[str, tuple[list[str], list[str]]] = {}  # content -> its published files, its originals
    for members in _contents(originals):
        paths = [row["path"] for row in members]
        groups[paths[0]] = votes.get(paths[0], []), paths
    traced = {path for paths in votes.values() for path in paths}
    for row in published:
        if row["path"] not in traced:
            groups.setdefault(content_of(row), ([], []))[0].append(row["path"])
    rows = []
    for content, (jpegs, tiffs) in groups.items():
        votes_of = how.categories(jpegs)
        resolution = how.resolve(votes_of, {digest[path] for path in (*jpegs, *tiffs)})
        if resolution.rule:
            kind = "several_categories" if len(votes_of) > 1 else "named_by_verdict"
            settled = "|".join(resolution.categories) or "excluded"
            rows.append(_conflict(kind, content, votes_of, jpegs, settled, resolution.rule))
        if len(named := how.named(digest[path] for path in (*jpegs, *tiffs))) > 1:
            rows.append(_conflict("several_subcategories", content, named, jpegs, "category alone", ""))
    rows += _shared_digits(published, forward, how, near)
    known = set(digest.values())
    said = {md5 for pair in how.verdicts.same | how.verdicts.different for md5 in pair} | set(how.verdicts.categories)
    return rows + [_conflict("unknown_verdict", md5, [], [], "without effect", "verdict") for md5 in said - known]


def _votes(forward: Sequence[LabelCells]) -> dict[str, list[str]]:
    """Keeper of an original -> the published files traced to it."""
    votes: dict[str, list[str]] = defaultdict(list)
    for row in forward:
        if row["decision"] == "matched":
            votes[row["matched_tiff_path"]].append(row["jpeg_path"])
    return votes


def _contents(originals: Sequence[LabelCells]) -> list[list[LabelCells]]:
    """Rows of equal content, each group and all groups sorted by path: the first is the keeper."""
    groups: dict[str, list[LabelCells]] = {}
    for row in sorted(originals, key=lambda row: row["path"]):
        groups.setdefault(content_of(row), []).append(row)
    return list(groups.values())


def _shared_digits(
    published: Sequence[LabelCells], forward: Sequence[LabelCells], how: Labelling, near: float
) -> list[LabelCells]:
    """Digits in published names that stand for pictures which are not one: by trace, or far apart by hash."""
    original = {row["jpeg_path"]: row["matched_tiff_path"] for row in forward if row["decision"] == "matched"}
    named: dict[str, list[LabelCells]] = defaultdict(list)
    for row in published:
        digits = parse_published(row["path"]).digits
        if digits:
            named[digits].append(row)
    rows = []
    for digits, members in named.items():
        codes = sorted({int(row["phash"], 16) for row in members})
        apart = max(((a ^ b).bit_count() for a in codes for b in codes), default=0) >= near
        traces = {original.get(row["path"]) for row in members}
        if apart and (len(traces) > 1 or None in traces):
            paths = [row["path"] for row in members]
            named_by = how.categories(paths)
            rows.append(_conflict("digits_of_different_pictures", digits, named_by, paths, "kept apart", ""))
    return rows


def _conflict(
    kind: str, content: str, categories: Sequence[str], files: Sequence[str], resolution: str, rule: str
) -> LabelCells:
    cells = kind, content, "|".join(categories), "|".join(sorted(files)), resolution, rule
    return dict(zip(CONFLICTS.names, cells, strict=True))


def _split(cell: str) -> list[str]:
    return cell.split("|") if cell else []
