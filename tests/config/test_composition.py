from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from semtrace.config import composition, params

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(CONF, tmp_path / "conf")
    return tmp_path


def compose(project: Path, *overrides: str) -> None:
    params.write_params(project / "conf", project / "params.yaml", overrides)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def drift(project: Path) -> composition.Drift | None:
    return composition.drift(project / "conf", project / "params.yaml")


@pytest.mark.parametrize("overrides", [(), ("dataset=archive", "match.min_ssim=0.8")])
def test_what_was_just_composed_is_no_drift_and_needs_no_hydra(project, monkeypatch, overrides):
    compose(project, *overrides)
    monkeypatch.setattr(params, "composed", None)  # would fail where it is called
    assert drift(project) is None


def test_the_key_that_was_edited_is_named_and_no_other(project):
    compose(project, "executor.workers=1")
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    found = drift(project)
    assert found == composition.Drift(("match.min_ssim is 0.7 in params.yaml and 0.8 in conf/",), ())
    assert "match.min_ssim" in str(found)
    assert drift(project) == found  # not only the first time
    compose(project, "executor.workers=1")
    assert drift(project) is None


def test_an_edit_of_a_group_that_an_override_chose_is_seen(project):
    compose(project, "dataset=archive")
    edit(project / "conf/dataset/archive.yaml", "archive: data/raw/archive", "archive: /mnt/tiffs")
    assert drift(project).differing == (
        "dataset.archive is 'data/raw/archive' in params.yaml and '/mnt/tiffs' in conf/",
    )


def test_an_edit_of_a_group_that_no_one_chose_is_no_drift(project):
    compose(project)
    edit(project / "conf/hash/phash16.yaml", "size: 16", "size: 8")
    assert drift(project) is None


def test_an_edit_that_an_override_hides_is_named_as_such(project):
    compose(project, "match.min_ssim=0.75", "match.reach=200")
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    found = drift(project)
    assert found.differing == ()
    assert found.overridden == ("match.min_ssim is 0.75 in params.yaml and 0.8 in conf/ (an override of that run)",)


def test_a_comment_changes_nothing(project):
    compose(project)
    with (project / "conf/match/default.yaml").open("a") as file:
        file.write("# a thought\n")
    assert drift(project) is None


def test_what_dvc_has_set_is_no_drift_and_stays_none_beside_one(project):
    compose(project)
    edit(project / "params.yaml", "reach: 300", "reach: 150")  # as `dvc exp run -S` does, which keeps comments
    assert drift(project) is None
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    assert drift(project).differing == ("match.min_ssim is 0.7 in params.yaml and 0.8 in conf/",)


def test_without_the_side_cache_an_edit_is_named_all_the_same(project):
    compose(project, "executor.workers=1")
    shutil.rmtree(project / ".cache")
    assert drift(project) is None  # as in a fresh clone
    shutil.rmtree(project / ".cache")
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    assert drift(project).differing == ("match.min_ssim is 0.7 in params.yaml and 0.8 in conf/",)


def test_a_file_that_was_composed_before_there_was_a_record(project):
    compose(project)
    lines = (project / "params.yaml").read_text().splitlines(keepends=True)
    (project / "params.yaml").write_text("".join(line for line in lines if not line.startswith("# Composed")))
    assert drift(project) is None
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 0.8")
    assert "match.min_ssim" in str(drift(project))


def test_a_conf_that_composes_no_more_is_an_error(project):
    compose(project)
    edit(project / "conf/match/default.yaml", "min_ssim: 0.7", "min_ssim: 7")
    with pytest.raises(params.ParamsError, match=r"min_ssim is 7"):
        drift(project)


def test_where_there_is_no_conf_nothing_is_compared(project):
    compose(project)
    shutil.rmtree(project / "conf")
    assert drift(project) is None


def test_many_keys_are_counted(project):
    compose(project)
    edit(project / "conf/config.yaml", "labels: folders", "labels: alphabetical")
    edit(project / "conf/config.yaml", "hash: phash32", "hash: phash8")
    for old, new in (("0.7", "0.71"), ("150", "140"), ("120", "110"), ("32", "16"), ("300", "310"), ("0.02", "0.03")):
        edit(project / "conf/match/default.yaml", f": {old}", f": {new}")
    assert "more. `semtrace params`" in str(drift(project))
