from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from semtrace.core.errors import InputError
from semtrace.discovery import discover
from semtrace.discovery import tables as of
from semtrace.io import tables
from tests.discovery.conftest import DISCOVER, Work, digests


def subcategories(folder):
    return {row["path"]: row for row in tables.read(folder / "subcategories.csv", of.PROPOSED_SUBCATEGORIES)}


@pytest.fixture
def own(work, tmp_path) -> Work:
    """The same results, in a folder of its own."""
    for name in ("features", "reduce", "discover", "predict", "cluster", "agree"):
        shutil.copytree(work / name, tmp_path / "work" / name)
    return Work(work.root, tmp_path / "work", work.executor)


def run(own, **changed):
    return discover.run(own.folder, own.root, own / "discover", replace(DISCOVER, **changed), own.executor)


def test_every_image_has_one_subcategory_and_the_tree_holds_together(work):
    rows = subcategories(work / "discover")
    assert len(rows) == 49
    nodes = {row["node"]: row for row in tables.read(work / "discover/tree.csv", of.TREE)}
    leaves = set(nodes) - {row["parent"] for row in nodes.values()}
    assert len(leaves) == 8
    assert {row["cluster"] for row in rows.values()} == leaves
    assert sum(int(nodes[name]["images"]) for name in leaves) == 49
    assert sum(int(nodes[name]["size"]) for name in leaves) == 48
    assert {row["source"] for row in rows.values()} == {"proposed"}
    assert rows["Fibres/0_0.png"]["subcategory"] == rows["Particles/copy.png"]["subcategory"]
    assert rows["Particles/copy.png"]["category"] == "Particles"
    assert all(re.fullmatch(r"\w+ \d\d", row["subcategory"]) for row in rows.values())


class _Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images, self.tags, self.links, self.places = [], set(), [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        if tag == "a":
            self.links.append(given["href"])
        if "id" in given:
            self.places.add(f"#{given['id']}")


def test_the_page_needs_no_script_and_no_network_and_every_picture_is_beside_it(work):
    text = (work / "discover/index.html").read_text()
    seen = _Seen()
    seen.feed(text)
    assert "script" not in seen.tags
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert "default-src 'none'" in text
    for image in seen.images:
        assert (work / "discover" / image["src"]).is_file()
        assert image["alt"]
    shown = {image["src"] for image in seen.images if image["src"].startswith("thumbs/")}
    assets = {image["src"] for image in seen.images} - shown
    assert assets == {
        "assets/decision_graph_small_lite0_1280_in_10.png", "assets/ami_by_k_category.png",
        "assets/nmi_by_k_category.png",
    }  # fmt: skip
    assert {f"thumbs/{path.name}" for path in (work / "discover/thumbs").iterdir()} == shown
    nodes = tables.read(work / "discover/tree.csv", of.TREE)
    leaves = {f"#n{row['node']}" for row in nodes} - {f"#n{row['parent']}" for row in nodes}
    assert len(seen.links) == len(leaves)  # each leaf is reached by one click
    assert set(seen.links) == leaves <= seen.places
    assert "AMI 0.00" not in text


def test_a_rerun_gives_the_same_bytes(own, work):
    run(own)
    assert digests(own / "discover") == digests(work / "discover")


def test_a_persons_words_are_applied_and_found_again_after_a_rerun(own, tmp_path):
    nodes = tables.read(own / "discover/tree.csv", of.TREE)
    parents = {row["parent"] for row in nodes}
    leaves = sorted((row for row in nodes if row["node"] not in parents), key=lambda row: -int(row["size"]))
    biggest, refused = leaves[0]["node"], leaves[1]["node"]
    file = tmp_path / "names.csv"
    lines = [f"{biggest},Wool,rename,me,today", f"{refused},,refuse,me,today", "000000000000,Lost,rename,me,today"]
    file.write_text("node,name,decision,who,when\n" + "\n".join(lines) + "\n")
    done = run(own, names=str(file))
    assert (done.named, done.unused_names) == (2, 1)
    rows = subcategories(own / "discover").values()
    assert {row["subcategory"] for row in rows if row["cluster"] == biggest} == {"Wool"}
    assert {(row["subcategory"], row["source"]) for row in rows if row["cluster"] == refused} == {("", "refused")}
    assert tables.read(own / "discover/unused_names.csv", of.UNUSED)[0]["name"] == "Lost"
    assert file.read_text().count("\n") == 4  # no run touches it
    assert "Wool" in (own / "discover/index.html").read_text()


def test_merge_names_all_below_and_split_divides_a_leaf(own, tmp_path):
    nodes = tables.read(own / "discover/tree.csv", of.TREE)
    parents = {row["parent"] for row in nodes}
    pair = next(
        row for row in reversed(nodes)
        if row["node"] in parents and not {n["node"] for n in nodes if n["parent"] == row["node"]} & parents
    )  # fmt: skip
    below = {row["node"] for row in nodes if row["parent"] == pair["node"]}
    leaf = next(r["node"] for r in nodes if r["node"] not in parents | below and int(r["size"]) > 2)
    file = tmp_path / "names.csv"
    file.write_text(f"node,name,decision,who,when\n{pair['node']},Both,merge,me,\n{leaf},,split,me,\n")
    done = run(own, names=str(file))
    assert done.subcategories == 9
    rows = subcategories(own / "discover").values()
    assert {row["cluster"] for row in rows if row["subcategory"] == "Both"} == below
    assert leaf not in {row["cluster"] for row in rows}


def test_within_a_category_only_its_images_are_in_the_tree(own):
    done = run(own, within="Fibres", leaves=3)
    rows = subcategories(own / "discover")
    assert done.subcategories == 3
    assert {row["category"] for row in rows.values()} == {"Fibres"}
    assert len(rows) == 12
    with pytest.raises(InputError, match=r"'Steel': no image has this category; there are Fibres, Particles"):
        run(own, within="Steel")


def test_fewer_images_than_leaves_are_said(own):
    done = run(own, within="Fibres", leaves=40)
    assert done.note == "12 different images: 12 sub-categories, not 40"


def test_a_picture_in_a_foreign_leaf_is_a_likely_label_error(work, tmp_path):
    import numpy as np

    from tests.discovery.test_feature_sets import write

    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(middle, 1, (10, 2)) for middle in (0, 30)])
    write(tmp_path / "work/reduce", points)
    (tmp_path / "work/features").mkdir()
    lines = ["path,md5,group,category,width,height,picture_rows,crop"]
    for row in range(20):
        category = "B" if row >= 10 or row == 4 else "A"
        lines.append(f"path{row:04},md5{row:04},group{row:04},{category},64,48,40,share")
    (tmp_path / "work/features/images.csv").write_text("\n".join(lines) + "\n")
    settings = replace(DISCOVER, leaves=2)
    done = discover.run(tmp_path / "work", work.root, tmp_path / "out", settings, work.executor)
    suspects = tables.read(tmp_path / "out/suspects.csv", of.SUSPECTS)
    assert [(row["path"], row["category"], row["cluster_category"]) for row in suspects] == [("path0004", "B", "A")]
    assert done.likely_label_errors == 1


@pytest.mark.parametrize("wrong", [{"method": "kmeans"}, {"leaves": 1}, {"confounded": 1.1}, {"pure": -0.1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="discover"):
        replace(DISCOVER, **wrong)


def test_images_without_a_label_count_within_a_category_when_they_are_likely_of_it(own, work):
    file = own / "predict/predictions.csv"
    rows = tables.read(file, of.PREDICTIONS)
    unknown = next(row["path"] for row in rows if row["path"].startswith("Fibres/1"))
    images = own / "features/images.csv"
    images.write_text("\n".join(
        line.replace(",Fibres,", ",,") if line.startswith(unknown) else line for line in images.read_text().splitlines()
    ) + "\n")  # fmt: skip
    said = {"category": "", "predicted": "Fibres", "probability": 0.8}
    tables.write(file, of.PREDICTIONS, [{**row, **said} if row["path"] == unknown else row for row in rows])
    for extended, there in ((0, False), (0.8, True), (0.81, False)):
        run(own, within="Fibres", leaves=3, extended=extended)
        assert (unknown in subcategories(own / "discover")) == there
