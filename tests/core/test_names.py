from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.core.names import distinct

A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_names_that_meet_nothing_stay():
    assert distinct(["Tips/L5_img.tif", "Powder/L4_img.tif"], [A, B]) == [
        "Tips/L5_img.tif",
        "Powder/L4_img.tif",
    ]


def test_every_member_of_a_collision_is_renamed_by_content():
    assert distinct(["Tips/x.tif", "Tips/X.TIF", "y.tif"], [A, B, C]) == [
        "Tips/x_aaaaaaaa.tif",
        "Tips/X_bbbbbbbb.TIF",
        "y.tif",
    ]


def test_accents_written_in_two_ways_collide():
    composed, decomposed = (unicodedata.normalize(form, "é.tif") for form in ("NFC", "NFD"))
    first, second = distinct([composed, decomposed], [A, B])
    assert unicodedata.normalize("NFC", first) != unicodedata.normalize("NFC", second)


def test_a_file_that_is_called_like_anothers_new_name():
    names = distinct(["x.tif", "X.tif", "x_aaaaaaaa.tif"], [A, B, C])
    assert len({name.casefold() for name in names}) == 3


def test_a_file_that_is_called_like_a_folder_in_use():
    assert distinct(["a/x.jpg", "a/X.jpg/y.jpg"], [A, B]) == ["a/x_aaaaaaaa.jpg", "a/X.jpg/y.jpg"]


def test_a_long_name_is_shortened_to_what_file_systems_allow():
    [name] = distinct(["Tips/" + "µ" * 140 + ".tif"], [A])
    assert len(name.removeprefix("Tips/").encode()) <= 255
    assert name.endswith("_aaaaaaaa.tif")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.text("aAé_1.", min_size=1, max_size=4), st.sampled_from([A, B, C])), max_size=12))
def test_no_two_files_ever_share_a_name(files):
    names = distinct([f"d/{stem}.tif" for stem, _ in files], [digest for _, digest in files])
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(folded) == len(files)
