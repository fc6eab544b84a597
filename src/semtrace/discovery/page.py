"""The page that shows the tree: plain HTML with pictures beside it, no script, nothing from a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from semtrace.discovery import methods
from semtrace.discovery.feature_sets import FeatureSet
from semtrace.discovery.tree import Node

if TYPE_CHECKING:
    from semtrace.discovery.discover import Settings

NEAREST, FARTHEST, RANDOM = 12, 6, 6
PageRows = Sequence[Mapping[str, Any]]
_HALF = 0.5  # of a node: less of one category does not name it
_SEEN = 0.05  # AMI: what agrees less is not worth a word; tree.csv has it
_POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --mark: #b45309; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
details { border-left: 2px solid var(--line); padding-left: .7rem; margin: .3rem 0; }
summary { cursor: pointer; padding: .15rem 0; overflow-wrap: anywhere; }
summary small, figcaption { opacity: .8; }
.mark { color: var(--mark); font-weight: 600; }
.sheet { display: flex; flex-wrap: wrap; gap: 4px; margin: .3rem 0 .6rem; }
.sheet a { color: inherit; text-decoration: none; }
.sheet figure { margin: 0; width: 100px; } .sheet img { width: 100px; height: 84px; object-fit: cover; display: block; }
figcaption { font-size: 11px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.medoid img { outline: 3px solid var(--mark); }
.curve { max-width: 100%; height: auto; background: white; }
.rest { font-size: 12px; overflow-wrap: anywhere; }
.sheet:target { background: var(--line); }
@media (max-width: 40rem) { details details { padding-left: .25rem; } }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .7rem .15rem 0; vertical-align: top; }
.wide { overflow-x: auto; }
"""


@dataclass(frozen=True, eq=False)
class Shown:
    """Which points stand for each node: medoid, nearest, farthest, random; and those of the two lists."""

    of: dict[str, tuple[int, list[int], list[int], list[int]]]
    listed: list[int]

    def rows(self) -> list[int]:
        """All points that are shown, ascending."""
        chosen = set(self.listed)
        for medoid, *parts in self.of.values():
            chosen |= {medoid, *(row for part in parts for row in part)}
        return sorted(chosen)


def shown(found: Sequence[Node], loaded: FeatureSet, suspects: PageRows, outliers: PageRows, seed: int) -> Shown:
    """Choose the points; random ones by seed and node, so that a rerun shows the same."""
    of = {}
    for node in found:
        medoid = methods.medoid_of(loaded.points, node.rows)
        away = ((loaded.points[node.rows] - loaded.points[medoid]) ** 2).sum(axis=1)
        order: NDArray[np.int64] = node.rows[np.lexsort((node.rows, away))]
        ordered = [int(row) for row in order if row != medoid]
        near, rest = ordered[:NEAREST], ordered[NEAREST:]
        far = rest[-FARTHEST:] if rest else []
        rest = rest[: len(rest) - len(far)]
        rng = np.random.default_rng([seed, int(node.id, 16)])
        drawn = sorted(int(rest[i]) for i in rng.permutation(len(rest))[:RANDOM])
        of[node.id] = medoid, near, far, drawn
    place = {paths[0]: row for row, paths in enumerate(loaded.members)}
    return Shown(of, sorted({place[row["path"]] for row in [*suspects, *outliers]}))


def html(
    tree_rows: PageRows,
    chosen: Shown,
    loaded: FeatureSet,
    categories: Sequence[str],
    suspects: PageRows,
    outliers: PageRows,
    unused: PageRows,
    settings: Settings,
    name: str,
    curves: Mapping[str, str],
) -> str:
    """The whole page; ``curves`` are pictures in ``assets/`` by their title."""
    below: dict[str, list[Mapping[str, Any]]] = {}
    for row in tree_rows:
        below.setdefault(row["parent"], []).append(row)
    within = f" within {escape(settings.within)}" if settings.within else ""
    ends = [row for row in tree_rows if row["node"] not in below]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>Proposed sub-categories{within}</title><style>{_STYLE}</style>",
        f"<h1>Proposed sub-categories{within}</h1>",
        f"<p>{loaded.images} images, {len(loaded.points)} of them different, in {len(ends)} sub-categories: "
        f"{settings.method} linkage of {escape(name)}. Nothing here is a decision. Write names, merges, splits and "
        f"refusals into "
        f"<code>{escape(settings.names or 'names.csv')}</code> (node, name, decision, who, when) and run again.</p>",
        "<p>Stability is the mean Jaccard index with the same cluster in trees of 80 % of the images: above 0.75 it is "
        'found again. <span class=mark>An instrument, not a shape</span> marks a node that agrees more with an '
        "attribute of the recording than with the category.</p>",
    ]  # fmt: skip
    parts += _list(
        "Likely label errors", "foreign images in a leaf of nearly one category", suspects, loaded, "cluster_category"
    )
    parts += _list(
        "Outliers",
        "far from the medoid of their leaf, in units of its median distance",
        outliers,
        loaded,
        "times_median",
    )
    if curves:
        parts.append("<h2>Curves</h2>")
        parts += [
            f"<details><summary>{escape(title)}</summary><img class=curve loading=lazy "
            f'src="assets/{escape(file, quote=True)}" alt="{escape(title, quote=True)}"></details>'
            for title, file in curves.items()
        ]
    if unused:
        parts.append("<h2>Names that no node is like</h2><ul>")
        parts += [
            f"<li>{escape(r['node'])}: {escape(r['name'] or r['decision'])} (likeness {r['likeness']})" for r in unused
        ]
        parts.append("</ul>")
    ends.sort(key=lambda row: (row["category"], -row["size"], row["node"]))
    parts.append(f"<h2>All {len(ends)} sub-categories</h2><p>Each by its medoid; a picture leads to its place.</p>")
    parts += ["<div class=sheet>", *(_leaf(row, chosen, loaded) for row in ends), "</div>"]
    parts.append("<h2>The tree</h2>")
    _node(parts, below[""][0], below, chosen, loaded, categories)
    return "\n".join(parts) + "\n"


def _list(title: str, said: str, rows: PageRows, loaded: FeatureSet, last: str) -> list[str]:
    if not rows:
        return []
    place = {paths[0]: row for row, paths in enumerate(loaded.members)}
    parts = [
        f"<h2>{title}</h2><p>{len(rows)} images: {said}.</p><details><summary>Show them</summary><div class=sheet>"
    ]
    for row in rows:
        caption = f"{row['category'] or 'no category'} → {row[last]}"
        parts.append(_figure(loaded, place[row["path"]], caption))
    return [*parts, "</div></details>"]


def _figure(loaded: FeatureSet, row: int, caption: str, kind: str = "") -> str:
    path = escape(loaded.members[row][0], quote=True)
    marked = f' class="{kind}"' if kind else ""
    return (
        f'<figure{marked}><img loading=lazy src="thumbs/{loaded.md5[row]}.jpg" alt="{path}" title="{path}">'
        f'<figcaption title="{escape(caption, quote=True)}">{escape(caption)}</figcaption></figure>'
    )


def _leaf(row: Mapping[str, Any], chosen: Shown, loaded: FeatureSet) -> str:
    """The medoid of a leaf, which leads to it: a browser opens all that its pictures lie in."""
    figure = _figure(loaded, chosen.of[row["node"]][0], f"{_name(row)} ({row['size']})")
    return f'<a href="#n{row["node"]}">{figure}</a>'


def _name(row: Mapping[str, Any]) -> str:
    """A person's name for a node, else its category where that is half of it or more."""
    mixed = row["category"] and (row["purity"] or 0.0) < _HALF
    return str(row["name"] or ("mixed" if mixed else row["category"]) or "no category")


def _node(
    parts: list[str],
    row: Mapping[str, Any],
    below: Mapping[str, list[Mapping[str, Any]]],
    chosen: Shown,
    loaded: FeatureSet,
    categories: Sequence[str],
) -> None:
    leaf = row["node"] not in below
    facts = [f"{row['size']} different images"]
    if row["purity"] is not None:
        facts.append(f"{row['purity']:.0%} {escape(row['category'])}")
    if row["stability"] is not None:
        facts.append(f"stability {row['stability']:.2f}")
    if row["confounder"] and row["confounder_ami"] >= _SEEN:
        facts.append(f"{escape(row['confounder'])} {escape(row['confounder_value'])} (AMI {row['confounder_ami']:.2f})")
    if row["decision"]:
        facts.append(f"decision: {escape(row['decision'])}")
    mark = " <span class=mark>an instrument, not a shape</span>" if row["is_confounded"] else ""
    is_open = " open" if row["depth"] < 2 else ""
    said = f"<small>{'; '.join(facts)} · <code>{row['node']}</code></small>"
    name = escape(_name(row))
    parts.append(f"<details{is_open}><summary><b>{name}</b>{mark} {said}</summary>")
    medoid, near, far, drawn = chosen.of[row["node"]]
    sheet = [_figure(loaded, medoid, "medoid", "medoid")]
    for kind, rows in (("near", near), ("far", far), ("random", drawn)):
        sheet += [_figure(loaded, point, f"{kind}: {categories[point] or 'no category'}") for point in rows]
    parts += [f'<div class=sheet id="n{row["node"]}">', *sheet, "</div>"]
    for child in below.get(row["node"], []):
        _node(parts, child, below, chosen, loaded, categories)
    if leaf and row["size"] > 1 + len(near) + len(far) + len(drawn):
        parts.append(f"<p class=rest>All {row['size']} are in subcategories.csv under {row['node']}.</p>")
    parts.append("</details>")
