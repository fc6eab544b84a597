from __future__ import annotations

import numpy as np

from semtrace.discovery.explain import attributes, explain


def test_a_node_of_one_instrument_is_confounded_unless_the_category_says_it_too():
    inside = np.repeat([True, False], 10)
    of = [{"instrument": "SUPRA" if here else "QUANTA", "width": "1024"} for here in inside]
    mixed = ["A", "B"] * 10
    found = explain(inside, of, mixed, 0.3)
    assert (found.attribute, found.value, found.is_confounded) == ("instrument", "SUPRA", True)
    assert found.ami == 1.0
    same = ["A" if here else "B" for here in inside]
    assert not explain(inside, of, same, 0.3).is_confounded


def test_the_bound_counts_and_without_attributes_there_is_no_word():
    inside = np.repeat([True, False], 20)
    of = [{"user": "x" if (here and i % 3) or (not here and not i % 3) else "y"} for i, here in enumerate(inside)]
    found = explain(inside, of, [""] * 40, 0.0)
    assert 0 < found.ami < 0.5
    assert explain(inside, of, [""] * 40, found.ami).is_confounded
    assert not explain(inside, of, [""] * 40, found.ami + 1e-6).is_confounded
    assert explain(inside, [{}] * 40, [""] * 40, 0.3).attribute == ""
    assert explain(np.ones(4, bool), of[:4], [""] * 4, 0.3).attribute == ""


def test_a_published_picture_has_the_instrument_and_user_of_its_original(tmp_path):
    (tmp_path / "map.csv").write_text("jpeg_path,matched_tiff_path\nA/1.jpg,giulio/x.tif\nA/2.jpg,\n")
    (tmp_path / "inventory.csv").write_text("path,instrument\ngiulio/x.tif,SUPRA 40\n")
    row = {"picture_rows": 90, "height": 100, "width": 64, "crop": "bar"}
    images = {"A/1.jpg": row, "A/2.jpg": {**row, "crop": "share", "date": "2020"}}
    found = attributes(images, tmp_path / "map.csv", tmp_path / "inventory.csv")
    assert found["A/1.jpg"] == {"user": "giulio", "instrument": "SUPRA 40", "width": "64", "bar": "bar of 10%"}
    assert found["A/2.jpg"] == {"date": "2020", "width": "64", "bar": "no bar found"}
    assert attributes(images, tmp_path / "none.csv", tmp_path / "none.csv")["A/1.jpg"] == {
        "width": "64",
        "bar": "bar of 10%",
    }
