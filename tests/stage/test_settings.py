"""What a section takes and what it says of the rest, on both sides of every boundary of the match."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from semtrace.core.errors import InputError
from semtrace.provenance.match import Settings
from semtrace.release.settings import Creator
from semtrace.release.settings import Settings as Release
from semtrace.stage.settings import SettingsError

GOOD = {
    "hamming_threshold": 150, "ssim_trigger": 120, "max_candidates": 32, "reach": 300, "min_ssim": 0.7,
    "min_correlation": 0.7, "min_margin": 0.02, "min_hamming_margin": 20,
    "hash_reach": 200, "min_mutual_margin": 10, "geometry": False, "one_to_one": False,
}  # fmt: skip
BITS = "a whole number from 1 to 1024 (bits of 1024)"
LIMITS = [
    *((name, (1, 1024), (0, 1025), BITS) for name in ("hamming_threshold", "ssim_trigger", "reach")),
    *((name, (-1, 1, 0.5), (-1.001, 1.001), "a number from -1 to 1") for name in ("min_ssim", "min_correlation")),
    ("max_candidates", (2,), (1,), "a whole number of at least 2 (a runner-up is needed)"),
    ("min_margin", (0, 1e-5), (-0.001,), "a number of at least 0"),
    ("min_mutual_margin", (0,), (-1,), "a whole number of at least 0"),
    ("min_hamming_margin", (0,), (-1,), "a whole number of at least 0"),
    ("one_to_one", (True, False), ("maybe", 2, None), "true or false"),
    ("geometry", (True, False, "full"), ("maybe", 2, None), "true or false or full"),
]
CASES = [(name, value, wanted) for name, _, outside, wanted in LIMITS for value in outside] + [
    (name, value, wanted) for name, _, _, wanted in LIMITS[:8] for value in (True, "many", None, float("nan"), [1])
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, inside, *_ in LIMITS for value in inside])
def test_a_value_on_the_boundary_is_taken(name, value):
    assert getattr(Settings.read(GOOD | {name: value}), name) == value


@pytest.mark.parametrize(("name", "value", "wanted"), CASES)
def test_a_value_beyond_it_is_named_with_what_it_must_be(name, value, wanted):
    with pytest.raises(SettingsError) as error:
        Settings.read(GOOD | {name: value})
    assert str(error.value) == f"match.{name} is {value!r}; it must be {wanted}"


@pytest.mark.parametrize("value", [150.0, "150"])
def test_a_whole_number_is_written_as_one(value):
    with pytest.raises(SettingsError, match=r"match\.reach is .*150"):
        Settings.read(GOOD | {"reach": value})


@pytest.mark.parametrize(("spelling", "value"), [("on", True), ("off", False), ("true", True), ("false", False)])
def test_old_spellings_of_switches_are_taken(spelling, value):
    assert Settings.read(GOOD | {"geometry": spelling}).geometry is value


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(SettingsError) as error:
        Settings.read(GOOD | {"reach": 0, "min_ssim": 1.5})
    assert str(error.value) == (
        f"match.reach is 0; it must be {BITS}; match.min_ssim is 1.5; it must be a number from -1 to 1"
    )
    without = {name: value for name, value in GOOD.items() if name != "reach"}
    with pytest.raises(SettingsError, match=r"^unknown parameter match\.reech, match\.reach missing; match has "):
        Settings.read(without | {"reech": 1})


def test_values_by_position_are_named_too():
    with pytest.raises(SettingsError, match=r"^match\.hamming_threshold is 0; it must be a whole number"):
        Settings(0, *list(GOOD.values())[1:])
    with pytest.raises(TypeError, match="match has 12 parameters, not 13"):
        Settings(*GOOD.values(), 1)
    with pytest.raises(TypeError, match="reach"):
        Settings(*GOOD.values(), reach=1)


def test_a_changed_copy_is_checked_and_the_original_stays():
    settings = Settings.read(GOOD)
    assert asdict(replace(settings, reach=200)) == GOOD | {"reach": 200}
    with pytest.raises(InputError, match=r"match\.reach is 0"):
        replace(settings, reach=0)
    with pytest.raises(FrozenInstanceError):
        settings.reach = 0
    assert pickle.loads(pickle.dumps(settings)) == settings == Settings.read(GOOD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": "move"}, "release.link is 'move'; it must be reflink, hardlink or copy"),
        ({"include": ["matched", "all"]}, "release.include has 'all'; it must be matched, ambiguous or unmatched"),
        ({"keywords": "SEM"}, "release.keywords is 'SEM'; it must be a list"),
        ({"keywords": [3]}, "release.keywords has 3; it must be text"),
        ({"creators": [{"name": "A", "orcid": "1"}]}, "release.creators[0].orcid is '1'; it must be text (an ORCID, "),
        ({"creators": [{"name": " "}]}, "release.creators[0].name is ' '; it must be text (best as 'Family, Given')"),
        ({"creators": [{}]}, "release.creators[0].name missing"),
        ({"creators": [{"name": "A", "mail": ""}]}, "unknown parameter release.creators.0.mail"),
        ({"creators": [3]}, "release.creators has 3; it must be a mapping of name, orcid, affiliation"),
    ],
)
def test_lists_and_what_is_in_them(change, message):
    good = {
        "name": "sem", "title": "", "description": "", "licence": "", "publisher": "", "doi": "", "url": "",
        "link": "copy", "originals": False, "creators": [{"name": "A"}], "keywords": [], "include": ["matched"],
        "source_paths": "digest", "uses": "", "limitations": "", "source": "", "personal_data": "",
    }  # fmt: skip
    assert Release.read(good).creators == [Creator("A")]
    with pytest.raises(SettingsError) as error:
        Release.read(good | change)
    assert str(error.value).startswith(message)
