from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.io import files
from semtrace.io.project_state import Checkout
from semtrace.io.staging import staged_folder
from semtrace.io.tables import read, read_parquet, write
from semtrace.provenance.tables import INVENTORY, LABELS
from semtrace.release import build, compare, images, verify
from semtrace.release.gates import GATES
from semtrace.release.tables import FIRST_COLUMNS, MANIFEST
from tests.release.project import CLEAN, SETTINGS, Picture, Project, ten


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_published_picture_is_inside_or_left_out_with_a_reason(project):
    project.pictures += [
        Picture(20, "Tips", "train", decision="ambiguous"),
        Picture(21, "Tips", "train", decision="unmatched"),
        Picture(22, "Tips", "train", labelled=""),
        Picture(23, "Fibres", "train", data=ten()[0].data),
    ]
    folder = project.release("1.0.0", "conflicts")
    manifest, left = rows(folder / "manifest.csv"), rows(folder / "metadata/documentation/left_out.csv")
    assert {row["reason"] for row in left} == {"same_pixels", "no_single_category", "unmatched", "ambiguous"}
    assert sorted(row["published_path"] for row in manifest + left) == sorted(p.path for p in project.pictures)


def test_the_manifest_says_what_each_file_is(project):
    folder = project.release("1.0.0")
    manifest = rows(folder / "manifest.csv")
    assert tuple(manifest[0]) == MANIFEST.names
    by_path = {p.path: p for p in project.pictures}
    for row in manifest:
        data, picture = (folder / row["path"]).read_bytes(), by_path[row["published_path"]]
        assert row["path"] == f"data/{picture.split}/{picture.category}/{row['label']}_{picture.md5}.jpg"
        assert (row["sha256"], row["md5"], row["bytes"]) == (
            hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest(), str(len(data)),
        )  # fmt: skip
        source = f"{hashlib.md5(picture.tiff).hexdigest()}.tif"
        assert (row["source_path"], row["evidence"], row["licence"]) == (source, "ssim", "CC-BY-4.0")
        assert float(row["pixel_size_m"]) == 2.5e-09  # 32 columns show the 64 of the original
    assert {str(p.relative_to(folder)) for p in folder.glob("data/*/*/*")} == {row["path"] for row in manifest}
    assert read_parquet(folder / "manifest.parquet", MANIFEST) == read(folder / "manifest.csv", MANIFEST)


def test_sha256sum_agrees(project):
    folder = project.release("1.0.0")
    done = subprocess.run(["sha256sum", "--strict", "--quiet", "--check", "SHA256SUMS"], cwd=folder, check=False)
    assert done.returncode == 0


def test_the_same_inputs_give_the_same_bytes(project, tmp_path):
    first = project.release("1.0.0")
    other = Project(tmp_path / "other", list(reversed(ten())))
    second = other.release("1.0.0", link="hardlink")
    digests = [{name: path.read_bytes() for name, path in files.walk(folder)} for folder in (first, second)]
    assert digests[0] == digests[1]


def test_a_label_settled_for_the_original_is_that_of_the_picture(project):
    project.pictures[0].labelled = "Fibres"  # published under Porous_Sponge
    folder = project.release("1.0.0")
    [row] = [row for row in rows(folder / "manifest.csv") if row["published_path"] == project.pictures[0].path]
    assert (row["category"], row["label"]) == ("Fibres", "L3")


def test_a_pixel_size_is_given_only_where_the_whole_original_is_shown(project, monkeypatch):
    project.write()
    hashes = project.root / "work/fingerprint/tiff/hashes.csv"
    hashes.write_text(hashes.read_text().replace(",48,", ",,"))  # no data bar: 64 x 52, the picture 32 x 24
    monkeypatch.setattr(project, "write", lambda: None)
    assert {row["pixel_size_m"] for row in rows(project.release("1.0.0") / "manifest.csv")} == {""}


@pytest.mark.parametrize(
    ("column", "said", "size"),
    [
        ("crop", "48x36+8+6", 1.875e-09),  # 32 columns show 48 of the original's, 1.25 nm each
        ("place", "16x12+8+6", 5e-09),  # 16 columns of a larger page show all 64
    ],
)
def test_a_published_part_has_the_pixel_size_of_that_part(project, monkeypatch, column, said, size):
    project.write()
    mapping = project.root / "work/match/jpeg_to_tiff.csv"
    [header, *lines] = mapping.read_text().splitlines()
    at = header.split(",").index(column)
    cells = [line.split(",") for line in lines]
    mapping.write_text("\n".join([header, *(",".join([*c[:at], said, *c[at + 1 :]]) for c in cells)]) + "\n")
    monkeypatch.setattr(project, "write", lambda: None)
    sizes = {float(row["pixel_size_m"]) for row in rows(project.release("1.0.0") / "manifest.csv")}
    assert sizes == {size}


# --- originals


def test_originals_go_along_by_choice_each_once_beside_the_pictures_of_its_part(project):
    twice = project.pictures[0]
    project.pictures.append(
        Picture(0, twice.category, twice.split, quality=50, name="twice")
    )  # a second picture of one original
    folder = project.release("1.0.0", originals=True)
    manifest = rows(folder / "manifest.csv")
    assert len({row["source_file"] for row in manifest}) == len(manifest) - 1 == 10
    archive = {p.path: p.tiff for p in project.pictures}
    for row in manifest:
        data = (folder / row["source_file"]).read_bytes()
        assert data == archive[row["published_path"]]
        md5 = hashlib.md5(data).hexdigest()
        kind = f"{row['category']}/{row['label']}"
        assert row["source_file"] == f"originals/{kind}_{md5}.tif"
        told = row["source_sha256"], row["source_bytes"]
        assert told == (hashlib.sha256(data).hexdigest(), str(len(data)))
    assert {str(p.relative_to(folder)) for p in folder.glob("originals/*/*")} == {r["source_file"] for r in manifest}
    assert "(10 TIFF files, unchanged)" in (folder / "README.md").read_text()
    datacite = json.loads((folder / "datacite.json").read_text())
    total = sum(path.stat().st_size for kind in ("data/*/*/*.jpg", "originals/*/*.tif") for path in folder.glob(kind))
    assert datacite["sizes"] == ["11 images", "10 originals", f"{total} bytes"]


def test_without_that_choice_the_archive_is_not_even_looked_at(project, monkeypatch):
    project.write()
    (project.root / "archive").rename(project.root / "elsewhere")
    monkeypatch.setattr(project, "write", lambda: None)
    folder = project.release("1.0.0")
    assert not (folder / "originals").exists()
    told = {(row["source_file"], row["source_sha256"], row["source_bytes"]) for row in rows(folder / "manifest.csv")}
    assert told == {("", "", "")}
    with pytest.raises(InputError, match="archive"):
        project.release("1.1.0", originals=True)


@pytest.mark.parametrize("link", ["reflink", "hardlink", "copy"])
def test_who_edits_an_original_in_a_release_does_not_edit_the_archive(project, link):
    folder = project.release("1.0.0", originals=True, link=link)
    original = {p.path: p.original for p in project.pictures}
    for row in rows(folder / "manifest.csv"):
        inside, archive = folder / row["source_file"], project.root / "archive" / original[row["published_path"]]
        assert not inside.samefile(archive)
        assert archive.stat().st_nlink == 1


def test_an_untraced_picture_has_no_original(project):
    project.pictures.append(Picture(20, "Tips", "train", decision="unmatched"))
    folder = project.release("1.0.0", "evidence", originals=True, include=["matched", "unmatched"])
    [row] = [row for row in rows(folder / "manifest.csv") if row["decision"] == "unmatched"]
    assert (row["source_path"], row["source_file"], row["source_sha256"], row["source_bytes"]) == ("", "", "", "")
    assert verify.run(folder, full=True, workers=1) == []


def test_an_original_that_changed_since_it_was_traced_is_not_released(project, monkeypatch):
    project.write()
    file = project.root / "archive" / project.pictures[3].original
    file.write_bytes(file.read_bytes()[::-1])
    monkeypatch.setattr(project, "write", lambda: None)
    with pytest.raises(InputError, match=f"{project.pictures[3].original}: not the file that was traced"):
        project.release("1.0.0", originals=True)
    assert not list(project.root.glob("releases/*"))


# --- what a release says of the archive


def everything(folder: Path) -> bytes:
    """Names and bytes of all files of a release, but for the images."""
    names = "\n".join(name for name, _ in files.walk(folder))
    described = [path.read_bytes() for _, path in files.walk(folder) if path.suffix not in (".jpg", ".tif", ".parquet")]
    return b"\n".join(
        [names.encode(), *described, read_parquet(folder / "manifest.parquet", MANIFEST).__repr__().encode()]
    )


def test_neither_folder_nor_name_of_an_original_is_anywhere_in_a_release(project, monkeypatch):
    project.pictures.append(Picture(22, "Tips", "train", labelled=""))
    project.write()
    name_the_archive(project.root)
    monkeypatch.setattr(project, "write", lambda: None)
    folder = project.release("1.0.0", "conflicts", originals=True)
    said = everything(folder)
    assert b"M\xc3\xbcller" not in said
    assert b"img_0" not in said
    assert str(project.root).encode() not in said
    manifest, forward = rows(folder / "manifest.csv"), rows(folder / "metadata/mappings/jpeg_to_tiff.csv")
    traced = {row["jpeg_path"]: row["matched_tiff_path"] for row in forward}
    assert all(row["source_path"] == f"{row['source_md5']}.tif" == traced[row["published_path"]] for row in manifest)
    named = {row["path"] for row in rows(folder / "metadata/mappings/groups.csv") if row["side"] == "tiff"}
    assert {row["source_path"] for row in manifest} < named
    assert "No names of files or folders of the archive are inside" in (folder / "README.md").read_text()
    assert verify.run(folder, full=True, workers=1) == []


def test_an_original_that_is_in_no_inventory_any_more_is_named_nowhere_either(project, monkeypatch):
    project.pictures += [
        Picture(20, "Tips", "train", decision="ambiguous"),
        Picture(22, "Tips", "train", labelled=""),
    ]
    project.write()
    inventory = project.root / "work/inventory/inventory.csv"
    gone = {p.original for p in project.pictures if p.seed in (3, 20, 22)}
    write(inventory, INVENTORY, [row for row in read(inventory, INVENTORY) if row["path"] not in gone])
    monkeypatch.setattr(project, "write", lambda: None)
    stale = replace(CLEAN, stale=("fingerprint@tiff", "data/raw/Müller É.dvc"))
    with pytest.raises(InputError, match=r"stale: .*data/raw/Müller É\.dvc"):
        project.release("1.0.0", "conflicts", checkout=stale)
    folder = project.release("1.0.0", "conflicts", "stale", checkout=stale)
    said = everything(folder)
    assert b"M\xc3\xbcller" not in said
    assert b"img_0" not in said
    card = (folder / "README.md").read_text()
    assert "- **stale** (accepted at the release): results are not what code, parameters and inputs give now: " in card
    assert "fingerprint@tiff, an input" in card
    groups = rows(folder / "metadata/mappings/groups.csv")
    assert sum(row["path"] == "not_listed" for row in groups) == len(gone)


@pytest.mark.parametrize(("kind", "folders"), [("name", False), ("full", True)])
def test_names_or_paths_of_the_originals_are_inside_where_they_are_asked_for(project, monkeypatch, kind, folders):
    project.write()
    name_the_archive(project.root)
    monkeypatch.setattr(project, "write", lambda: None)
    said = everything(folder := project.release("1.0.0", "source_paths", source_paths=kind))
    assert b"img_003.tif" in said
    assert (b"M\xc3\xbcller" in said) == (str(project.root).encode() in said) == folders
    assert (folder / "metadata/statistics/accuracy_report.txt").exists() == folders
    for row in rows(folder / "metadata/mappings/tiff_to_jpeg.csv"):
        assert row["TIFF_path"] == ("Müller É/" if folders else "") + row["TIFF_path"].rpartition("/")[2]


def name_the_archive(root: Path) -> None:
    """What names folders in the results of a real run: parameters, the report, labelled copies and remarks on them."""
    (root / "params.yaml").write_text(f"dataset: {{name: mine, archive: {root}/archive}}\nmatch: {{reach: 300}}\n")
    (root / "work/validate").mkdir()
    (root / "work/validate/accuracy_report.txt").write_text(f"semtrace 0.1.0, dataset mine from {root}/archive\n")
    labels = root / "work/label/labels.csv"
    named = [
        {
            **row,
            "output_path": f"Tips/L2_{row['tiff_path'].rpartition('/')[2]}",
            "detail": f"copy of {row['tiff_path']}",
        }
        for row in read(labels, LABELS)
    ]
    write(labels, LABELS, named)


def test_parameters_that_made_a_release_are_inside_without_folders(project, monkeypatch):
    project.write()
    name_the_archive(project.root)
    monkeypatch.setattr(project, "write", lambda: None)
    text = (project.release("1.0.0") / "metadata/documentation/params.yaml").read_text()
    assert yaml.safe_load(text) == {"dataset": {"name": "mine"}, "match": {"reach": 300}}


def crash(_: str) -> None:
    """What a damaged picture may do to a decoder."""
    os._exit(1)


def test_a_decoder_that_crashes_leaves_a_gap_in_the_contact_sheet_and_ends_no_release(project, monkeypatch):
    whole = (project.release("1.0.0") / "metadata/contact_sheet.png").read_bytes()
    monkeypatch.setattr(images, "_gray", crash)
    folder = project.release("1.1.0")
    assert (folder / "metadata/contact_sheet.png").read_bytes() != whole
    assert verify.run(folder, full=True, workers=1) == []


def test_each_part_has_a_table_for_viewers(project):
    project.pictures.append(Picture(20, "Tips", "test", decision="unmatched"))
    folder = project.release("1.0.0", "evidence", include=["matched", "unmatched"])
    manifest = {row["path"]: row for row in rows(folder / "manifest.csv")}
    seen = set()
    for part in ("train", "validation", "test"):
        for row in rows(folder / f"data/{part}/metadata.csv"):
            of = manifest[f"data/{part}/{row['file_name']}"]
            assert (row["evidence"], row["pixel_size_m"]) == (of["evidence"] or "none", of["pixel_size_m"])
            assert (row["width"], row["height"]) == (of["width"], of["height"])
            assert row["duplicate_group"] == f"group {of['duplicate_group']}"
            seen.add(of["path"])
    assert seen == set(manifest)


# --- gates

DIRTY = {
    "conflicts": lambda p: p.pictures.append(Picture(20, "Tips", "train", labelled="")),
    "ambiguous": lambda p: p.pictures.append(Picture(20, "Tips", "train", decision="ambiguous")),
    "evidence": lambda p: p.pictures.append(Picture(20, "Tips", "train", decision="unmatched")),
    "groups": lambda p: p.pictures.append(Picture(20, "Tips", "test", group="g0")),
}
SAID = {
    "title": {"title": " "},
    "licence": {"licence": ""},
    "description": {"description": ""},
    "creators": {"creators": []},
    "source_paths": {"source_paths": "full"},
    "uncommitted": {"checkout": Checkout("a" * 40, "2026-11-21", (), ("src/x.py",), ())},
    "stale": {"checkout": Checkout("a" * 40, "2026-11-21", (), (), ("match",))},
    "version": {"checkout": Checkout("a" * 40, "2026-11-21", ("sem-test@v1.0.0", "other@v7.0.0", "v9"), (), ())},
}


@pytest.mark.parametrize("gate", [*DIRTY, *SAID])
def test_a_gate_stays_shut_unless_it_is_named_and_then_the_card_says_so(project, gate):
    DIRTY.get(gate, lambda _: None)(project)
    say = {"include": ["matched", "ambiguous", "unmatched"], **SAID.get(gate, {})}
    more = ["history"] if gate == "version" else []
    with pytest.raises(InputError, match=rf"not released:\n  {gate}: .*(?s:.)*--allow {gate}"):
        project.release("1.0.0", *(set(GATES) - {gate}), **say)
    assert not list(project.root.glob("releases/*"))
    folder = project.release("1.0.0", gate, *more, **say)
    assert f"- **{gate}** (accepted at the release)" in (folder / "README.md").read_text()
    assert [f for f in verify.run(folder, full=True, workers=1) if gate != "groups"] == []


def test_an_original_whose_pictures_are_in_two_parts_tears_a_group_though_the_pictures_have_groups_of_their_own(
    project,
):
    p = project.pictures[0]
    project.pictures.append(Picture(0, p.category, "test", quality=50, group="by-itself", name="twice"))  # scope=within
    with pytest.raises(InputError, match=r"groups: 1 group of duplicates in more than one part"):
        project.release("1.0.0")


def test_what_was_allowed_without_need_is_not_called_a_flaw(project):
    assert "All release checks passed." in (project.release("1.0.0", *GATES) / "README.md").read_text()


def test_a_release_needs_the_one_before_it_to_say_what_changed(project):
    (project.root / "releases").mkdir()
    (project.root / "releases/sem-test-1.0.0.dvc").touch()  # tracked by DVC, not fetched
    with pytest.raises(InputError, match=r"history: release 1.0.0 is not here"):
        project.release("1.1.0")
    assert "Not compared with 1.0.0" in (project.release("1.1.0", "history") / "CHANGELOG.md").read_text()


def test_a_release_is_never_changed(project):
    folder = project.release("1.0.0")
    before = (folder / "SHA256SUMS").read_bytes()
    project.pictures.pop()
    with pytest.raises(InputError, match="exists already"):
        project.release("1.0.0", *GATES)
    assert (folder / "SHA256SUMS").read_bytes() == before


def test_a_release_that_another_process_made_meanwhile_is_not_replaced(project, monkeypatch):
    @contextlib.contextmanager
    def waited(target: Path):
        target.mkdir(parents=True)  # what the other one made while this one waited for it
        (target / "its").touch()
        with staged_folder(target) as folder:
            yield folder

    monkeypatch.setattr(build, "staged_folder", waited)
    with pytest.raises(InputError, match="exists already"):
        project.release("1.0.0")
    assert [str(path.relative_to(project.root / "releases")) for path in project.root.glob("releases/*/*")] == [
        "sem-test-1.0.0/its"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("licence", "CC BY 4.0"),
        ("licence", "CC-BY-4.0 "),
        ("doi", "https://doi.org/10.5281/zenodo.1"),
        ("title", "one\ntwo"),
        ("name", "SEM"),
        ("link", "symlink"),
        ("include", ["all"]),
    ],
)
def test_what_would_make_descriptions_wrong_is_refused_before_any_work(name, value):
    with pytest.raises(ValueError, match=f"release.{name}"):
        replace(SETTINGS, **{name: value})


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n", ""])
def test_only_plain_versions(project, version):
    with pytest.raises(InputError, match="is no version"):
        project.release(version)


# --- what disturbs


def test_a_picture_that_changed_since_it_was_fingerprinted_is_not_released(project, monkeypatch):
    project.write()
    file = project.root / "published" / project.pictures[3].path
    file.write_bytes(file.read_bytes() + b"x")
    monkeypatch.setattr(project, "write", lambda: None)
    with pytest.raises(InputError, match=f"{project.pictures[3].path}: not the file that was traced"):
        project.release("1.0.0")
    assert not list(project.root.glob("releases/*"))


def test_a_full_disk_leaves_nothing(project, monkeypatch):
    def full(source: Path, target: Path, *, link: str) -> str:
        if "Fibres" in str(target):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return files.place(source, target, link=link)

    monkeypatch.setattr(images, "place", full)
    with pytest.raises(OSError, match="No space left"):
        project.release("1.0.0")
    assert not list((project.root / "releases").iterdir())


@pytest.mark.parametrize("moment", ["data", "manifest.csv", "SHA256SUMS"])
def test_a_killed_release_is_not_visible_and_the_next_one_is_whole(project, moment):
    """SIGKILL while the folder is being filled, at three places of its making."""
    project.write()
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from semtrace.io import files, tables\nfrom semtrace.release import build, images\n"
        "from tests.release.project import Project\n"
        "def killing(real):\n"
        "    def call(path, *a, **k):\n"
        "        target = a[0] if a and isinstance(a[0], Path) else path\n"
        f"        if {moment!r} in str(target.relative_to({str(project.root)!r})).split('.part')[-1]:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(path, *a, **k)\n"
        "    return call\n"
        "build.write_atomic, tables.write_atomic = killing(files.write_atomic), killing(files.write_atomic)\n"
        "images.place = build.place = killing(files.place)\n"
        f"Project(Path({str(project.root)!r})).release('1.0.0')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    left = [path.name for path in (project.root / "releases").iterdir()]
    assert left == [".sem-test-1.0.0.part"]
    folder = project.release("1.0.0")
    assert [path.name for path in (project.root / "releases").iterdir()] == [folder.name]
    assert verify.run(folder, full=True, workers=1) == []


# --- descriptions


def test_the_next_version_says_what_changed(project):
    project.release("1.0.0")
    p = project.pictures
    p[0].labelled = "Fibres"
    p[1] = Picture(1, p[1].category, p[1].split, quality=70)
    p[2].split = "test"
    gone = p.pop(9)
    p.append(Picture(30, "Tips", "train"))
    text = (project.release("1.1.0") / "CHANGELOG.md").read_text()
    assert "Since 1.0.0: 1 added, 1 removed, 1 relabelled, 1 re-encoded, 0 retraced, 1 moved, 6 unchanged." in text
    assert f"- removed: data/test/{gone.category}/L1_{gone.md5}.jpg" in text
    assert text.index("## 1.1.0, ") < text.index("## 1.0.0, 2026-11-21\n\nThe first release: 10 pictures.")


@pytest.mark.parametrize("originals", [False, True])
def test_each_link_of_the_card_leads_to_what_is_inside(project, originals):
    folder = project.release("1.0.0", originals=originals)
    links = re.findall(r"\]\((.*?)\)", (folder / "README.md").read_text())
    assert len(links) >= 8
    assert all((folder / link).exists() for link in links)
    assert ("originals" in links) == originals


def test_the_card_says_uses_limitations_source_and_personal_data(project):
    words = {name: f"My own {name}." for name in ("uses", "limitations", "source", "personal_data")}
    card = (project.release("1.0.0", originals=True, **words) / "README.md").read_text()
    at = [card.index(f"\n## {title}\n") for title in ("Uses", "Source", "Limitations", "Personal data", "Known flaws")]
    assert at == sorted(at)
    for (name, text), begin, end in zip(
        words.items(), (at[0], at[2], at[1], at[3]), (at[1], at[3], at[2], at[4]), strict=True
    ):
        assert text in card[begin:end], name
    for said in (
        "Zeiss SUPRA 40 (5); not named: 5.",
        "Porous_Sponge has 3 pictures, Fibres has 2",
        "0 of 10 pictures have a proof",
        "known for 10 of 10 pictures",
        "tags of microscopes often name the operator",
    ):
        assert said.replace("_", "\\_") in card
    assert "name the operator" not in (project.release("1.1.0") / "README.md").read_text()


def test_the_contact_sheet_shows_each_category(project):
    folder = project.release("1.0.0")
    sheet = Image.open(folder / "metadata/contact_sheet.png")
    assert sheet.width >= 640
    assert sheet.height > 4 * 150  # four categories
    assert len(sheet.convert("L").getcolors(256)) > 100
    assert "(metadata/contact_sheet.png)" in (folder / "README.md").read_text()


def test_croissant_has_a_creator_and_an_address_whatever_is_known(project):
    def said(folder: Path) -> tuple:
        tree = json.loads((folder / "croissant.json").read_text())
        return tree["creator"], tree["url"]

    creators, address = said(project.release("1.0.0"))
    assert [one["name"] for one in creators] == ["Orrù, Marta", "The microscopy group"]
    assert address == "https://example.org/sem-test"
    assert said(project.release("1.1.0", url=""))[1] == "https://doi.org/10.5281/zenodo.1"
    creator, address = said(project.release("1.2.0", "creators", url="", doi="", creators=[]))
    assert (creator["name"], address) == ("CNR-IOM", "README.md")


def test_names_in_the_card_are_no_markup(project):
    assert (
        "# A\\_b \\*c\\* \\[d\\](e)\n" in (project.release("1.0.0", title="A_b *c* [d](e)") / "README.md").read_text()
    )


def test_a_card_does_not_deny_the_flaw_that_was_accepted(project):
    assert "are never in two parts.\n" in (project.release("1.0.0") / "README.md").read_text()
    DIRTY["groups"](project)
    card = (project.release("1.1.0", "groups") / "README.md").read_text()
    assert "are never in two parts, but for those under Known flaws." in card


def test_the_descriptions_name_title_people_and_licence(project):
    folder = project.release("1.0.0")
    crate = {entity["@id"]: entity for entity in json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]}
    assert crate["./"]["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0.html"}
    assert crate["https://orcid.org/0000-0002-1825-0097"]["name"] == "Orrù, Marta"
    named = {part["@id"] for part in crate["./"]["hasPart"]}
    written = {path.name for path in folder.iterdir() if path.is_file()}
    assert written - {"ro-crate-metadata.json", "SHA256SUMS"} <= named
    datacite = json.loads((folder / "datacite.json").read_text())
    assert (datacite["publicationYear"], datacite["titles"]) == (2026, [{"title": "Test <pictures> & more"}])
    assert "# Test &lt;pictures> &amp; more" in (folder / "README.md").read_text()
    assert "family-names: Orrù" in (folder / "CITATION.cff").read_text()


def test_both_levels_of_a_label_are_in_the_manifest_and_a_new_sub_category_is_a_change(project):
    first = read(project.release("1.0.0") / "manifest.csv", MANIFEST)
    assert all((row["top_category"], row["subcategory"]) == (row["category"], "") for row in first)
    labels = project.root / "work/label/labels.csv"
    known = read(labels, LABELS)
    named = known[0]["tiff_path"]
    write(labels, LABELS, [{**row, "subcategory": "Wool" * (row["tiff_path"] == named)} for row in known])
    second = project.make("1.1.0", project.root / "releases", "source_paths", source_paths="full")
    found = {row["source_path"]: row for row in rows(second / "manifest.csv")}
    assert {path: row["subcategory"] for path, row in found.items() if row["subcategory"]} == {named: "Wool"}
    assert verify.run(second, full=True, workers=1) == []
    changes = rows(second / "metadata/documentation/changes.csv")
    assert [(row["kind"], row["new_path"]) for row in changes] == [("relabelled", found[named]["path"])]


def test_a_manifest_from_before_there_were_two_levels_is_compared_all_the_same(project):
    new = read(project.release("1.0.0") / "manifest.csv", MANIFEST)
    old = [{name: row[name] for name in FIRST_COLUMNS} for row in new]
    assert {kind for kind, count in compare.compare(old, new).counts.items() if count} == {"unchanged"}
