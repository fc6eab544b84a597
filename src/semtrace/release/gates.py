"""What a release must not have: each gate has a name and says what is wrong, and only a person may let it through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from semtrace.core.errors import InputError
from semtrace.io.project_state import Checkout

if TYPE_CHECKING:  # `semtrace --help` names the gates, and loads no pydantic
    from semtrace.release.settings import Settings, Version

GATES = {
    "conflicts": "pictures published under several categories, not settled",
    "ambiguous": "pictures inside whose original is ambiguous",
    "evidence": "pictures inside without evidence of their original",
    "groups": "a group of duplicates in two parts of the split",
    "title": "no title",
    "licence": "no licence",
    "description": "no description",
    "creators": "nobody to cite",
    "source_paths": "names of the archive's files or folders, which may name people",
    "uncommitted": "code or parameters that are not committed",
    "stale": "results that are not what code, parameters and inputs give now",
    "version": "a version that is not greater than the last",
    "history": "the release before this one is not here to compare with",
}


@dataclass(frozen=True)
class Finding:
    """What a gate found: the flaw, as the card will have it, and what to do about it."""

    gate: str
    flaw: str
    advice: str


def check_pictures(
    pictures: Sequence[Mapping[str, Any]], conflicts: Iterable[Mapping[str, Any]], groups: Iterable[Mapping[str, Any]]
) -> list[Finding]:
    """The gates on what is inside.

    Args:
        pictures: rows of the manifest.
        conflicts: rows of conflicts.csv.
        groups: rows of groups.csv; an original and its pictures may be of different groups (deduplicate.scope=within).
    """
    found = []
    # A conflict that a rule or a person settled has the resolution; what is only excluded waits for somebody.
    waiting = [row for row in conflicts if row["kind"] == "several_categories" and row["resolution"] == "excluded"]
    if waiting:
        found.append(
            Finding(
                "conflicts",
                f"{_count(waiting, 'content')} published under several categories, not settled; they are left out",
                # The card has the flaw alone, so the path of the original stays here.
                f"The first is {waiting[0]['content']} ({waiting[0]['categories']}). Name the categories in "
                "verdicts.csv or choose a rule (label.conflicts)",
            )
        )
    for gate, what, inside in (
        ("ambiguous", "whose original is ambiguous", [row for row in pictures if row["decision"] == "ambiguous"]),
        ("evidence", "without evidence of an original", [row for row in pictures if row["decision"] == "unmatched"]),
    ):
        if inside:
            found.append(
                Finding(
                    gate,
                    f"{_count(inside, 'picture')} {what}, such as {inside[0]['published_path']}; they are inside",
                    "Settle them in verdicts.csv, or take the decision out of release.include",
                )
            )
    parts: dict[str, set[str]] = {}
    of_original = {row["path"]: row["group"] for row in groups if row["side"] == "tiff"}
    for row in pictures:
        for group in {row["duplicate_group"], of_original.get(row["source_path"], row["duplicate_group"])}:
            parts.setdefault(group, set()).add(row["split"])
    torn = sorted(group for group, names in parts.items() if len(names) > 1)
    if torn:
        found.append(
            Finding(
                "groups",
                f"{_count(torn, 'group')} of duplicates in more than one part of the split, such as {torn[0]} in "
                f"{', '.join(sorted(parts[torn[0]]))}",
                "Run the deduplicate stage again, with deduplicate.scope=across",
            )
        )
    return found


def check_description(settings: Settings, again: str) -> list[Finding]:
    """The gates on what the release says of itself, and of the archive.

    Args:
        settings: conf/release/.
        again: the command that composes conf/ and runs the pipeline of these results.
    """
    said = {name: getattr(settings, name).strip() for name in ("title", "licence", "description")}
    what = {**{name: f"no {name} is" for name in said}, "creators": "no creators are"}
    found = [
        Finding(name, f"{what[name]} given", f"Write release.{name} into conf/release/default.yaml and run `{again}`")
        for name, value in {**said, "creators": settings.creators}.items()
        if not value
    ]
    if settings.source_paths != "digest":
        which = "names" if settings.source_paths == "name" else "folders and names"
        found.append(
            Finding(
                "source_paths",
                f"{which} of the originals in the archive are inside (release.source_paths={settings.source_paths}); "
                "they may name people",
                "Write release.source_paths: digest, or make sure that each name may be published",
            )
        )
    return found


def check_checkout(checkout: Checkout, again: str) -> list[Finding]:
    """The gates on what made it; ``again`` as in ``check_description``."""
    found = []
    if checkout.uncommitted:
        what = f"{_count(checkout.uncommitted, 'file')} of code or parameters not committed: "
        found.append(Finding("uncommitted", what + _some(checkout.uncommitted), "Commit them"))
    if checkout.stale:
        what = "results are not what code, parameters and inputs give now: "
        inputs = [name for name in checkout.stale if name.endswith(".dvc")]
        # The card has the flaw alone; an input has the name of a folder, which may name people.
        shown = list(dict.fromkeys("an input" if name in inputs else name for name in checkout.stale))
        advice = f"Run the pipeline: `{again}`" + (f"; changed inputs: {_some(inputs)}" if inputs else "")
        found.append(Finding("stale", what + _some(shown), advice))
    return found


def check_version(version: Version, last: Version | None, *, comparable: bool) -> list[Finding]:
    """The gates on the version and the release before it."""
    if last is None:
        return []
    found = []
    if version <= last:
        found.append(
            Finding("version", f"{version} is not greater than {last}, the last release", "Choose a greater one")
        )
    if not comparable:
        found.append(
            Finding(
                "history",
                f"release {last} is not here, so CHANGELOG.md cannot say what changed since",
                "Fetch it (`dvc pull`, docs/releases.md)",
            )
        )
    return found


def pass_gates(found: Sequence[Finding], allowed: Iterable[str]) -> list[Finding]:
    """Return what was found and allowed.

    Raises:
        InputError: something was found and not allowed; the message lists all of it.

    """
    allowed = set(allowed)
    closed = [one for one in found if one.gate not in allowed]
    if closed:
        lines = "".join(f"\n  {one.gate}: {one.flaw}. {one.advice}." for one in closed)
        options = " ".join(f"--allow {one.gate}" for one in closed)
        raise InputError(
            f"not released:{lines}\nMend these, or accept them and have them recorded in the card: {options}"
        )
    return list(found)


def _count(things: Sequence[object], what: str) -> str:
    return f"{len(things)} {what}" + ("s" if len(things) != 1 else "")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
