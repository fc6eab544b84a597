from __future__ import annotations

import os
from pathlib import Path

import pytest

from semtrace.io.folders import entries, extended, inside, is_bare, is_reserved, mount_point, path_in, remove_if_empty

LONG = "x" * 250


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("C:\\short", "C:\\short"),
        (f"C:\\{LONG}", f"\\\\?\\C:\\{LONG}"),
        (f"\\\\server\\share\\{LONG}", f"\\\\?\\UNC\\server\\share\\{LONG}"),
        (f"\\\\?\\C:\\{LONG}", f"\\\\?\\C:\\{LONG}"),
        (LONG, LONG),
    ],
)
def test_long_windows_paths_are_written_as_extended_ones(path: str, written: str):
    assert extended(path) == written


def test_posix_paths_become_native_ones():
    assert path_in("F:\\Imaging", "a/b.bmp", windows=True) == "F:\\Imaging\\a\\b.bmp"
    assert path_in("\\\\server\\share", "a/b.bmp", windows=True) == "\\\\server\\share\\a\\b.bmp"
    assert path_in("F:\\", "", windows=True) == "F:\\"
    assert path_in("/raw", "a/b.bmp", windows=False) == "/raw/a/b.bmp"
    assert path_in("/raw", "", windows=False) == "/raw"


@pytest.mark.parametrize(
    ("path", "reserved"),
    [
        ("C:\\data\\nul", True), ("com1.txt", True), ("a/Aux/b", True), ("ends.", True), ("ends ", True),
        ("C:\\data\\null", False), ("com10", False), ("../archive", False), ("/srv/unique", False),
    ],
)  # fmt: skip
def test_names_that_windows_takes_for_devices(path: str, reserved: bool):
    assert is_reserved(path) is reserved


def test_inside_follows_links_and_goes_up(tmp_path: Path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert inside(str(tmp_path / "a/b"), str(tmp_path / "a"))
    assert inside(str(tmp_path / "link/b"), str(tmp_path / "a"))
    assert inside(str(tmp_path / "a"), str(tmp_path / "link"))
    assert not inside(str(tmp_path / "a"), str(tmp_path / "a/b"))
    assert not inside(str(tmp_path / "ab"), str(tmp_path / "a"))


def test_entries_tell_files_folders_and_the_rest(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"12")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    found = {entry.name: entry for entry in entries(str(tmp_path))}
    assert {name: entry.kind for name, entry in found.items()} == {
        "folder": "folder", "file": "file", "link": "other", "pipe": "other",
    }  # fmt: skip
    assert found["file"].signature.bytes == 2


def test_bare_is_what_is_empty_or_not_there(tmp_path: Path):
    assert is_bare(str(tmp_path))
    assert is_bare(str(tmp_path / "missing"))
    (tmp_path / "file").touch()
    assert not is_bare(str(tmp_path))


def test_only_an_empty_folder_is_removed(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "empty").mkdir()
    assert not remove_if_empty(str(tmp_path / "full"))
    assert remove_if_empty(str(tmp_path / "empty"))
    assert not remove_if_empty(str(tmp_path / "missing"))


def test_a_mount_point_is_one(tmp_path: Path):
    assert os.path.ismount(mount_point(str(tmp_path / "missing/deeper")))
    assert mount_point("/proc/self") == "/proc"
