"""How much two partitions of the same images agree, with the references that a score must be seen against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Scores of a clustering against known labels; entropies and information in bits.

    Attributes:
        mutual_information: shared information, bits.
        nmi: over the geometric mean of both entropies, 0 to 1; 0 where one side is a single cluster.
        nmi_arithmetic: over their arithmetic mean, as scikit-learn does since 0.22; so it is the V-measure too.
        ami: adjusted mutual information, over the arithmetic mean: 0 is chance, whatever the number of clusters.
        ari: adjusted Rand index.
        homogeneity: share of the labels' entropy that the clusters explain.
        completeness: share of the clusters' entropy that the labels explain.
        v_measure: harmonic mean of both.
        purity: share of images that have the commonest label of their cluster.
        largest_share: share of images in the largest cluster.
        singletons: clusters of one image.
        note: why a score is 0 by definition; empty otherwise.

    """

    mutual_information: float
    nmi: float
    nmi_arithmetic: float
    ami: float
    ari: float
    homogeneity: float
    completeness: float
    v_measure: float
    purity: float
    largest_share: float
    singletons: int
    note: str


def entropy(counts: NDArray[np.int64]) -> float:
    """Entropy in bits of a partition with these cluster sizes."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum()) + 0.0


def agreement(clusters: Labels, known: Labels) -> Agreement:
    """Compare a clustering with known labels.

    Args:
        clusters: one whole number an image, shape (N,), N at least 1. Noise is a label like any other.
        known: the same of the labels.

    Raises:
        ValueError: no images, or the shapes differ.

    """
    if len(clusters) == 0 or clusters.shape != known.shape:
        raise ValueError(f"labels of {clusters.shape} and {known.shape} images; there must be as many, and one or more")
    # slow to import, and rarely needed
    from sklearn.metrics.cluster import adjusted_rand_score, contingency_matrix, expected_mutual_information

    table = np.asarray(contingency_matrix(known, clusters))
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), int(table.sum())
    known_bits, cluster_bits = entropy(rows), entropy(columns)
    shared = _shared_bits(table)
    note = " and ".join(
        f"the {name} are one cluster" for name, bits in (("labels", known_bits), ("clusters", cluster_bits)) if not bits
    )
    arithmetic = 2 * shared / (known_bits + cluster_bits) if not note else 0.0
    expected = float(expected_mutual_information(table, total)) / float(np.log(2)) if not note else 0.0
    mean = (known_bits + cluster_bits) / 2
    chance = abs(mean - expected) < 1e-12  # all clusters have one image: only the same partition is better
    return Agreement(
        mutual_information=shared,
        nmi=shared / float(np.sqrt(known_bits * cluster_bits)) if not note else 0.0,
        nmi_arithmetic=arithmetic,
        ami=0.0 if note else float(mean - shared < 1e-12) if chance else (shared - expected) / (mean - expected),
        ari=float(adjusted_rand_score(known, clusters)) if not note else 0.0,
        homogeneity=shared / known_bits if known_bits else 1.0,
        completeness=shared / cluster_bits if cluster_bits else 1.0,
        v_measure=arithmetic,
        purity=float(table.max(axis=0).sum() / total),
        largest_share=float(columns.max() / total),
        singletons=int((columns == 1).sum()),
        note=f"0 by definition: {note}" if note else "",
    )


def nmi(clusters: Labels, known: Labels) -> float:
    """The ``nmi`` of ``agreement`` alone, in a tenth of its time."""
    from sklearn.metrics.cluster import contingency_matrix

    table = np.asarray(contingency_matrix(known, clusters))
    return _shared_bits(table) / float(np.sqrt(bits)) if (bits := _entropies(table)) else 0.0


def _entropies(table: Labels) -> float:
    """Product of the entropies of both sides, bits squared."""
    return entropy(table.sum(axis=1)) * entropy(table.sum(axis=0))


def _shared_bits(table: Labels) -> float:
    """Mutual information of a contingency table, bits; not below 0, nor above either entropy."""
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), int(table.sum())
    where = np.nonzero(table)
    joint = table[where] / total
    shared = float((joint * np.log2(joint * total * total / (rows[where[0]] * columns[where[1]]))).sum())
    return min(max(shared, 0.0), entropy(rows), entropy(columns))


def halved(known: Labels, k: int) -> Labels:
    """A refinement of the known labels with ``k`` clusters: the largest is halved until there are so many.

    With k below the number of labels the smallest two clusters are joined instead.

    Raises:
        ValueError: more clusters than images.

    """
    if not 1 <= k <= len(known):
        raise ValueError(f"{k} clusters of {len(known)} images cannot be made")
    parts = [np.flatnonzero(known == value) for value in np.unique(known)]
    while len(parts) < k:
        largest = max(range(len(parts)), key=lambda i: (len(parts[i]), -i))
        whole = parts[largest]
        parts[largest : largest + 1] = [whole[: (len(whole) + 1) // 2], whole[(len(whole) + 1) // 2 :]]
    while len(parts) > k:
        first, second = sorted(sorted(range(len(parts)), key=lambda i: (len(parts[i]), i))[:2])
        parts[first] = np.concatenate([parts[first], parts.pop(second)])
    labels = np.empty(len(known), np.int64)
    for number, part in enumerate(parts):
        labels[part] = number
    return labels


def orthogonal(known: Labels, k: int) -> Labels:
    """A partition in ``k`` clusters that cuts every label alike: images sorted by label are dealt out in turn."""
    labels = np.empty(len(known), np.int64)
    labels[np.argsort(known, kind="stable")] = np.arange(len(known)) % k
    return labels


def uniform(known: Labels, k: int, rng: np.random.Generator) -> Labels:
    """A partition in ``k`` clusters of equal size, or nearly, that knows nothing of the labels."""
    return rng.permutation(np.arange(len(known)) % k).astype(np.int64)


def jaccard(members: NDArray[np.int64], others: NDArray[np.int64]) -> float:
    """Shared members over all members of two sets of rows."""
    shared = len(np.intersect1d(members, others, assume_unique=True))
    return shared / (len(members) + len(others) - shared) if len(members) + len(others) else 1.0


def best_jaccard(clusters: Labels, others: Labels) -> NDArray[np.float64]:
    """For every cluster the Jaccard index with the most similar cluster of another partition of the same images.

    Args:
        clusters: numbered from 0, shape (N,).
        others: likewise.

    Returns:
        Shape (number of clusters,), 0 to 1; NaN for a number without images.

    """
    table = np.zeros((clusters.max() + 1, others.max() + 1), np.int64)
    np.add.at(table, (clusters, others), 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    with np.errstate(invalid="ignore", divide="ignore"):
        best = (table / union).max(axis=1)
    best[table.sum(axis=1) == 0] = np.nan
    return np.asarray(best, dtype=np.float64)
