"""What is said of every node and image of a proposed tree: the rows of its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from semtrace.discovery import explain, feature_sets, methods, names
from semtrace.discovery.looks import digits
from semtrace.discovery.tree import Node


class Proposals:
    """All that is known of the nodes of one tree."""

    def __init__(
        self,
        loaded: feature_sets.FeatureSet,
        found: list[Node],
        stable: Mapping[str, float],
        categories: list[str],
        known: Mapping[str, Mapping[str, str]],
        applied: list[names.Word],
        confounded: float,
        pure: float,
    ) -> None:
        self.loaded, self.found, self.stable, self.categories = loaded, found, stable, categories
        self.attributes = [known.get(paths[0], {}) for paths in loaded.members]
        self.by_id = {node.id: node for node in found}
        self.words = {word.now: word for word in applied if word.now}
        self.confounded, self.pure = confounded, pure
        labels = np.empty(len(loaded.points), np.int64)
        self.leaves = [node for node in found if not node.children]
        for number, node in enumerate(self.leaves):
            labels[node.rows] = number
        self.labels = labels
        self.medoids, self.distance = methods.medoids(loaded.points, labels)
        self.common = {node.id: self._common(node) for node in found}

    def _common(self, node: Node) -> tuple[str, float | None]:
        counts = Counter(self.categories[row] for row in node.rows if self.categories[row])
        if not counts:
            return "", None
        name = min(counts, key=lambda category: (-counts[category], category))
        return name, counts[name] / counts.total()

    def row(self, node: Node) -> dict[str, Any]:
        """The row of ``tree.csv``."""
        category, purity = self.common[node.id]
        why = explain.Explanation("", 0.0, "", False)
        if node.parent:
            rows = self.by_id[node.parent].rows
            inside = np.isin(rows, node.rows, assume_unique=True)
            of, said = [self.attributes[row] for row in rows], [self.categories[row] for row in rows]
            why = explain.explain(inside, of, said, self.confounded)
        word = self.words.get(node.id)
        medoid = methods.medoid_of(self.loaded.points, node.rows)
        return {
            "node": node.id, "parent": node.parent, "depth": node.depth, "size": len(node.rows),
            "images": sum(len(self.loaded.members[row]) for row in node.rows), "height": digits(node.height),
            "category": category, "purity": None if purity is None else digits(purity, 6),
            "stability": digits(self.stable[node.id], 6) if node.id in self.stable else None,
            "confounder": why.attribute, "confounder_ami": digits(why.ami, 6) if why.attribute else None,
            "confounder_value": why.value, "is_confounded": why.is_confounded,
            "medoid": self.loaded.members[medoid][0], "name": word.name if word else "",
            "decision": word.decision if word else "",
        }  # fmt: skip

    def named(self) -> dict[str, tuple[str, str]]:
        """Name and source of every leaf: a person's for it or a node above, else category and place by size."""
        result: dict[str, tuple[str, str]] = {}
        places: Counter[str] = Counter()
        for node in sorted(self.leaves, key=lambda node: (-len(node.rows), node.id)):
            category = self.common[node.id][0] or "Unlabelled"
            places[category] += 1
            proposed = f"{category} {places[category]:02}"
            above: Node | None = node
            said = None
            while above is not None and said is None:
                word = self.words.get(above.id)
                applies = word is not None and (above is node or word.decision in ("merge", "refuse"))
                said = word if applies and word is not None and word.decision != "split" else None
                above = self.by_id.get(above.parent)
            if said is None:
                result[node.id] = proposed, "proposed"
            elif said.decision == "refuse":
                result[node.id] = "", "refused"
            else:
                alike = "" if said.jaccard == 1 else f", alike {said.jaccard:.2f}"
                result[node.id] = said.name, f"named{alike}"
        return result

    def subcategories(self, categories: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Rows of ``subcategories.csv``, one an image, sorted by path."""
        named = self.named()
        rows = sorted((path, row) for row, paths in enumerate(self.loaded.members) for path in paths)
        for path, row in rows:
            node = self.leaves[self.labels[row]]
            name, source = named[node.id]
            yield {
                "md5": self.loaded.contents[path], "path": path, "category": categories.get(path, ""),
                "subcategory": name, "cluster": node.id, "source": source, "distance": digits(self.distance[row]),
                "stability": digits(self.stable[node.id], 6) if node.id in self.stable else None,
            }  # fmt: skip

    def suspects(self) -> list[dict[str, Any]]:
        """Labelled images in a leaf that nearly all belongs to another category, purest leaves first."""
        rows = []
        for node in self.leaves:
            category, purity = self.common[node.id]
            if purity is None or not self.pure <= purity < 1 or len(node.rows) < 4:
                continue
            for row in node.rows:
                if self.categories[row] not in ("", category):
                    rows.append(
                        {
                            "path": self.loaded.members[row][0], "category": self.categories[row], "cluster": node.id,
                            "cluster_category": category, "purity": digits(purity, 6),
                            "distance": digits(self.distance[row]),
                        }
                    )  # fmt: skip
        return sorted(rows, key=lambda row: (-row["purity"], row["path"]))

    def outliers(self) -> list[dict[str, Any]]:
        """The fifty images that are farthest from the medoid of their leaf, in units of its median distance."""
        rows = []
        for number, node in enumerate(self.leaves):
            others = node.rows[node.rows != self.medoids[number]]
            if len(others) < 3:
                continue
            middle = float(np.median(self.distance[others]))
            for row in others if middle > 0 else ():
                rows.append(
                    {
                        "path": self.loaded.members[row][0], "category": self.categories[row], "cluster": node.id,
                        "distance": digits(self.distance[row]), "times_median": digits(self.distance[row] / middle, 6),
                    }
                )  # fmt: skip
        return sorted(rows, key=lambda row: (-row["times_median"], row["path"]))[:50]
