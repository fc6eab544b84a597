from __future__ import annotations

import os

import pytest

from semtrace.io.files import UnsafePathError, place, safe_join, walk, write_atomic, write_staged
from semtrace.io.staging import staged_folder


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up.tif", "a/../../up.tif", "a\0b"])
def test_nothing_outside_the_root_can_be_named(tmp_path, path):
    with pytest.raises(UnsafePathError):
        safe_join(tmp_path, path)


@pytest.mark.parametrize("path", ["a.tif", "Élodie Müller/µ b.tif", "-dash.tif", "a..b/c", "a\\b.tif"])
def test_ordinary_names_join(tmp_path, path):
    assert safe_join(tmp_path, path) == tmp_path / path


def test_walk_is_sorted_and_does_not_follow_links(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.tif").touch()
    (tmp_path / "a.tif").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [relative for relative, _ in walk(tmp_path)] == ["a.tif", "b/2.tif", "loop"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    file = tmp_path / "t.csv"
    write_atomic(file, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_atomic(file, b"new")
    assert file.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_a_staged_folder_comes_whole_or_not_at_all(tmp_path):
    out = tmp_path / "out"
    with staged_folder(out) as folder:
        (folder / "a").write_text("1")
        assert not out.exists()
    with pytest.raises(ZeroDivisionError), staged_folder(out) as folder:
        (folder / "b").write_text(str(1 / 0))
    assert [p.name for p in out.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("link", ["reflink", "hardlink", "copy"])
def test_placing_keeps_content_and_overwrites_nothing(tmp_path, link):
    source, target = tmp_path / "s.tif", tmp_path / "t.tif"
    source.write_bytes(b"pixels")
    how = place(source, target, link=link)
    assert target.read_bytes() == source.read_bytes() == b"pixels"
    assert (how == "hardlink") == (target.stat().st_ino == source.stat().st_ino)
    source.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        place(source, target, link=link)


def test_what_is_staged_never_writes_into_a_file_of_another_name(tmp_path):
    """A worker that took over an earlier file may die, and another one write it again."""
    (tmp_path / "earlier").write_bytes(b"an earlier result")
    os.link(tmp_path / "earlier", tmp_path / "staged")
    write_staged(tmp_path / "staged", b"new")
    assert (tmp_path / "earlier").read_bytes() == b"an earlier result"
    assert (tmp_path / "staged").read_bytes() == b"new"
