"""A misspelt word is answered by what was most likely meant."""

from __future__ import annotations

import pytest

from semtrace.config import params
from tests.pipeline import CONF


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("match.min_sim=0.8", "there is no parameter 'match.min_sim'; did you mean match.min_ssim?"),
        ("min_ssim=0.8", "there is no parameter 'min_ssim'; did you mean match.min_ssim?"),
        ("mach.min_ssim=0.8", "did you mean match.min_ssim?"),
        ("labels=folder", "labels is one of alphabetical, folders, nffa, none; did you mean labels=folders?"),
        ("lables=none", "there is no parameter 'lables'; did you mean labels?"),
        ("match.min_ssim=0,8", "decimals have a point, match.min_ssim=0.8"),
        ("match.min_ssim='0,8'", "a number from -1 to 1; decimals have a point: 0.8"),
        ("qqqq=1", "there is no parameter 'qqqq'"),
    ],
)
def test_the_likely_word_is_named(word, said):
    with pytest.raises(params.ParamsError) as told:
        params.composed(CONF, [word])
    assert said in str(told.value)
    assert "To append to your config" not in str(told.value)


def test_several_slips_are_a_list():
    with pytest.raises(params.ParamsError) as told:
        params.composed(CONF, ["min_ssim=0.8", "qqqq=1"])
    assert str(told.value).splitlines() == [
        "2 overrides are wrong:",
        "  - there is no parameter 'min_ssim'; did you mean match.min_ssim?",
        "  - there is no parameter 'qqqq'",
    ]
