"""Every ordinary edit of real pictures, traced: how many are found, and whether anything is found wrongly.

Each picture of an archive is published once for each edit (edits.py). It is traced with its original in the archive,
and without every file of the same picture. Pictures from elsewhere are traced too. Then exposures are simulated (the
picture and fresh noise): the archive holds the published one; or only a second frame of the same place; or only frames
that drifted by some pixels.

Beside the decisions stands what two measures say of a publication and its own original, which no decision uses yet:
the part of the frame that agrees (core/image/block_agreement.py), and whether it is the same exposure
(core/image/frame_evidence.py).

Usage: python benchmarks/truth.py [--data ../shared/data] [--every 1] [--edits TEXT,TEXT] [--geometry [true|full]]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from edits import EDITS
from truth_trials import PROJECT, RIGHT, Desk, Results, Seen, run

from semtrace.core.image.block_agreement import AGREES

_GEOMETRIES: dict[str | None, bool | str] = {None: False, "true": True, "full": "full"}
SAID = "ambiguous", "unmatched", "wrong"


def lines(results: Results) -> Iterator[str]:
    """The two tables, a row for each edit and a last one for all; then every wrong match of a real picture."""
    counts = {
        trial: {**counted, "all": sum(counted.values(), Counter[str]())} for trial, counted in results.counts.items()
    }
    wrong = [f"{trial}: wrong" for trial in counts if trial not in RIGHT]
    yield from _head("edit", "matched", "of these frame", *SAID, *wrong, "own: frame", "second: field")
    levels = {trial: {**one, "all": sum(one.values(), Counter[str]())} for trial, one in results.levels.items()}
    for name in (*results.own, "all"):
        seen = counts["present"][name]
        cells = [name, _part(seen["matched"], seen.total()), str(levels["present"].get(name, Counter())["frame"])]
        cells += [str(seen[said]) for said in SAID]
        cells += [_of(one[name]["wrong"], one[name].total()) for trial, one in counts.items() if trial not in RIGHT]
        for trial, level in (("own", "frame"), ("second", "field")):
            cells.append(_of(levels[trial].get(name, Counter())[level], counts[trial][name].total()))
        yield _line(cells)
    yield ""
    yield from _head(
        "edit",
        "agreement: median",
        "lowest",
        "agree in place",
        "exposure told",
        "own exposure: matched",
        "told",
        "second: told",
    )
    for name, measures in results.own.items():
        found = [(seen.agreement, seen.resized) for seen in measures if seen.agreement]
        shares = sorted(one.share for one, _ in found)
        middle, least = (f"{statistics.median(shares):.2f}", f"{shares[0]:.2f}") if shares else ("", "")
        agree = sum(one.share >= AGREES and one.in_place(resized=resized) for one, resized in found)
        own, second, traced = results.own_exposure[name], results.second_exposure[name], counts["own"][name]
        cells = [name, middle, least, _of(agree, len(measures)), _told(measures)]
        yield _line([*cells, _of(traced["matched"], traced.total()), _told(own), _told(second)])
    yield ""
    yield from (f"- {line}" for line in results.wrong) if results.wrong else ["Nothing was traced wrongly."]


def _head(*names: str) -> Iterator[str]:
    yield _line(names)
    yield "|---" * len(names) + "|"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _of(count: int, total: int) -> str:
    return f"{count} of {total}"


def _part(count: int, total: int) -> str:
    return f"{_of(count, total)} ({100 * count / max(total, 1):.0f} %)"


def _told(measures: Sequence[Seen]) -> str:
    """How many are taken for the very exposure."""
    return _of(sum(seen.frame is True for seen in measures), len(measures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th picture")
    parser.add_argument("--edits", default="", help="only edits with one of these texts in their names")
    parser.add_argument(
        "--geometry",
        nargs="?",
        const="true",
        choices=("true", "full"),
        help="instead the edits that it is for, with it",
    )
    given = parser.parse_args()
    only, geometry = given.edits.split(","), _GEOMETRIES[given.geometry]
    offered = {name: e for name, e in EDITS.items() if e.geometry == geometry}
    edits = {name: e for name, e in offered.items() if any(text in name for text in only)}
    if not edits:
        parser.error(f"no such edit; there are: {', '.join(offered)}")
    archive = given.data.resolve() / "sem_tiff"
    if not archive.is_dir():
        parser.error(f"{archive}: no such folder; --data names the folder that holds sem_tiff")
    with tempfile.TemporaryDirectory(prefix="semtrace-truth-") as folder:
        results = run(given.data.resolve(), given.every, edits, Desk(Path(folder), geometry))
    print(f"{results.pictures} pictures, {results.strangers} from elsewhere")
    for line in lines(results):
        print(line)


if __name__ == "__main__":
    main()
