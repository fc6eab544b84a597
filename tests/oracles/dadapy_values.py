"""Write what DADApy says of small seeded sets to CSV files beside this one: `make oracles`.

DADApy needs numpy below 2 and an old jax, so it lives in an environment of its own (requirements.txt here). The tests
read the files; the points are in them, so no random generator of another version matters.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from dadapy import Data

HERE = Path(__file__).resolve().parent
Z, K = (1.0, 1.65, 3.0), 30


def sets() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(20)
    angle, ring = rng.uniform(0, 2 * np.pi, 1600), np.repeat([0.5, 1.0], 800)
    rings = np.c_[ring * np.cos(angle), ring * np.sin(angle)] + rng.normal(0, 0.02, (1600, 2))
    middles = rng.uniform(-6, 6, (5, 2))
    blobs = np.concatenate(
        [m + rng.normal(0, s, (100, 2)) for m, s in zip(middles, (0.4, 0.7, 1.0, 0.5, 1.3), strict=True)]
    )
    deep = np.concatenate([rng.normal(m, 1.0, (120, 10)) for m in (0.0, 2.0, 5.0)])
    return {"rings": rings.round(6), "blobs": blobs.round(6), "deep": deep.round(6)}


def write(name: str, header: str, columns: np.ndarray) -> None:
    np.savetxt(HERE / name, columns, delimiter=",", header=header, comments="", fmt="%.12g")


def main() -> None:
    for name, points in sets().items():
        data = Data(points, verbose=False)
        data.compute_distances(maxk=100)
        dimension, _, _ = data.compute_id_2NN(mu_fraction=0.9)
        data.compute_density_kNN(K)
        columns, names = [data.log_den, data.log_den_err], ["log_density", "error"]
        for z in Z:
            columns += [data.compute_clustering_ADP(Z=z).copy(), data.compute_clustering_ADP(Z=z, halo=True).copy()]
            names += [f"z{z:g}", f"halo{z:g}"]
        coordinates = [f"x{i}" for i in range(points.shape[1])]
        write(f"adp_{name}.csv", ",".join(["dimension", *coordinates, *names]),
              np.column_stack([np.full(len(points), dimension), points, *columns]))  # fmt: skip
    line = np.random.default_rng(3).uniform(0, 100, (1000, 1)).round(9)
    data = Data(line, verbose=False)
    data.compute_distances(maxk=100)
    fits = [data.compute_id_2NN(mu_fraction=fraction)[0] for fraction in (0.9, 0.7, 0.5)]
    likelihood = data.compute_id_2NN(algorithm="ml")[0]
    gride, _, _ = Data(line, verbose=False).return_id_scaling_gride(range_max=64)
    write("line_points.csv", "x", line)
    rows = [["fit0.9", fits[0]], ["fit0.7", fits[1]], ["fit0.5", fits[2]], ["ml", likelihood]]
    rows += [[f"gride{2**i}", value] for i, value in enumerate(gride)]
    text = "what,dimension\n" + "".join(f"{what},{value:.12g}\n" for what, value in rows)
    (HERE / "line_values.csv").write_text(text)
    from importlib.metadata import version

    made = "".join(f"{name},{version(name)}\n" for name in ("dadapy", "numpy", "scipy", "jax"))
    (HERE / "versions.csv").write_text("package,version\n" + made)
    print("written to", HERE, file=sys.stderr)


if __name__ == "__main__":
    main()
