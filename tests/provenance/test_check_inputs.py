"""Before the first stage: all that a listing and a person's tables show, at once."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image

from semtrace.cli.main import main
from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import Vocabulary, parse_published, vocabulary_faults, vocabulary_of
from semtrace.parallel import system_calls
from semtrace.provenance import check_inputs
from semtrace.provenance.fingerprint import Selection
from semtrace.provenance.label import Settings
from tests.pipeline import CATEGORIES, CONF, table
from tests.small_archive import save, scene

NFFA = Vocabulary("nffa", tuple(CATEGORIES))
ALL = Selection(None, None, None, 0)
PLAIN = Settings("copy", "exclude", [])


@pytest.fixture
def inputs(tmp_path) -> tuple[Path, Path, Path]:
    archive, published, known = (tmp_path / name for name in ("archive", "published", "known"))
    for folder in (archive / "lab", published / "Tips", known):
        folder.mkdir(parents=True)
    (archive / "lab/0.tif").touch()
    (published / "Tips/L5_0.jpg").touch()
    return archive, published, known


def add(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def refused(inputs, *said: str, selection=ALL, settings=PLAIN, vocabulary=NFFA) -> str:
    with pytest.raises(InputError) as told:
        check_inputs.check_before_work(*inputs, vocabulary, settings, selection)
    for words in said:
        assert words in str(told.value)
    return str(told.value)


def test_what_fits_is_no_finding(inputs):
    add(inputs[1], "Tips/@eaDir/L5_0.jpg/SYNO.jpg", "Tips/Thumbs.db", "Tips/.ipynb_checkpoints/x.jpg", "notes.txt")
    assert check_inputs.check_before_work(*inputs, NFFA, PLAIN, ALL) == []


def test_every_finding_is_told_at_once(inputs):
    _, published, known = inputs
    add(published, "loose.jpg", "tips/a.jpg", "Tips /b.jpe", "Tips/AFM/c.jfif", "Fibers/d.JPG", "Xyz/e.jpg")
    add(published, "Po\u0308wder/f.jpg", "Tips/L6_sample.jpg", "Powder/L9_sample.jpeg")
    (known / "truth.csv").write_text("jpeg_path,tiff_path,category\nTips/L5_0.jpg,lab/9.tif,\n")
    (known / "verdicts.csv").write_text(f"left,right,verdict,who,when\n{'0' * 32},tips,category,,\n")
    text = refused(
        inputs,
        "loose.jpg lies in no folder",
        "folder 'tips' (tips/a.jpg) is not one of its categories; the nearest is 'Tips'",
        "folder 'Tips ' (Tips /b.jpe) is not one of its categories; the nearest is 'Tips'",
        "folder 'Tips/AFM' (Tips/AFM/c.jfif) lies in category 'Tips'",
        "folder 'Fibers' (Fibers/d.JPG) is not one of its categories; the nearest is 'Fibres'",
        "folder 'Xyz' (Xyz/e.jpg) is not one of its categories\n",
        "is not one of its categories; the nearest is 'Powder'",
        "Tips is L5, but Tips/L6_sample.jpg says L6",
        "Powder is L4, but Powder/L9_sample.jpeg says L9",
        "line 2: tiff_path 'lab/9.tif' is no file of the archive (there is 'lab/0.tif')",
        "'tips' is not in vocabulary 'nffa'; the nearest is 'Tips'",
    )
    assert "11 findings in the input; nothing was done yet" in text


FOUND = Vocabulary("folders", (), depth=1, found=True)


def test_a_list_that_does_not_fit_is_said_with_one_to_paste(inputs, tmp_path):
    published = inputs[1]
    (published / "Tips/L5_0.jpg").unlink()
    add(published, "Coils/a.jpg", "NO/b.jpg")
    text = refused(inputs, "folder 'Coils' (Coils/a.jpg) is not one of its categories", "labels=folders takes")
    pasted = yaml.safe_load(text.partition("choose labels=mine:")[2])
    assert pasted == {"vocabulary": "mine", "categories": ["Coils", "NO"], "depth": 1}


@pytest.mark.parametrize(
    ("paths", "depth", "choice", "categories"),
    [
        (["Rods/L1_a.jpg", "Coils/L0_b.jpg"], "last", "labels=folders takes", ["Coils", "Rods"]),
        (["Rods/L7_a.jpg", "Coils/L3_b.jpg"], "last", "labels=folders takes", None),  # a list has no gap
        (["Rods (new)/a.jpg"], 1, "labels=folders takes", None),
        (["Tips/AFM/a.jpg", "Tips/b.jpg"], 2, "labels=folders labels.depth=2 takes", ["Tips/AFM", "Tips"]),
        (["Set/Tips/a.jpg", "loose.jpg"], "last", "labels=folders labels.depth=last takes", ["Tips"]),
        (["Set/Tips/AFM/a.jpg", "Set/Tips/b.jpg"], "last", "labels=folders labels.depth=last takes", None),
        (["Tips/a.jpg", "Set/Tips/b.jpg"], 2, "labels=none", None),
        (["loose.jpg"], 1, "labels=none", None),
    ],
)
def test_a_list_to_paste_fits(paths, depth, choice, categories):
    said = check_inputs.own_vocabulary(paths, Vocabulary("theirs", ("Xyz",), depth=depth))
    assert said.startswith(f"\n{choice}")
    pasted = yaml.safe_load(said.partition("choose labels=mine:")[2])
    assert (pasted or {}).get("categories") == categories
    if pasted:
        mine = vocabulary_of(pasted["vocabulary"], pasted["categories"], pasted["depth"])
        assert vocabulary_faults([path for path in paths if "/" in path], mine) == []


def test_found_folders_need_no_list_and_say_what_is_odd(inputs):
    add(inputs[1], "Coils/a.jpg", "Tips/2019/b.jpg", "loose.jpg")
    (told,) = check_inputs.check_before_work(*inputs, FOUND, PLAIN, ALL)
    assert "1 of 4 JPEGs lie in no folder" in told
    add(inputs[1], "Coils/L5_c.jpg")
    assert "numbers in file names contradict" in check_inputs.check_before_work(*inputs, FOUND, PLAIN, ALL)[1]
    refused(inputs, "'Tip' is not in vocabulary 'folders'; the nearest is 'Tips'",
            settings=Settings("copy", "priority", ["Tip"]), vocabulary=FOUND)  # fmt: skip


def test_a_folder_around_all_categories_is_pointed_out(inputs):
    archive, published, known = inputs
    add(published, "Complete/Tips/a.jpg", "Complete/Coils/b.jpg")
    (published / "Tips/L5_0.jpg").unlink()
    (told,) = check_inputs.check_before_work(archive, published, known, FOUND, PLAIN, ALL)
    assert "all JPEGs lie in one folder, 'Complete'" in told
    assert "labels.depth=2 takes the folders in it: Coils, Tips" in told


def test_without_labels_nothing_about_folders_matters(inputs):
    add(inputs[1], "loose.jpg", "Xyz/Tips/L9_a.jpg")
    none = Vocabulary("none", (), depth=0)
    assert check_inputs.check_before_work(*inputs, none, PLAIN, ALL) == []


def test_a_category_in_another_unicode_form_is_named(inputs):
    add(inputs[1], "Pu\u0308lver/a.jpg")
    said = vocabulary_faults(["Pu\u0308lver/a.jpg"], Vocabulary("own", ("Tips", "P\u00fclver")))
    assert said == [
        "folder 'Pu\u0308lver' (Pu\u0308lver/a.jpg) is not one of its categories; the nearest is 'P\u00fclver'"
    ]


def test_only_chosen_pictures_are_looked_at(inputs):
    add(inputs[1], "Xyz/e.jpg")
    assert check_inputs.check_before_work(*inputs, NFFA, PLAIN, Selection("Tips", None, None, 0)) == []
    refused(inputs, "has no JPEG in 'tips'; there are Tips, Xyz", selection=Selection("tips", None, None, 0))


def test_priorities_and_folders_without_images_are_found(inputs):
    archive, published, _ = inputs
    (archive / "lab/0.tif").unlink()
    (published / "Tips/L5_0.jpg").rename(published / "Tips/a.png")
    settings = Settings("copy", "priority", ["powder", "Tips"])
    refused(
        inputs, "no file with a TIFF extension", "no file with a JPEG extension (.jfif, .jpe, .jpeg, .jpg)",
        "label.priority: 'powder' is not in vocabulary 'nffa'; the nearest is 'Powder'", settings=settings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number", "digits"),
    [
        ("L6_sample.jpg", 6, ""),
        ("l6_sample.jpe", 6, ""),
        (f"L6_{'a' * 32}.jfif", 6, "a" * 32),
        (f"L6_{'A' * 32}.JPE", 6, "a" * 32),
        (f"L6_{'a' * 31}.jpg", 6, ""),
        (f"L6_{'a' * 32}.tif", 6, ""),
        ("L6sample.jpg", None, ""),
        ("XL6_sample.jpg", None, ""),
        ("L_sample.jpg", None, ""),
    ],
)
def test_the_number_in_a_name_counts_whatever_follows(name, number, digits):
    said = parse_published(f"Tips/{name}")
    assert (said.category, said.number, said.digits) == ("Tips", number, digits)


def laid_out(root: Path, case: Path) -> Path:
    """A case of ../shared/cases/input as a project."""
    project = root / "project"
    shutil.copytree(CONF, project / "conf")
    for side in ("archive", "published", "known"):
        if (case / side).is_dir():
            shutil.copytree(case / side, project / "data/raw" / side, copy_function=shutil.copyfile)
        (project / "data/raw" / side).mkdir(parents=True, exist_ok=True)
    if (case / "conf").is_dir():
        shutil.copytree(case / "conf", project / "conf", dirs_exist_ok=True, copy_function=shutil.copyfile)
    return project


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("01-truth-dangling-backslash", "3 of 3 rows name files in another way (separator 3)"),
        ("01-truth-dangling-nfd", "3 of 3 rows name files in another way (Unicode form 3)"),
        ("05-nas-folder-in-published", ""),
        ("07-recycle-bin-and-snapshot", ""),
    ],
)
def test_cases_that_were_seen(cases, tmp_path, monkeypatch, capfd, case, said):
    monkeypatch.chdir(laid_out(tmp_path, cases / "input" / case))
    assert main(["run", "dataset=archive", "executor.workers=1"]) == 0
    told = capfd.readouterr()
    assert said in told.err
    rows = table(Path("data/work/match/jpeg_to_tiff.csv"))
    assert [row["decision"] for row in rows] == ["matched"] * len(rows)
    folders = {"01": "Müller/s", "05": "", "07": "lab/"}[case[:2]]
    assert [row["matched_tiff_path"] for row in rows] == [f"{folders}{n}.tif" for n in range(len(rows))]
    if said:
        assert said in told.out
        assert "traced rightly   3" in told.out


def test_words_that_yaml_misreads_are_named_at_once(cases, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(laid_out(tmp_path, cases / "input/12-yaml-words-as-categories"))
    assert main(["run", "dataset=archive", "labels=mine"]) == 2
    said = capsys.readouterr().err
    assert "conf/labels/mine.yaml line 3: NO is the truth value false to YAML: write 'NO' in quotes" in said
    assert "line 4: 007 is the number 7 to YAML: write '007' in quotes" in said
    assert "line 5: 1e3 is the number 1000.0 to YAML: write '1e3' in quotes" in said
    assert not Path("data/work").exists()


def test_a_project_inside_its_archive_never_reads_its_own_results(tmp_path, monkeypatch, capfd):
    """On the case 02-project-inside-archive of ../shared/cases/input, where that is here."""
    disk, case = tmp_path / "a_disk", CONF.parent.parent / "shared/cases/input/02-project-inside-archive"
    project = laid_out(disk, case)
    if case.is_dir():
        shutil.copytree(case / "z_microscope", disk / "z_microscope", copy_function=shutil.copyfile)
    else:
        (project / "data/raw/published/Tips").mkdir()
        for seed in range(2):
            save(disk / f"z_microscope/{seed}.tif", scene(seed))
            Image.fromarray(scene(seed)).save(project / f"data/raw/published/Tips/p{seed}.jpg", quality=95)
    monkeypatch.chdir(project)
    tables = []
    for _ in range(2):
        assert main(["run", "dataset=archive", "dataset.archive=..", "executor.workers=1"]) == 0
        tables.append(Path("data/work/match/jpeg_to_tiff.csv").read_bytes())
    assert tables[0] == tables[1]
    rows = table(Path("data/work/match/jpeg_to_tiff.csv"))
    assert [row["matched_tiff_path"] for row in rows] == ["z_microscope/0.tif", "z_microscope/1.tif"]
    assert {row["path"] for row in table(Path("data/work/inventory/inventory.csv"))} == {
        "z_microscope/0.tif", "z_microscope/1.tif",
    }  # fmt: skip
    rejects = {row["path"]: row["reason"] for row in table(Path("data/work/inventory/rejects.csv"))}
    assert rejects["project/data/work"] == "own_output"
    capfd.readouterr()
    assert main(["run", "dataset=archive", "dataset.archive=..", "dataset.published=data/work/convert/images"]) == 2
    assert "which this project makes and replaces" in capfd.readouterr().err


def test_the_case_of_a_folder_that_only_root_may_read(cases, tmp_path, monkeypatch):
    """A part of either side that cannot be listed is a row with its reason, and the rest is done."""
    project = laid_out(tmp_path, cases / "input/08-lost+found")
    for closed in ("archive/lost+found", "archive/lab/closed", "published/Tips/closed"):
        (project / "data/raw" / closed).mkdir()
        (project / "data/raw" / closed / "x.tif").touch()
    opened = system_calls.open_without_links

    def refused_inside(path, **how):  # as the system refuses all users but root
        if Path(path).name in ("lost+found", "closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, **how)

    monkeypatch.setattr(system_calls, "open_without_links", refused_inside)
    monkeypatch.chdir(project)
    assert main(["run", "dataset=archive", "executor.workers=1"]) == 0
    assert [row["matched_tiff_path"] for row in table(Path("data/work/match/jpeg_to_tiff.csv"))] == ["lab/0.tif"]
    rejects = {row["path"]: row for row in table(Path("data/work/inventory/rejects.csv"))}
    assert {path: row["reason"] for path, row in rejects.items()} == {
        "lost+found": "system_folder", "lab/closed": "unreadable",
    }  # fmt: skip
    assert "nothing in it was read" in rejects["lab/closed"]["detail"]
    [reject] = table(Path("data/work/fingerprint/jpeg/rejects.csv"))
    assert (reject["path"], reject["reason"]) == ("Tips/closed", "unreadable")


def test_swapped_folders_are_named_as_such(inputs):
    archive, published, known = inputs
    text = refused((published, archive, known), "the two folders seem to be swapped")
    assert "1 finding in the input; nothing was done yet" in text
    assert "lies in no folder" not in text


def test_an_archive_of_another_format_says_what_is_there(inputs):
    archive = inputs[0]
    (archive / "lab/0.tif").unlink()
    add(archive, "a.dm3", "b.dm3", "notes.txt")
    refused(inputs, "there are 2 .dm3, 1 .txt", "export other formats of the microscope as TIFF")


def test_the_category_of_truth_may_be_missing(inputs):
    (inputs[2] / "truth.csv").write_text("jpeg_path,tiff_path\nTips/L5_0.jpg,lab/0.tif\n")
    assert check_inputs.check_before_work(*inputs, NFFA, PLAIN, ALL) == []
