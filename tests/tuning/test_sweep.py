"""A sweep on an archive whose best point is known by construction, and on one run through the whole pipeline."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.tuning import sweep
from semtrace.tuning.settings import SweepSettings
from semtrace.tuning.sweep import Sweep, SweepInputs, SweepPoint
from tests.pipeline import defaults, publish, run_all, table
from tests.small_archive import Done, name, save, scene

TIMES = {"timings.csv", "cost.png"}


def inputs(done: Done, known: Path | None = None) -> SweepInputs:
    return SweepInputs(done.archive, done.published, known or done.known, done.work)


def swept(
    done: Done, out: Path, points, *, known: Path | None = None, precision: float = 0.99, workers: int = 1
) -> Sweep:
    p = defaults(out.parent, workers=workers)
    in_force = SweepPoint(p.hash.size, p.match)
    return sweep.run(
        inputs(done, known), points, in_force, SweepSettings(precision), p.fingerprint, p.executor, out
    )  # fmt: skip


def points(tmp: Path, sizes, **values) -> list[SweepPoint]:
    [(key, tried)] = values.items()
    base = defaults(tmp).match
    return [SweepPoint(size, replace(base, **{key: value})) for size in sizes for value in tried]


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> Done:
    """Pictures a quarter the size of their original, and others of which only another frame of the field is there.

    They are too small to be compared place by place. SSIM and correlation with the own original are 0.973 and 0.964 or
    more, with the other frame at most 0.965 and 0.955: with SSIM from 0.7 the others are wrongly matched, from 0.97
    none is, from 0.99 nothing is found.
    """
    root = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    truth = []
    for seed in range(6):
        field = scene(seed).astype(float)
        frame, other = (
            np.clip(np.round(field + rng.normal(0, 12, field.shape)), 0, 255).astype(np.uint8) for _ in "ab"
        )
        save(root / "archive" / f"{seed}.tif", frame)
        mine = seed < 4
        half = Image.fromarray(frame if mine else other).resize((64, 48))
        target = root / "published/Tips" / name(5, str(seed))
        truth.append((publish(half, target, quality=90), f"{seed}.tif" if mine else "", "Tips"))
    (root / "known").mkdir()
    with (root / "known/truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("jpeg_path", "tiff_path", "category"), *truth])
    parts = root / "archive", root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root)))


def test_the_best_point_is_found(frames, tmp_path):
    done = swept(frames, tmp_path / "sweep", points(tmp_path, (16, 32), min_ssim=(0.7, 0.97, 0.99)))
    counts = [(one.accuracy.found, one.accuracy.wrong) for one in done.judged]
    assert counts == [(4, 2), (4, 0), (0, 0)] * 2
    best = done.judged[done.recommended.index].point
    assert (best.hash_size, best.match.min_ssim) == (32, 0.97)  # of two equals the hash in force
    rows = table(tmp_path / "sweep/sweep.csv")
    assert [row["point"] for row in rows if row["recommended"] == "True"] == ["5"]
    assert [row["precision"] for row in rows[:3]] == ["0.666667", "1.0", ""]
    report = " ".join((tmp_path / "sweep/sweep_report.txt").read_text().split())
    for part in (
        "Recommended: point 5, hash.size=32 match.min_ssim=0.97", "observed, NOT SHOWN", "2 points decide as well",
        'make run set="match.min_ssim=0.97"', "Truth: truth.csv",
    ):  # fmt: skip
        assert part in report
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == sweep.SWEEP_FILES


def test_of_equally_good_points_the_one_in_force_is_recommended(frames, tmp_path):
    """With the strict SSIM in force, though the grid lacks it, looser points that are as good give way."""
    p = defaults(tmp_path, "match.min_ssim=0.97")
    tried = [SweepPoint(size, replace(p.match, min_ssim=0.968)) for size in (16, 32)]
    done = sweep.run(
        inputs(frames), tried, SweepPoint(32, p.match), SweepSettings(0.99), p.fingerprint, p.executor, tmp_path / "out"
    )
    assert [(one.accuracy.found, one.accuracy.wrong) for one in done.judged] == [(4, 0)] * 3
    assert done.recommended.index == done.in_force == 2
    assert "nothing to change: these parameters are in force" in done.report
    assert done.varied == ["hash_size"]  # as the grid says, whatever else is different in force


def test_a_precision_that_no_point_has(frames, tmp_path):
    done = swept(frames, tmp_path / "sweep", points(tmp_path, (32,), min_ssim=(0.6, 0.7)))
    assert done.recommended is None
    assert "No point has the requested precision 0.99; the highest is 0.666667" in done.report


def test_a_threshold_is_of_1024_bits_whatever_the_hash(frames, tmp_path):
    swept(frames, tmp_path / "sweep", points(tmp_path, (8, 16, 32), hamming_threshold=(80,)))
    rows = table(tmp_path / "sweep/sweep.csv")
    assert [(row["hash_size"], row["hamming_bits"], row["hamming_share"]) for row in rows] == [
        ("8", "5.0", "0.078125"), ("16", "20.0", "0.078125"), ("32", "80.0", "0.078125"),
        ("32", "150.0", "0.146484"),  # the parameters in force
    ]  # fmt: skip
    assert [row["in_force"] for row in rows] == ["False", "False", "False", "True"]


def test_a_point_is_a_run_of_the_pipeline_with_its_parameters(done, tmp_path):
    tried = [{"hash.size": 16, "match.min_ssim": 0.95}, {"hash.size": 32, "match.hamming_threshold": 5}]
    asked = []
    for point in tried:
        p = defaults(tmp_path, *(f"{key}={value}" for key, value in point.items()))
        asked.append(SweepPoint(p.hash.size, p.match))
    judged = swept(done, tmp_path / "sweep", asked).judged
    for number, point in enumerate(tried):
        p = defaults(tmp_path, *(f"{key}={value}" for key, value in point.items()))
        whole = run_all(done.archive, done.published, done.known, tmp_path / f"work{number}", p)["validate"]
        assert {key: whole[key] for key in judged[number].metrics if key != "ssim_pairs"} == {
            key: value for key, value in judged[number].metrics.items() if key != "ssim_pairs"
        }
        assert json.loads((tmp_path / f"work{number}/validate/metrics.json").read_text()) == whole


def test_all_but_the_times_is_the_same_whatever_the_workers(frames, tmp_path):
    grid = points(tmp_path, (8, 32), min_ssim=(0.7, 0.97))
    for workers in (1, 2):
        swept(frames, tmp_path / f"{workers}/sweep", grid, workers=workers)
    for file in sorted(sweep.SWEEP_FILES - TIMES):
        assert (tmp_path / "1/sweep" / file).read_bytes() == (tmp_path / "2/sweep" / file).read_bytes(), file


def test_without_truth_the_counts_are_there_and_accuracy_is_unknown(frames, tmp_path):
    done = swept(frames, tmp_path / "sweep", points(tmp_path, (32,), min_ssim=(0.7, 0.97)), known=tmp_path / "nothing")
    assert (done.recommended, done.basis) == (None, "nothing")
    assert "Accuracy is unknown: no truth.csv" in done.report
    rows = table(tmp_path / "sweep/sweep.csv")
    assert [(row["matched"], row["ambiguous"], row["accuracy"]) for row in rows] == [("6", "0", ""), ("4", "2", "")]
    files = {path.name for path in (tmp_path / "sweep").iterdir()}
    assert files == sweep.SWEEP_FILES - {"precision_recall.png"}


def test_before_the_pipeline_has_run(frames, tmp_path):
    before = SweepInputs(frames.archive, frames.published, frames.known, tmp_path / "work")
    p = defaults(tmp_path)
    with pytest.raises(InputError, match="make run"):
        sweep.run(
            before, points(tmp_path, (32,), min_ssim=(0.7,)), SweepPoint(32, p.match), SweepSettings(0.9),
            p.fingerprint, p.executor, tmp_path / "sweep",
        )  # fmt: skip
    assert not (tmp_path / "sweep").exists()
