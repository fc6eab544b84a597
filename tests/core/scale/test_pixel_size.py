import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.scale.pixel_size import STATUSES, Lengths, judge_lengths


def test_a_bar_alone_is_read_once():
    said = judge_lengths(Lengths(1024, 1e-6, 102))
    assert (said.status, said.pixel_size, said.source) == ("read_once", 9.80392e-9, "bar")


@pytest.mark.parametrize(
    ("tag", "status"),
    [(1e-8, "agreed"), (1.029e-8, "agreed"), (1.031e-8, "conflict"), (9.72e-9, "agreed"), (9.69e-9, "conflict")],
)
def test_three_percent_on_a_long_bar(tag, status):
    assert judge_lengths(Lengths(1024, 1e-6, 100, tag)).status == status


@pytest.mark.parametrize(("bar", "status"), [(19, "agreed"), (18.99, "conflict"), (21, "agreed"), (21.01, "conflict")])
def test_one_pixel_on_a_short_bar(bar, status):
    assert judge_lengths(Lengths(1024, 2e-7, bar, 1e-8)).status == status


def test_the_tag_is_reported_where_both_agree_and_nothing_is_averaged():
    said = judge_lengths(Lengths(1024, 1e-6, 102, 9.766e-9, printed={"printed width": 9.9e-9}))
    assert (said.pixel_size, said.source, said.status) == (9.766e-9, "tag", "agreed")


def test_two_that_agree_do_not_outvote_a_third():
    said = judge_lengths(Lengths(1024, 1e-6, 100, 1e-8, printed={"printed width": 1.2e-8}))
    assert (said.status, said.pixel_size, said.source) == ("conflict", None, "")
    assert "1.2e-08" in said.detail


def test_a_tag_that_states_another_width_is_corrected_where_the_bar_says_so():
    said = judge_lengths(Lengths(512, 1e-6, 51, 9.766e-9, scanned_width=1024))
    assert (said.status, said.pixel_size) == ("agreed", 1.9532e-8)
    assert said.source == "tag, corrected for its scanned width"
    assert said.ratio == pytest.approx(2.0, rel=0.01)
    assert "1024" in said.detail


def test_a_picture_that_was_cut_keeps_its_tag():
    said = judge_lengths(Lengths(700, 1e-6, 102, 9.766e-9, scanned_width=1024))
    assert (said.status, said.pixel_size, said.source) == ("agreed", 9.766e-9, "tag")


def test_another_width_and_no_bar_to_tell_is_a_conflict():
    said = judge_lengths(Lengths(512, tag=9.766e-9, scanned_width=1024))
    assert (said.status, said.pixel_size) == ("conflict", None)


def test_a_ratio_without_a_statement_is_a_conflict():
    said = judge_lengths(Lengths(512, 1e-6, 51, 9.766e-9))
    assert (said.status, said.pixel_size) == ("conflict", None)
    assert said.ratio == pytest.approx(2.0, rel=0.01)


def test_a_sidecar_of_another_picture_is_not_used():
    said = judge_lengths(Lengths(700, 1e-6, 85, 9.766e-9, scanned_width=1024, is_sidecar=True))
    assert (said.status, said.pixel_size, said.source) == ("read_once", 1.17647e-8, "bar")
    assert "another picture" in said.detail
    assert judge_lengths(Lengths(700, tag=9.766e-9, scanned_width=1024, is_sidecar=True)).pixel_size is None


def test_a_tag_alone():
    said = judge_lengths(Lengths(1024, tag=2e-8, missing="bar_not_found"))
    assert (said.status, said.pixel_size, said.source, said.detail) == ("tag_only", 2e-8, "tag", "bar_not_found")


@pytest.mark.parametrize("missing", ["not_read", "bar_not_found", "stripe_not_detected", "no_ocr"])
def test_nothing_is_what_was_missing(missing):
    said = judge_lengths(Lengths(1024, missing=missing))
    assert said[:3] == (missing, None, "")


def test_a_printed_length_alone_is_read_once():
    said = judge_lengths(Lengths(1024, printed={"printed width": 1e-8}))
    assert (said.status, said.source) == ("read_once", "printed width")


def test_the_magnification_confirms_a_bar_and_contradicts_it_but_stands_for_none():
    assert judge_lengths(Lengths(1024, 1e-6, 100, magnified=1.01e-8)).status == "agreed"
    assert judge_lengths(Lengths(1024, 1e-6, 100, magnified=1.1e-8)).status == "conflict"
    assert judge_lengths(Lengths(1024, magnified=1e-8)).pixel_size is None
    assert judge_lengths(Lengths(1024, 1e-6, 100, 1e-8, magnified=2e-8)).status == "agreed"


SIZES = st.one_of(st.none(), st.floats(1e-10, 1e-5))


@given(
    bar=SIZES, pixels=st.integers(10, 600), tag=SIZES, printed=SIZES, magnified=SIZES,
    scanned=st.one_of(st.none(), st.sampled_from([512, 1024])),
)  # fmt: skip
def test_laws(bar, pixels, tag, printed, magnified, scanned):
    value = None if bar is None else bar * pixels
    known = Lengths(
        1024, value, pixels, tag, scanned, printed={"printed width": printed} if printed else {}, magnified=magnified
    )
    said = judge_lengths(known)
    assert said.status in STATUSES
    assert (said.pixel_size is None) == (said.source == "")
    if said.status == "conflict":
        assert said.pixel_size is None
    if said.status == "agreed":
        sizes = [size for size in (bar, tag, printed, magnified, tag and scanned and tag * scanned / 1024) if size]
        assert any(abs(a / b - 1) <= max(0.031, 1.1 / pixels) for a, b in itertools.combinations(sizes, 2))
    if said.pixel_size:
        known_sizes = [size for size in (bar, tag, printed, tag and scanned and tag * scanned / 1024) if size]
        assert any(said.pixel_size == pytest.approx(size, rel=1e-5) for size in known_sizes)
