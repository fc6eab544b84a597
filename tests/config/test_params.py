from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML

from semtrace.config import params
from semtrace.stage.settings import Section, Whole

CONF = Path(__file__).resolve().parents[2] / "conf"


def tree(*overrides: str) -> dict:
    return yaml.safe_load(params.composed(CONF, overrides))


def test_defaults_are_the_documented_ones():
    p = params.Params(tree(), "conf")
    assert (p.match.hamming_threshold, p.match.ssim_trigger, p.match.min_ssim) == (150, 120, 0.7)
    assert (p.hash.size, p.convert.quality, p.dataset.name) == (32, 100, "synthetic")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("match.min_ssim=1.2", "match.min_ssim is 1.2"),
        ("match.ssim_trigger=0", "match.ssim_trigger"),
        ("match.ssim_trigger=many", "match.ssim_trigger"),
        ("hash.size=12", "hash.size is 12"),
        ("convert.quality=0", "convert.quality is 0"),
        ("convert.layout=pile", "convert.layout is 'pile'"),
        ("label.link=move", "label.link is 'move'"),
        ("executor.workers=-1", "executor.workers is -1"),
        ("fingerprint.sample_tiff=0", "fingerprint.sample_tiff is 0"),
        ("synthetic.originals=0", "originals"),
        ("match.typo=1", "typo"),
        ("+match.typo=1", "unknown parameter match.typo"),
        ("+nonsense=1", "unknown section 'nonsense'"),
        ("dataset=nowhere", "nowhere"),
        ("labels.categories=[Tips,Tips]", "'Tips' as L0, 'Tips' as L1"),
        ("not an override", "is no NAME=VALUE"),
    ],
)
def test_a_bad_parameter_is_named_before_any_work(override, message):
    with pytest.raises(params.ParamsError, match=message):
        params.composed(CONF, [override])


def test_written_only_when_changed(tmp_path):
    file = tmp_path / "params.yaml"
    assert params.write_params(CONF, file)
    assert not params.write_params(CONF, file)
    assert params.write_params(CONF, file, ["hash=phash8"])
    assert params.load(file).hash.size == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["match"].pop("min_ssim"), "match.min_ssim missing"),
        (lambda t: t.pop("labels"), "section 'labels' missing"),
        (lambda t: t.update(match=3), "section 'match' must be a mapping"),
    ],
)
def test_an_edited_params_file_is_checked(tmp_path, change, message):
    edited = tree()
    change(edited)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(edited))
    with pytest.raises(params.ParamsError, match=message):
        _ = params.load(tmp_path / "params.yaml").match


@pytest.mark.parametrize("text", [None, "", "[1, 2", "just text"])
def test_no_params_file_at_all(tmp_path, text):
    file = tmp_path / "params.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(params.ParamsError, match="semtrace params"):
        params.load(file)


def test_a_file_of_conf_that_says_a_thing_twice_is_named_with_its_line(tmp_path):
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf/labels/mine.yaml").write_text("vocabulary: a\ncategories: [Tips]\nvocabulary: b\n")
    with pytest.raises(params.ParamsError, match=r"mine\.yaml.*line 3"):
        params.composed(tmp_path / "conf", ["labels=mine"])


def test_a_file_that_dvc_has_written_anew_says_the_same(tmp_path):
    # `dvc exp run -S match.min_margin=0.00001` writes YAML 1.2 with this very library: words and small numbers are bare
    edited = tree()
    edited["match"] |= {"geometry": "off", "one_to_one": "on", "min_margin": 1e-05}
    with (tmp_path / "params.yaml").open("w") as file:
        YAML().dump(edited, file)
    assert {"  geometry: off", "  one_to_one: on", "  min_margin: 1e-05"} <= set(
        (tmp_path / "params.yaml").read_text().splitlines()
    )
    p = params.load(tmp_path / "params.yaml")
    assert (p.match.geometry, p.match.one_to_one, p.match.min_margin, p.fingerprint.category) == (
        False,
        True,
        1e-05,
        None,
    )


def test_a_key_that_stands_twice_is_refused():
    with pytest.raises(params.ParamsError, match=r"'seed' stands twice(.|\n)*line 3"):
        params.parse_params("a:\n  seed: 1\nb: {seed: 1, seed: 2}\n", "params.yaml")


def test_the_old_spelling_of_a_switch_is_read_with_one_line_of_warning(capsys):
    old = tree()
    old["match"] |= {"geometry": "on", "one_to_one": "off"}
    for _ in range(2):  # as several stages in one process
        p = params.Params(copy.deepcopy(old), "an old params.yaml")
        assert (p.match.geometry, p.match.one_to_one) == (True, False)
        assert p.tree["match"]["geometry"] is True
    assert capsys.readouterr().err.splitlines() == [
        "semtrace: warning: an old params.yaml: match.geometry is 'on', an old spelling of true",
        "semtrace: warning: an old params.yaml: match.one_to_one is 'off', an old spelling of false",
    ]


def test_an_override_in_the_old_spelling_becomes_a_boolean_of_params_yaml():
    assert tree("match.geometry=on")["match"]["geometry"] is True


class Toy(Section, section="toy.deduplicate"):
    """A section of a house that nests its own."""

    radius: Whole


class Nested(params.Params):
    """The sections of today and one that is nested."""

    toy_deduplicate: params._At[Toy] = params._At(f"{__name__}:Toy", "toy.deduplicate")


def test_a_section_may_be_nested_by_its_house():
    values = tree()
    p = Nested(values | {"toy": {"deduplicate": {"radius": 4}}}, "conf")
    assert (p.toy_deduplicate.radius, p.deduplicate.radius) == (4, 250)
    with pytest.raises(params.ParamsError, match=r"section 'toy\.deduplicate' missing"):
        Nested(values | {"toy": {}}, "conf")
    with pytest.raises(params.ParamsError, match=r"unknown section 'toy\.crop'"):
        Nested(values | {"toy": {"deduplicate": {"radius": 4}, "crop": {}}}, "conf")
    wrong = Nested(values | {"toy": {"deduplicate": {"radius": True}}}, "conf")
    with pytest.raises(params.ParamsError, match=r"^conf: toy\.deduplicate\.radius is True; it must be a whole"):
        _ = wrong.toy_deduplicate
