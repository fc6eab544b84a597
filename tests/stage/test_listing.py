"""What a listing takes, and what it leaves out with a reason: system folders, own results, patterns, what is closed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from semtrace.core.errors import InputError
from semtrace.io import files
from semtrace.parallel import system_calls
from semtrace.stage.listing import (
    SYSTEM_FOLDERS,
    check_not_own,
    excluding_pattern,
    index_inputs,
    list_inputs,
    why_left_out,
)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "disk" / "project"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


def listed(root: Path, *exclude: str, inside: str = "") -> dict[str, str]:
    return {one.relative: one.reason.reason if one.reason else "" for one in list_inputs(root, exclude, inside=inside)}


@pytest.mark.parametrize(
    "name",
    [
        "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", ".Trash", ".Trash-1000", ".Trashes", ".snapshot",
        "~snapshot", "#snapshot", "@eaDir", "#recycle", "lost+found", ".ipynb_checkpoints", "__MACOSX",
    ],
)  # fmt: skip
def test_a_folder_of_the_system_is_one_row_wherever_it_lies(tmp_path, name):
    root = tmp_path / "archive"
    put(root, "lab/0.tif", f"{name}/a/1.tif", f"{name}/2.tif", f"lab/{name}/3.tif")
    assert listed(root) == {"lab/0.tif": "", name: "system_folder", f"lab/{name}": "system_folder"}
    assert index_inputs(root).paths == {"lab/0.tif"}


def test_a_file_and_a_longer_name_are_no_folder_of_the_system(tmp_path):
    root = tmp_path / "archive"
    put(root, "lost+found.tif", "my lost+found/1.tif", "Trash/2.tif", "snapshot/3.tif")
    (root / "@eaDir").write_text("a file")
    assert set(listed(root).values()) == {""}
    assert len({pattern.casefold() for pattern in SYSTEM_FOLDERS}) == len(SYSTEM_FOLDERS)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("old", "old", True),
        ("old", "a/OLD", True),
        ("old", "older", False),
        ("*_thumb.tif", "a/b/x_thumb.TIF", True),
        ("a/old", "a/old", True),
        ("a/old", "b/a/old", False),
        ("a/*", "a/x", True),
        ("a/*", "a/x/y", False),
        ("**/old", "a/b/old", True),
        ("**/old", "old", True),
        ("a/**/x.tif", "a/b/c/x.tif", True),
        ("a/**/x.tif", "b/x.tif", False),
        ("M\u00fcller/old", "Mu\u0308ller/old", True),
        ("img_?.tif", "img_12.tif", False),
        ("old/", "a/old", True),
    ],
)
def test_patterns_of_names_and_of_paths(pattern, path, fits):
    assert excluding_pattern(path, ["none", pattern]) == (pattern if fits else "")


def test_what_the_settings_exclude_is_listed_as_such(tmp_path):
    root = tmp_path / "archive"
    put(root, "lab/0.tif", "lab/old/1.tif", "lab/0_thumb.tif")
    assert listed(root, "old", "*_thumb.tif") == {
        "lab/0.tif": "", "lab/old": "excluded", "lab/0_thumb.tif": "excluded"
    }  # fmt: skip
    assert listed(root / "lab", "lab/old", inside="lab")["old"] == "excluded"
    assert why_left_out(root, "lab/old", ["old"]).reason == "excluded"
    assert why_left_out(root, "lab", ["old"]) is None


def test_what_the_project_makes_is_no_input_of_it(project):
    disk = project.parent
    made = ("data/work", "data/work-archive", "data/shards", "data/sharded", "data/releases", ".dvc", ".cache", ".venv")
    put(project, *(f"{folder}/x/1.tif" for folder in made), "data/raw/synthetic/archive/1.tif")
    put(project, "data/raw/archive/1.tif", "mlartifacts/1.tif")
    put(disk, "z/0.tif")
    found = listed(disk)
    assert {path for path, reason in found.items() if not reason} == {"project/data/raw/archive/1.tif", "z/0.tif"}
    assert {path for path, reason in found.items() if reason == "own_output"} == {
        *(f"project/{folder}" for folder in made), "project/data/raw/synthetic", "project/mlartifacts"
    }  # fmt: skip
    assert listed(project / "data/raw/synthetic") == {"archive/1.tif": ""}  # asked for by name, it is an input


def test_results_are_known_behind_a_link_and_in_another_project(project, tmp_path):
    put(tmp_path / "big", "results/label/1.tif", "0.tif")
    (project / "data").mkdir()
    (project / "data/work").symlink_to(tmp_path / "big/results")
    assert listed(tmp_path / "big") == {"0.tif": "", "results": "own_output"}
    other = tmp_path / "other"
    put(other, "copy of work/label/1.tif", "lab/0.tif", "odd/2.tif")
    claim = {"name": "a", "archive": "b", "published": "c", "known": "d"}
    (other / "copy of work/dataset.json").write_text(json.dumps(claim))
    (other / "odd/dataset.json").write_text('{"somebody": "else"}')
    assert listed(other) == {
        "copy of work": "own_output", "lab/0.tif": "", "odd/2.tif": "", "odd/dataset.json": ""
    }  # fmt: skip


def test_an_input_folder_inside_of_own_results_is_refused(project, tmp_path):
    put(project, "data/work/convert/images/a/1.jpg", "data/raw/synthetic/archive/1.tif", "data/raw/published/1.jpg")
    (tmp_path / "link").symlink_to(project / "data/work/convert")
    for folder in (project / "data/work", project / "data/work/convert/images", tmp_path / "link/images"):
        with pytest.raises(InputError, match="which this project makes and replaces"):
            check_not_own(folder, "published")
    for folder in ("data/raw/synthetic/archive", "data/raw/published", "data", "."):
        check_not_own(project / folder, "archive")


def test_a_folder_that_cannot_be_listed_is_a_row_and_the_rest_is_listed(tmp_path, monkeypatch):
    root = tmp_path / "archive"
    put(root, "lab/0.tif", "secret/1.tif", "z/2.tif")
    opened = system_calls.open_without_links

    def closed(path, **how):
        if Path(path).name == "secret":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, **how)

    monkeypatch.setattr(system_calls, "open_without_links", closed)
    found = {one.relative: one.reason for one in list_inputs(root)}
    assert (found.pop("lab/0.tif"), found.pop("z/2.tif")) == (None, None)
    assert found["secret"].reason == "unreadable"
    assert "cannot be listed (Permission denied): nothing in it was read" in found["secret"].detail
    with pytest.raises(PermissionError):
        list(files.walk(root))


def test_a_lack_of_descriptors_is_not_blamed_on_a_folder(tmp_path, monkeypatch):
    put(tmp_path / "archive", "lab/0.tif")
    opened = system_calls.open_without_links

    def short(path, **how):
        if Path(path).name == "lab":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return opened(path, **how)

    monkeypatch.setattr(system_calls, "open_without_links", short)
    with pytest.raises(OSError, match="Too many open files"):
        list(list_inputs(tmp_path / "archive"))
