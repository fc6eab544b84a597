from __future__ import annotations

import json
from dataclasses import replace

import pytest

from semtrace import __version__
from semtrace.core.errors import InputError
from semtrace.stage import claim

MINE = claim.Claim("müller", "data/raw/archive", "data/raw/published", "data/raw/known")


def test_a_claim_is_read_as_it_was_written(tmp_path):
    work = tmp_path / "work"
    assert claim.read_claim(work) is None
    claim.check_claim(work, MINE)
    claim.run(work, MINE)
    assert claim.read_claim(work) == MINE
    assert claim.headline(work) == f"semtrace {__version__}, {MINE}\n"
    assert json.loads((work / "dataset.json").read_bytes())["name"] == "müller"


@pytest.mark.parametrize("other", [{"name": "b"}, {"archive": "/mnt/b"}, {"published": "/mnt/b"}])
def test_another_dataset_is_refused_and_nothing_changes(tmp_path, other):
    claim.run(tmp_path, MINE)
    before = (tmp_path / "dataset.json").read_bytes()
    for function in (claim.check_claim, claim.run):
        with pytest.raises(
            InputError, match=rf"results of dataset müller .*mv {tmp_path} {tmp_path}-müller.*--replace"
        ):
            function(tmp_path, replace(MINE, **other))
    assert (tmp_path / "dataset.json").read_bytes() == before


@pytest.mark.parametrize(
    ("archive", "overrides"),
    [
        ("/mnt/a", "dataset=own dataset.archive=/mnt/a dataset.published=data/raw/published"),
        ("/mnt/a b", "dataset=own 'dataset.archive='\"'\"'/mnt/a b'\"'\"'' dataset.published=data/raw/published"),
    ],
)
def test_the_refusal_has_the_command_that_goes_on_with_the_results(tmp_path, archive, overrides):
    claim.run(tmp_path, replace(MINE, name="own", archive=archive))
    with pytest.raises(InputError) as refused:
        claim.check_claim(tmp_path, MINE)
    assert f"To go on with them, `semtrace repro {overrides}`" in str(refused.value)


def test_what_is_known_of_a_dataset_may_lie_elsewhere(tmp_path):
    claim.run(tmp_path, MINE)
    claim.run(tmp_path, moved := replace(MINE, known="/mnt/known"))
    assert claim.read_claim(tmp_path) == moved


def test_replacing_leaves_nothing_of_the_other_dataset(tmp_path):
    work, outside = tmp_path / "work", tmp_path / "outside"
    claim.run(work, MINE)
    outside.mkdir()
    (outside / "kept").touch()
    (work / "sweep").mkdir()
    (work / "sweep/sweep.csv").touch()
    (work / "label").symlink_to(outside)
    claim.run(work, MINE, replace=True)  # the same dataset: nothing to replace
    assert (work / "sweep/sweep.csv").exists()
    claim.run(work, other := replace(MINE, name="other"), replace=True)
    assert [path.name for path in work.iterdir()] == ["dataset.json"]
    assert claim.read_claim(work) == other
    assert (outside / "kept").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a"}', '{"name": "a", "more": 1}'])
def test_a_damaged_claim_is_an_error(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json: damaged"):
        claim.read_claim(tmp_path)
