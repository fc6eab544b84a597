"""The grid of a sweep in Hydra's language."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from semtrace.config import grid, params
from semtrace.core.errors import InputError

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.fixture
def file(tmp_path):
    written = tmp_path / "params.yaml"
    params.write_params(CONF, written, ["match.reach=290"])
    return written


def points(file: Path, *overrides: str, conf: Path = CONF) -> list[grid.SweepPoint]:
    return grid.expand(conf, file, overrides).points


def test_every_combination_the_last_varying_fastest(file):
    found = points(file, "hash.size=8,32", "match.min_ssim=0.7,0.85,0.95")
    assert [(point.hash_size, point.match.min_ssim) for point in found] == [
        (8, 0.7), (8, 0.85), (8, 0.95), (32, 0.7), (32, 0.85), (32, 0.95),
    ]  # fmt: skip
    assert {point.match.reach for point in found} == {290}  # the rest is as in params.yaml, not as in conf/


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("match.min_ssim=range(0.7,0.9,0.05)", [0.7, 0.75, 0.8, 0.85]),
        ("match.min_ssim=choice(0.9,0.8)", [0.9, 0.8]),
        ("match.min_ssim=sort(0.9,0.8)", [0.8, 0.9]),
        ("match.min_ssim=0.8,0.8,0.9", [0.8, 0.9]),
        ("match.min_ssim=0.8", [0.8]),
    ],
)
def test_lists_ranges_and_choices(file, override, values):
    assert [point.match.min_ssim for point in points(file, override)] == values


def test_words_and_groups_can_be_varied(file):
    assert [point.match.geometry for point in points(file, 'match.geometry="on",false')] == [True, False]
    assert [point.hash_size for point in points(file, "hash=phash8,phash16")] == [8, 16]
    [point] = points(file, "hash=phash8", "match.one_to_one=on")
    assert (point.hash_size, point.match.one_to_one) == (8, True)
    # A file of the group brings all its values, also that which params.yaml has otherwise.
    assert [point.match.reach for point in points(file, "match=default", "hash.size=8,16")] == [300, 300]


def test_a_saved_grid_and_what_is_said_beside_it(file, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    (conf / "experiment/mine.yaml").write_text(
        "# @package _global_\nmatch: {reach: 280}\n"
        "hydra: {sweeper: {params: {hash.size: '8,16', match.min_ssim: 0.8}}}\n"
    )
    found = points(file, "+experiment=mine", conf=conf)
    assert [(one.hash_size, one.match.min_ssim, one.match.reach) for one in found] == [(8, 0.8, 280), (16, 0.8, 280)]
    assert {point.hash_size for point in points(file, "+experiment=mine", "hash.size=32", conf=conf)} == {32}


def test_every_saved_grid_expands(file):
    saved = {"sizes": 81, "thresholds": 420}
    assert {name.stem for name in (CONF / "experiment").iterdir()} == {*saved, "autoencoders"}
    assert {name: len(points(file, f"+experiment={name}")) for name in saved} == saved
    _, tried, axes = grid.expand_params(CONF, file, ["+experiment=autoencoders"], grid.REDUCED)
    assert len(tried) == 60
    assert axes["reduce.hidden"][0] == [[600, 200]]
    assert tried[-1].reduce.order == ["1_a", "1_b", "2", "g"]


def test_a_parameter_follows_another_one_through_the_grid(file):
    """Said in a saved grid or beside it; what is said beside it wins."""
    for words in (["match.hamming_threshold=40,80", "match.reach=${match.hamming_threshold}"], ["+experiment=sizes"]):
        found = points(file, *words)
        assert len({point.match.reach for point in found}) > 1
        assert all(point.match.reach == point.match.hamming_threshold for point in found)
    assert {point.match.reach for point in points(file, "+experiment=sizes", "match.reach=200")} == {200}


@pytest.mark.parametrize("first", ["${match.hamming_threshold}", "${.hamming_threshold}"])
def test_a_parameter_follows_by_way_of_another_one(file, first):
    """It would silently have the value of params.yaml at every point."""
    words = ["match.hamming_threshold=40,80", f"match.ssim_trigger={first}", "match.reach=${match.ssim_trigger}"]
    found = points(file, *words)
    assert [(one.match.hamming_threshold, one.match.ssim_trigger, one.match.reach) for one in found] == [
        (40, 40, 40), (80, 80, 80),
    ]  # fmt: skip


def test_what_is_no_axis_holds_for_the_sweep(file):
    found = grid.expand(CONF, file, ["match.min_ssim=0.7,0.8", "sweep.precision=0.95", "tracking=off"], workers=3)
    assert (found.params.sweep.precision, found.params.tracking.enabled) == (0.95, False)
    assert found.params.executor.workers == 3
    assert found.axes == {"match.min_ssim": [0.7, 0.8]}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "nothing to sweep"),
        (["match.min_ssim=range(3,3)"], "empty grid"),
        (["match.min_ssim=0.7,"], "sweep"),
        (["match.typo=1,2"], "match.typo: unknown parameter"),
        (["match.typo=1"], "match.typo"),
        (["nonsense=1"], "nonsense"),
        (["convert.quality=90,100"], "convert.quality: a sweep does not repeat"),
        (["match.min_ssim=0.7,1.7"], "match.min_ssim is 1.7"),
        (["match.min_ssim=many,few"], "match.min_ssim"),
        (["hash.size=8,12"], "hash.size is 12"),
        (["match.min_ssim=interval(0,1)"], "single values"),
        (["hash=glob(*)"], "single values"),
        (["+experiment=nowhere"], "nowhere"),
        (["match.reach=range(1,1000)", "match.ssim_trigger=range(1,1000)"], "points are too many"),
        (["sweep.precision=2", "match.min_ssim=0.7,0.8"], "sweep.precision is 2"),
        (["match.hamming_threshold=40,80", "match.reach=${match.hamming_threshold}0"], "match.reach=.* follows one"),
        (["match.min_ssim=0.7,0.8", "sweep.precision=${match.min_ssim}"], "sweep.precision=.* cannot follow"),
    ],
)
def test_bad_grids_are_named_before_any_work(file, overrides, message):
    with pytest.raises(InputError, match=message):
        _ = grid.expand(CONF, file, overrides).params.sweep
