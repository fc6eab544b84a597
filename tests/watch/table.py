"""Print what each rule keeps and loses of the real sets: `python -m tests.watch.table` (docs/watch.md shows it)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from semtrace.watch.settings import Settings
from semtrace.watch.tryout import name_of
from tests.watch import real_sets

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PLAIN = Settings(empty="keep", confirm=0.0)
RULES = [
    replace(PLAIN, threshold=5), PLAIN, replace(PLAIN, hash="dhash"), replace(PLAIN, size=32, threshold=150),
    *(replace(PLAIN, method="mse", mse_threshold=limit) for limit in (25.0, 50.0, 100.0)),
    replace(PLAIN, confirm=0.5), replace(PLAIN, confirm=0.25), Settings(),
]  # fmt: skip


def main() -> None:
    """Print a Markdown table; C is the mean of three seeds of the noise, its losses are of all three."""
    sets = {
        "A": [real_sets.near_duplicates(DATA, "caltech")],
        "B": [real_sets.near_duplicates(DATA, "potatoes_two_folders/v1")],
        "wafer": [real_sets.near_duplicates(DATA, "wafer")],
        "cut": [real_sets.particles(DATA)],
        "C": [real_sets.twice(DATA, seed) for seed in range(3)],
        "D": [real_sets.empty()],
    }
    print(f"| similar if | {' | '.join(sets)} |\n|---|{'---|' * len(sets)}")
    for rule in RULES:
        cells = []
        for given in sets.values():
            results = [real_sets.sort_out(one, rule) for one in given]
            kept, lost = [len(one.kept) for one in results], [len(one.lost) for one in results]
            cells.append(", ".join(f"{k} / {n}" for k, n in zip(kept, lost, strict=True)))
        name = name_of(rule) + ("; empty frames put away" if rule.empty == "archive" else "")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
