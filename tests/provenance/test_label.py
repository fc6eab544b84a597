from __future__ import annotations

import os
import shutil

import pytest

from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import Vocabulary, vocabulary_faults, vocabulary_of
from semtrace.io.digests import md5
from semtrace.io.subcategories import read_subcategories
from semtrace.io.verdicts import Verdicts
from semtrace.provenance import label
from semtrace.provenance.label_rules import Labelling, label_rows
from tests.pipeline import CATEGORIES, defaults, table


def rows_by_path(done):
    return {row["tiff_path"]: row for row in done.rows("label/labels.csv")}


def test_every_tiff_has_a_status(done):
    rows = rows_by_path(done)
    assert set(rows) == {row["path"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    folder = "Müller É/2013-02-19"
    assert (rows["lzw.tif"]["status"], rows["lzw.tif"]["category"], rows["lzw.tif"]["label"]) == (
        "labelled", "Nanowires", "L6",
    )  # fmt: skip
    assert rows["zz copy of lzw.tif"]["status"] == "duplicate_labelled"
    assert rows[f"{folder}/img_03.tif"]["status"] == "conflict"
    assert rows[f"{folder}/img_05.tif"]["status"] == "unmatched"


def test_labelled_copies_are_the_originals(done):
    labelled = [row for row in done.rows("label/labels.csv") if row["status"] == "labelled"]
    files = {p.relative_to(done.work / "label/images").as_posix(): p for p in (done.work / "label/images").rglob("*.*")}
    assert set(files) == {row["output_path"] for row in labelled}
    for row in labelled:
        assert files[row["output_path"]].read_bytes() == (done.archive / row["tiff_path"]).read_bytes()
        assert row["output_path"].startswith(f"{row['category']}/{row['label']}_")


def test_equal_names_are_told_apart_and_reported(done):
    rows = [row for row in done.rows("label/labels.csv") if row["output_path"].casefold().startswith("tips/l5_img_00")]
    assert len(rows) == 2
    assert all(md5((done.archive / row["tiff_path"]).read_bytes())[:8] in row["output_path"] for row in rows)
    assert all("renamed" in row["detail"] for row in rows)
    assert done.summaries["label"].renamed == 2


def test_a_conflict_is_listed_and_its_label_written_nowhere(done):
    [conflict] = done.rows("label/conflicts.csv")
    assert conflict["content"] == "Müller É/2013-02-19/img_03.tif"
    assert conflict["categories"] == "Fibres|Powder"
    assert len(conflict["files"].split("|")) == 2
    assert (conflict["resolution"], conflict["rule"]) == ("excluded", "exclude")
    assert not list((done.work / "label/images").rglob("*img_03*"))


def relabel(done, out, *overrides, said=(), archive=None, **more):
    """The label stage once more, with other parameters and a person's verdicts."""
    hashes = done.work / "fingerprint"
    p = defaults(out.parent, *overrides)
    lines = ["left,right,verdict,who,when", *(f"{left},{right},category,me,today" for left, right in said)]
    (out.parent / "verdicts.csv").write_text("\n".join(lines) + "\n")
    label.run(
        archive or done.archive, hashes / "tiff/hashes.csv", [hashes / "jpeg/hashes.csv"], done.work / "match",
        out, more.get("vocabulary", p.labels.parsed()), p.label, near=150, verdicts=out.parent / "verdicts.csv",
        subcategories=more.get("subcategories"),
    )  # fmt: skip
    labels = [row for row in table(out / "labels.csv") if "img_03" in row["tiff_path"]]
    conflicts = table(out / "conflicts.csv")
    copies = sorted(path.relative_to(out / "images").as_posix() for path in (out / "images").rglob("*img_03*"))
    return [(row["category"], row["status"]) for row in labels], conflicts, copies


def test_with_keep_all_a_picture_gets_each_of_its_labels(done, tmp_path):
    labels, [conflict], copies = relabel(done, tmp_path / "out", "label.conflicts=keep_all")
    assert labels == [("Fibres", "labelled"), ("Powder", "labelled")]
    assert copies == ["Fibres/L9_img_03.tif", "Powder/L4_img_03.tif"]
    assert (conflict["resolution"], conflict["rule"]) == ("Fibres|Powder", "keep_all")
    assert len(table(tmp_path / "out/labels.csv")) == len(done.rows("label/labels.csv")) + 1


def test_with_priority_the_first_in_the_list_wins(done, tmp_path):
    rule = "label.conflicts=priority"
    labels, [conflict], copies = relabel(done, tmp_path / "out", rule, "label.priority=[Tips,Powder,Fibres]")
    assert (labels, copies) == ([("Powder", "labelled")], ["Powder/L4_img_03.tif"])
    assert (conflict["resolution"], conflict["rule"]) == ("Powder", "priority")
    labels, [conflict], copies = relabel(done, tmp_path / "out", rule, "label.priority=[Tips]")
    assert (labels, conflict["resolution"], copies) == ([("", "conflict")], "excluded", [])


def test_a_persons_word_settles_a_conflict_and_is_reported(done, tmp_path):
    hashes = {row["path"]: row["md5"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    said = [(hashes["Müller É/2013-02-19/img_03.tif"], "Fibres"), (hashes["lzw.tif"], "Powder"), ("0" * 32, "Tips")]
    for rule in ("exclude", "verdicts"):
        labels, conflicts, copies = relabel(done, tmp_path / "out", f"label.conflicts={rule}", said=said)
        assert (labels, copies) == ([("Fibres", "labelled")], ["Fibres/L9_img_03.tif"])
        assert [(row["kind"], row["content"], row["resolution"], row["rule"]) for row in conflicts] == [
            ("named_by_verdict", "lzw.tif", "Powder", "verdict"),
            ("several_categories", "Müller É/2013-02-19/img_03.tif", "Fibres", "verdict"),
            ("unknown_verdict", "0" * 32, "without effect", "verdict"),
        ]


def test_where_verdicts_are_asked_for_a_conflict_without_one_stops_the_stage(done, tmp_path):
    with pytest.raises(InputError, match=r"img_03\.tif is published as Fibres\|Powder\. Name their categories"):
        relabel(done, tmp_path / "out", "label.conflicts=verdicts")
    assert not (tmp_path / "out").exists()


def test_verdicts_that_contradict_or_name_no_category_are_refused(done, tmp_path):
    hashes = {row["path"]: row["md5"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    with pytest.raises(InputError, match="'Tip' is not in vocabulary"):
        relabel(done, tmp_path / "out", said=[(hashes["lzw.tif"], "Tip")])
    both = [(hashes["lzw.tif"], "Tips"), (hashes["other metadata.tif"], "Powder")]  # one picture in two files
    with pytest.raises(InputError, match="given several categories"):
        relabel(done, tmp_path / "out", said=both)


def test_the_wrong_vocabulary_stops_before_anything_is_written(done, tmp_path):
    with pytest.raises(InputError, match="does not fit the published set"):
        relabel(done, tmp_path / "out", vocabulary=Vocabulary("alphabetical", tuple(sorted(CATEGORIES))))
    assert not (tmp_path / "out").exists()


def test_an_original_that_vanished_is_a_reject(done, tmp_path):
    (tmp_path / "archive").mkdir()
    relabel(done, tmp_path / "out", "label.conflicts=keep_all", archive=tmp_path / "archive")
    gone = {row["path"] for row in table(tmp_path / "out/rejects.csv") if row["reason"] == "unreadable"}
    assert gone == {row["tiff_path"] for row in done.rows("label/labels.csv") if row["status"] == "labelled"} | {
        "Müller É/2013-02-19/img_03.tif"
    }


@pytest.mark.parametrize("change", ["other bytes", "gone", "a link", "a pipe"])
def test_an_original_that_changed_after_it_was_traced_is_no_labelled_copy(done, tmp_path, change):
    archive = tmp_path / "archive"
    shutil.copytree(done.archive, archive, symlinks=True)
    victim = next(row["tiff_path"] for row in done.rows("label/labels.csv") if row["status"] == "labelled")
    whole = (archive / victim).read_bytes()
    (archive / victim).unlink()
    if change == "other bytes":
        (archive / victim).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif change == "a link":
        (archive / victim).symlink_to(done.archive / victim)
    elif change == "a pipe":
        os.mkfifo(archive / victim)
    relabel(done, tmp_path / "out", archive=archive)
    reasons = {row["path"]: row["reason"] for row in table(tmp_path / "out/rejects.csv")}
    wanted = {"other bytes": "changed", "gone": "unreadable", "a link": "symbolic_link", "a pipe": "not_a_file"}
    assert reasons[victim] == wanted[change]
    listed = {row["output_path"] for row in table(tmp_path / "out/labels.csv") if row["output_path"]}
    assert listed == {p.relative_to(tmp_path / "out/images").as_posix() for p in (tmp_path / "out/images").rglob("*.*")}


def named(folder, *lines):
    """A table of sub-categories as `semtrace discover` writes it and a person copies it."""
    file = folder / "subcategories.csv"
    file.write_text("md5,path,subcategory,source\n" + "".join(f"{line}\n" for line in lines))
    return file


def test_a_named_sub_category_is_a_second_level_and_a_folder_of_its_own(done, tmp_path):
    tiff = next(row for row in done.rows("fingerprint/tiff/hashes.csv") if row["path"] == "lzw.tif")["md5"]
    file = named(tmp_path, f"{tiff},lzw.tif,Bent wires,named", "0" * 32 + ",x,Proposed 01,proposed")
    relabel(done, tmp_path / "out", subcategories=file)
    rows = {row["tiff_path"]: row for row in table(tmp_path / "out/labels.csv")}
    for path in ("lzw.tif", "zz copy of lzw.tif"):
        levels = [rows[path][name] for name in ("category", "label", "top_category", "subcategory")]
        assert levels == ["Nanowires", "L6", "Nanowires", "Bent wires"]
    assert rows["lzw.tif"]["output_path"] == "Nanowires/Bent wires/L6_lzw.tif"
    assert (tmp_path / "out/images/Nanowires/Bent wires/L6_lzw.tif").is_file()
    others = [row for row in rows.values() if row["status"] == "labelled" and row["tiff_path"] != "lzw.tif"]
    assert {row["subcategory"] for row in others} == {""}
    assert all(row["top_category"] == row["category"] for row in others)


def test_two_sub_categories_of_one_picture_are_a_conflict_and_it_keeps_its_category(done, tmp_path):
    forward = next(row for row in done.rows("match/jpeg_to_tiff.csv") if row["matched_tiff_path"] == "lzw.tif")
    digest = {
        row["path"]: row["md5"] for side in ("tiff", "jpeg") for row in done.rows(f"fingerprint/{side}/hashes.csv")
    }
    file = named(
        tmp_path, f"{digest['lzw.tif']},lzw.tif,Bent,named", f"{digest[forward['jpeg_path']]},x,Straight,named"
    )
    _, conflicts, _ = relabel(done, tmp_path / "out", subcategories=file)
    [row] = [row for row in table(tmp_path / "out/labels.csv") if row["tiff_path"] == "lzw.tif"]
    assert (row["category"], row["subcategory"], row["status"]) == ("Nanowires", "", "labelled")
    assert row["detail"] == "named Bent|Straight"
    assert ("several_subcategories", "lzw.tif", "Bent|Straight", "category alone") in {
        (row["kind"], row["content"], row["categories"], row["resolution"]) for row in conflicts
    }


def test_a_vocabulary_of_two_levels_gives_both_to_every_label(done, tmp_path):
    entries = [f"Wires/{name}" if name in ("Nanowires", "Fibres") else name for name in CATEGORIES]
    levels = {"Nanowires": "Wires", "Fibres": "Wires"}
    published = [f"{levels[c]}/{c}/x.jpg" if (c := path.split("/")[0]) in levels else path for path in
                 (row["path"] for row in done.rows("fingerprint/jpeg/hashes.csv"))]  # fmt: skip
    vocabulary = vocabulary_of("two levels", entries)
    assert vocabulary.label("Nanowires") == f"L{CATEGORIES.index('Nanowires')}"
    assert not vocabulary_faults(published, vocabulary)
    rows = label_rows(
        done.rows("fingerprint/tiff/hashes.csv"), done.rows("fingerprint/jpeg/hashes.csv"),
        [{**row, "matched_tiff_path": row["matched_tiff_path"]} for row in done.rows("match/jpeg_to_tiff.csv")],
        [{**row, "used_ssim": True} for row in done.rows("match/tiff_to_jpeg.csv")],
        Labelling(vocabulary, "exclude", (), Verdicts()),
    )  # fmt: skip
    found = {row["tiff_path"]: row for row in rows}
    assert [found["lzw.tif"][name] for name in ("category", "top_category", "subcategory")] == [
        "Nanowires", "Wires", "Nanowires",
    ]  # fmt: skip
    assert found["Müller É/2013-02-19/img_03.tif"]["status"] == "conflict"  # Fibres and Powder, whatever is above


def test_folders_that_do_not_lie_as_the_vocabulary_says_are_named():
    vocabulary = vocabulary_of("two", ["Tips/AFM", "Powder"])
    assert vocabulary_faults(["Tips/AFM/L0_x.jpg", "set/Tips/AFM/y.jpg", "Powder/z.jpg"], vocabulary) == []
    assert "must lie in 'Tips'" in vocabulary_faults(["AFM/x.jpg"], vocabulary)[0]
    assert "must lie in 'Tips'" in vocabulary_faults(["Other/AFM/x.jpg"], vocabulary)[0]
    assert "lies in category 'Powder'" in vocabulary_faults(["Powder/AFM/x.jpg"], vocabulary)[0]
    assert "is not one of its categories" in vocabulary_faults(["Tips/x.jpg"], vocabulary)[0]
    with pytest.raises(InputError, match="more than two levels"):
        vocabulary_of("deep", ["A/B/C"])
    with pytest.raises(InputError, match="more than once"):
        vocabulary_of("twice", ["A/X", "B/X"])
    with pytest.raises(InputError, match="not usable as a folder name"):
        vocabulary_of("bad", [".A/X"])


def test_slips_in_the_table_of_sub_categories_are_said(tmp_path):
    with pytest.raises(InputError, match=r"line 2: 'a/b' cannot be the name of a folder"):
        read_subcategories(named(tmp_path, "m,x,a/b,named"))
    with pytest.raises(InputError, match=r"line 3: m is 'B' here and 'A' above"):
        read_subcategories(named(tmp_path, "m,x,A,named", "m,y,B,named"))
    assert read_subcategories(named(tmp_path, 'm,x,A,"named, alike 0.90"', "n,y,B 01,proposed")) == {"m": "A"}
    assert read_subcategories(tmp_path / "none.csv") == {}
