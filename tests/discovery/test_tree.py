from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.grouping.agglomerative import cut_tree, merges
from semtrace.discovery import tree


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.integers(1, 30), st.sampled_from(["ward", "single", "centroid"]), st.integers(0, 10**6))
def test_leaves_are_the_cut_and_every_node_is_its_children(count, leaves, method, seed):
    merged = merges(np.random.default_rng(seed).normal(size=(count, 2)), method)
    leaves = min(leaves, count)
    found = tree.nodes(merged, [f"m{row}" for row in range(count)], leaves)
    by_id = {node.id: node for node in found}
    ends = [node for node in found if not node.children]
    labels = np.empty(count, int)
    for number, node in enumerate(ends):
        labels[node.rows] = number
    known = cut_tree(merged, leaves)
    assert len(set(zip(labels, known, strict=True))) == leaves == len(ends)
    assert found[0].parent == ""
    assert len(found[0].rows) == count
    for node in found:
        if node.children:
            parts = [by_id[name].rows for name in node.children]
            assert len(parts[0]) >= len(parts[1])
            assert np.array_equal(np.sort(np.concatenate(parts)), node.rows)
            assert all(by_id[name].parent == node.id and by_id[name].depth == node.depth + 1 for name in node.children)


def test_an_id_is_the_members_whatever_their_order():
    assert tree.node_id(["b", "a"]) == tree.node_id(["a", "b"]) != tree.node_id(["a"])
    assert len(tree.node_id(["a"])) == 12


def test_a_split_leaf_has_its_two_parts():
    merged = merges(np.arange(6.0)[:, None] ** 2, "ward")
    md5s = [f"m{row}" for row in range(6)]
    before = tree.nodes(merged, md5s, 2)
    leaf = max((node for node in before if not node.children), key=lambda node: len(node.rows))
    after = tree.nodes(merged, md5s, 2, {leaf.id}.__contains__)
    assert sum(not node.children for node in after) == 3
    assert next(node for node in after if node.id == leaf.id).children


def test_heaps_are_stable_and_halves_of_a_heap_are_not():
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.normal(middle, 1, (40, 2)) for middle in (0, 30)])
    md5s = [f"m{row:02}" for row in range(80)]
    merged = merges(points, "ward")
    found = tree.nodes(merged, md5s, 4)
    stable = tree.stability(found, points, lambda part: merges(part, "ward"), 6, 1)
    heaps = [node for node in found if node.depth == 1]
    assert all(stable[node.id] == pytest.approx(1.0) for node in heaps)
    ends = [node for node in found if not node.children]
    assert np.mean([stable[node.id] for node in ends]) < 0.95
