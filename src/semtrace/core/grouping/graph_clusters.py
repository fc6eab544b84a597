"""Two methods on a graph of neighbours, both scikit-learn's: HDBSCAN, which knows noise, and spectral clustering."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from semtrace.core.grouping.agglomerative import numbered_clusters
from semtrace.core.grouping.neighbours import Neighbours, Points, TooFewPointsError


def hdbscan(points: Points, smallest: int) -> NDArray[np.int64]:
    """Clusters of at least ``smallest`` points, numbered by size; -1 is noise. Shape (N,)."""
    if smallest < 2 or len(points) < smallest:
        raise TooFewPointsError(f"clusters of {smallest} points were asked for, there are {len(points)} points")
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(min_cluster_size=smallest, copy=True, n_jobs=1).fit_predict(points)
    return numbered_clusters(np.asarray(found, dtype=np.int64))


def spectral(near: Neighbours, k: int, seed: int) -> NDArray[np.int64]:
    """``k`` clusters from the eigenvectors of the symmetric graph of neighbours, numbered by size. Shape (N,).

    Args:
        near: the neighbours that are joined.
        k: 2 to N - 1.
        seed: of the k-means in the space of eigenvectors.

    """
    count = len(near.indices)
    if not 2 <= k < count:
        raise TooFewPointsError(f"{k} clusters were asked for, there are {count} points")
    rows = np.repeat(np.arange(count), near.k)
    graph = coo_matrix((np.ones(count * near.k), (rows, near.indices.ravel())), shape=(count, count)).tocsr()
    from sklearn.cluster import SpectralClustering

    method = SpectralClustering(
        k, affinity="precomputed", random_state=seed, assign_labels="cluster_qr", eigen_solver="arpack"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Graph is not fully connected")  # its parts are clusters then
        found = method.fit_predict((graph + graph.T) * 0.5)
    return numbered_clusters(np.asarray(found, dtype=np.int64))
