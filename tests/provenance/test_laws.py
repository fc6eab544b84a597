"""Laws that hold for any match: what must not depend on what."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from semtrace.core.hashing.phash import to_hex
from semtrace.provenance import match
from tests.pipeline import defaults, grey, publish, run_all, table
from tests.small_archive import name, save, scene


def hash_table(file: Path, hashes: dict[str, np.ndarray], order: random.Random | None = None) -> Path:
    rows = [(path.rsplit("/", 1)[-1], path, to_hex(bits)) for path, bits in hashes.items()]
    if order:
        order.shuffle(rows)
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([("file", "path", "phash"), *rows])
    return file


def families(seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Hashes of an archive with series of near-duplicates, and of what was published from part of it."""
    rng = np.random.default_rng(seed)

    def near(bits: np.ndarray, most: int) -> np.ndarray:
        """Some bits on and as many off, so that a half stays set, as in any hash of a textured picture."""
        copy = bits.copy()
        for value in (True, False):
            copy[rng.choice(np.flatnonzero(bits == value), rng.integers(0, most + 1), replace=False)] ^= True
        return copy

    tiffs, jpegs = {}, {}
    for field in range(25):
        bits = np.zeros(1024, dtype=bool)
        bits[rng.permutation(1024)[:512]] = True
        spread = int(rng.choice([8, 12, 35]))  # how much the frames of a series differ
        for frame in range(int(rng.integers(1, 5))):
            path = f"{field}_{frame}.tif"
            tiffs[path] = near(bits, spread)
            if rng.random() < 0.7:
                jpegs[f"Tips/{field}_{frame}.jpg"] = near(tiffs[path], 10)
    for stranger in range(6):
        bits = np.zeros(1024, dtype=bool)
        bits[rng.permutation(1024)[:512]] = True
        jpegs[f"Tips/stranger_{stranger}.jpg"] = bits
    shape = 32, 32
    return {k: v.reshape(shape) for k, v in tiffs.items()}, {k: v.reshape(shape) for k, v in jpegs.items()}


def traced(tiffs: Path, jpegs: Path, out: Path, *overrides: str) -> dict[str, tuple[str, str]]:
    p = defaults(out.parent, *overrides)
    match.run(tiffs, [jpegs], out, p.match, p.executor)
    return {row["jpeg_path"]: (row["decision"], row["matched_tiff_path"]) for row in table(out / "jpeg_to_tiff.csv")}


@pytest.mark.parametrize("seed", range(4))
def test_swapping_the_two_sets_transposes_a_one_to_one_match(tmp_path, seed):
    one, two = families(seed)
    tiffs, jpegs = hash_table(tmp_path / "t.csv", one), hash_table(tmp_path / "j.csv", two)
    forward = traced(tiffs, jpegs, tmp_path / "forward", "match.one_to_one=on", "match.min_mutual_margin=20")
    backward = traced(jpegs, tiffs, tmp_path / "backward", "match.one_to_one=on", "match.min_mutual_margin=20")
    pairs = {(jpeg, tiff) for jpeg, (decision, tiff) in forward.items() if decision == "matched"}
    assert pairs == {(jpeg, tiff) for tiff, (decision, jpeg) in backward.items() if decision == "matched"}
    assert len({tiff for _, tiff in pairs}) == len(pairs) > 10
    assert any(row["reason"] == "one_to_one" for row in table(tmp_path / "forward/jpeg_to_tiff.csv"))


@pytest.mark.parametrize("one_to_one", ["off", "on"])
def test_the_order_of_rows_changes_nothing(tmp_path, one_to_one):
    one, two = families(7)
    outs = []
    for shuffle in (None, random.Random(1), random.Random(2)):
        tiffs, jpegs = hash_table(tmp_path / "t.csv", one, shuffle), hash_table(tmp_path / "j.csv", two, shuffle)
        traced(tiffs, jpegs, tmp_path / "out", f"match.one_to_one={one_to_one}")
        outs.append([(tmp_path / "out" / file).read_bytes() for file in ("jpeg_to_tiff.csv", "tiff_to_jpeg.csv")])
    assert outs[0] == outs[1] == outs[2]


@pytest.mark.parametrize("seed", range(4))
def test_one_more_original_turns_no_answer_into_another(tmp_path, seed):
    """Whatever joins the archive, a stranger or one more frame of a series: a match stays, or becomes ambiguous."""
    one, two = families(seed)
    jpegs = hash_table(tmp_path / "j.csv", two)
    before = traced(hash_table(tmp_path / "t.csv", one), jpegs, tmp_path / "before")
    rng = np.random.default_rng(seed + 100)
    for _ in range(3):
        new = one[str(rng.choice(sorted(one)))].copy() if rng.random() < 0.7 else rng.random((32, 32)) < 0.5
        new.flat[rng.integers(0, 1024, 20)] ^= True
        after = traced(hash_table(tmp_path / "t.csv", {**one, "new.tif": new}), jpegs, tmp_path / "after")
        for jpeg, (decision, tiff) in before.items():
            if decision == "matched" and after[jpeg][1] != "new.tif":
                assert after[jpeg] in ((decision, tiff), ("ambiguous", tiff))


def test_scaling_16_bit_intensities_changes_nothing(tmp_path):
    """One scene recorded with little and with much gain; each is traced from the 8-bit picture published of it."""
    (tmp_path / "known").mkdir()
    rows = []
    for gain, offset in ((3, 0), (40, 1000), (200, 14000)):
        root = tmp_path / str(gain)
        for seed in range(3):
            save(root / "archive" / f"{seed}.tif", scene(seed).astype(np.uint16) * gain + offset)
            publish(grey(root / "archive" / f"{seed}.tif"), root / "published/Tips" / name(5, str(seed)), quality=90)
        run_all(root / "archive", root / "published", tmp_path / "known", root / "work", defaults(root))
        rows.append((root / "work/match/jpeg_to_tiff.csv").read_bytes())
        assert {row["decision"] for row in table(root / "work/match/jpeg_to_tiff.csv")} == {"matched"}
    assert rows[0] == rows[1] == rows[2]
