"""`make dag`: the stages of the main pipeline in their order, each with the ones that it waits for directly."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable


def print_stages() -> int:
    """Ask DVC and print; 1 where DVC fails."""
    command = [sys.executable, "-m", "dvc", "dag", "--dot", "--full", "report"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if asked.returncode:
        print(asked.stderr, file=sys.stderr)
        return 1
    found = re.findall(r'"([^"]+)" -> "([^"]+)"', asked.stdout)
    lines = ordered(edge for edge in found if not any("pipelines/" in name for name in edge))
    print(
        "\n".join(f"{stage:<20} {', '.join(before)}".rstrip() for stage, before in [("stage", ["waits for"]), *lines])
    )
    return 0


def ordered(edges: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Stages in an order in which they can run, each with those that no other one it waits for waits for already.

    Args:
        edges: (before, after), without a cycle.
    """
    waits: dict[str, set[str]] = {}
    for before, after in edges:
        waits.setdefault(before, set())
        waits.setdefault(after, set()).add(before)
    every: dict[str, set[str]] = {}
    result = []
    while len(every) < len(waits):
        for stage in sorted(name for name in waits if name not in every and waits[name] <= every.keys()):
            further = set().union(*(every[one] for one in waits[stage]))
            result.append((stage, sorted(waits[stage] - further)))
            every[stage] = waits[stage] | further
    return result


if __name__ == "__main__":
    sys.exit(print_stages())
