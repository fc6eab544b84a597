from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from semtrace.io.scratch import ScratchFile


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[ScratchFile]:
    made = ScratchFile(tmp_path, least_free=0)
    yield made
    made.close()


def test_what_was_kept_comes_back_until_it_is_forgotten(kept: ScratchFile):
    assert kept.put("a", b"one")
    assert kept.put("b", b"other")
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (b"one", b"other", None)
    kept.forget("a")
    kept.forget("a")
    assert (kept.get("a"), kept.get("b")) == (None, b"other")


def test_room_is_used_again(kept: ScratchFile):
    kept.put("first", b"1" * 100)
    for number in range(50):
        kept.put(number, b"x" * 100)
        kept.forget(number)
    assert kept.get("first") == b"1" * 100
    kept.put("last", b"y" * 100)
    assert kept._end == 200


def test_no_file_has_a_name_and_none_is_left(tmp_path: Path, kept: ScratchFile):
    kept.put("a", b"one")
    assert list(tmp_path.iterdir()) == []
    kept.close()
    assert kept.get("a") is None
    assert kept.put("a", b"two")
    assert kept.get("a") == b"two"


def test_a_disk_with_little_room_is_left_to_others(tmp_path: Path):
    assert not ScratchFile(tmp_path, least_free=1 << 60).put("a", b"one")


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path):
    kept = ScratchFile(tmp_path / "missing", least_free=0)
    assert not kept.put("a", b"one")
    assert kept.get("a") is None


def test_bytes_that_come_back_changed_are_not_given(kept: ScratchFile):
    kept.put("a", b"one")
    kept._file.seek(0)
    kept._file.write(b"two")
    assert kept.get("a") is None
