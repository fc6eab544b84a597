"""Whatever the bytes are: a picture or a reason, within bounds, and nothing else is lost."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semtrace.io import limits
from semtrace.io.images import UnreadableImage, decode
from semtrace.io.vendor_tags import read_vendor
from semtrace.parallel.processes import Crashed, map_images
from tests.hostile import corpus
from tests.io import matrix
from tests.io.test_matrix import wrong

REASONS = {"empty_file", "not_an_image", "truncated", "corrupt", "unsupported", "too_large"}
VALID = corpus.valid()


def ending(data: bytes) -> str:
    """How a file ends in a worker: its digest as a picture, or the reason."""
    try:
        image = decode(data)
        read_vendor(data)
    except UnreadableImage as error:
        return error.reason
    except MemoryError:
        return "out_of_memory"
    assert image.gray.shape == (image.facts.height, image.facts.width)
    assert image.gray.dtype == np.uint8
    return "picture"


def ends(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Name -> how each file ended; fails where one killed its worker, whether by a fault, time or memory."""
    named = list(files)
    found = map_images(ending, [data for _, data in named], workers=2, what="hostile")
    result = {
        name: end if isinstance(end, str) else f"crashed: {end.detail}"
        for (name, _), end in zip(named, found, strict=True)
    }
    assert not {name: end for name, end in result.items() if end not in REASONS | {"picture", "out_of_memory"}}
    print(len(result), dict(Counter(result.values())))
    return result


def test_directories_that_lie_end_as_a_picture_or_a_reason():
    found = ends(corpus.broken())
    assert found["300,000 empty directories"] in REASONS
    assert found["next is itself, classic <"] == found["next is end, big >"] == "picture"


def test_damaged_streams_end_as_a_picture_or_a_reason():
    assert {"picture", "corrupt"} <= set(ends(corpus.damaged()).values())


@pytest.mark.heavy
def test_bombs_end_as_a_picture_or_a_reason():
    found = ends(corpus.bombs())
    assert found["2^20 x 2^20"] == "too_large"
    assert found["11,000 x 11,000"] == "picture"  # large, but not too large
    assert found["11,000 x 11,000 RGB"] == "out_of_memory"


def test_sound_files_of_every_kind_are_pictures_or_unsupported():
    found = ends(VALID.items())
    odd = {name: end for name, end in found.items() if end != "picture"}
    assert set(odd.values()) <= {"unsupported", "corrupt"}
    assert all(name.endswith("bits.tif") for name in odd), odd


@pytest.mark.heavy
@pytest.mark.parametrize("write", [matrix.hand_written, matrix.by_tifffile])
def test_every_variant_of_a_sound_picture_is_right_or_refused_for_the_right_reason(write):
    assert not wrong(recipe() for recipe in write())


def whole_or_not(pair: tuple[bytes, bytes]) -> str:
    """Whether what is left of a file shows the whole picture."""
    whole, rest = pair
    try:
        left = decode(rest)
    except UnreadableImage as error:
        return error.reason
    return "picture" if np.array_equal(left.gray, decode(whole).gray) else "another picture"


def test_a_file_cut_anywhere_never_shows_another_picture():
    cuts = [cut for cut in corpus.truncated() if ending(cut[1]) == "picture"]
    found = list(map_images(whole_or_not, [cut[1:] for cut in cuts], workers=2, what="cut"))
    assert not [cut[0] for cut, end in zip(cuts, found, strict=True) if end not in REASONS | {"picture"}]
    assert Counter(found)["truncated"] > len(cuts) / 2


def test_the_collected_files_of_others(shared):
    files = sorted(path for path in (shared / "hostile_tiff").rglob("*") if path.is_file())
    assert len(ends((path.name, path.read_bytes()) for path in files)) == 108


# --- mutations

names = st.sampled_from(sorted(VALID))
edits = st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=9)), min_size=1, max_size=6)


def mutated(name: str, changes: list[tuple[int, bytes]], end: int | None, *, insert: bool) -> bytes:
    data = bytearray(VALID[name])
    for where, new in changes:
        at = where % len(data)
        data[at : at if insert else at + len(new)] = new
    return bytes(data[:end])


def check_mutation(name: str, changes: list[tuple[int, bytes]], end: int | None, insert: bool) -> None:
    assert ending(mutated(name, changes, end, insert=insert)) in REASONS | {"picture"}


mutations = given(names, edits, st.one_of(st.none(), st.integers(0, 4000)), st.booleans())
unhurried = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
test_mutations = settings(unhurried, max_examples=100)(mutations(check_mutation))


@pytest.mark.heavy
@settings(unhurried, max_examples=2000)
@mutations
def test_many_mutations(name, changes, end, insert):
    check_mutation(name, changes, end, insert)


# --- the bounds themselves


def greedy(what: str) -> str:
    if multiprocessing.parent_process() is not None:
        limits.SECONDS = 0.2  # in this worker, for a short test
    with limits.bounded(0):
        if what == "time":
            while True:
                pass
        try:
            return f"{what} {len(bytes(1 << 30 if what == 'memory' else 1))}"
        except MemoryError:
            return "no memory"


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.heavy)])
def test_who_takes_too_much_is_ended_and_no_one_else(workers):
    items = ["memory", "little", "time", "little", "memory"]
    found = list(map_images(greedy, items, workers=workers, what="greedy"))
    assert isinstance(found[2], Crashed)
    assert "processor time" in found[2].detail
    assert found[:2] + found[3:] == ["no memory", "little 1", "little 1", "no memory"]


def test_the_main_process_is_not_bounded():
    assert greedy("memory") == f"memory {1 << 30}"
