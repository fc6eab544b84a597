from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.cli.main import main
from semtrace.core.errors import InputError
from semtrace.io.files import digests
from semtrace.parallel.processes import Crashed
from semtrace.release import verify
from tests.release import project
from tests.release.project import Project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A release without originals and one with them."""
    return {
        originals: Project(tmp_path_factory.mktemp("made")).release("1.0.0", originals=originals)
        for originals in (False, True)
    }


@pytest.fixture
def release(made: dict[bool, Path], tmp_path: Path) -> Path:
    return shutil.copytree(made[False], tmp_path / made[False].name)


def picture(release: Path) -> Path:
    return sorted(release.glob("data/train/*/*.jpg"))[0]


def failures(release: Path, *, full: bool = True) -> list[tuple[str, str]]:
    return [(f.kind, f.path) for f in verify.run(release, full=full, workers=1)]


def replace(file: Path, old: bytes, new: bytes) -> None:
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new))


def test_an_untouched_release_has_no_failures(release):
    assert failures(release) == failures(release, full=False) == []


def test_one_changed_bit_is_found_by_its_digest(release):
    file = picture(release)
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    assert failures(release) == [("changed", file.relative_to(release).as_posix())]
    assert failures(release, full=False) == []  # the same size: that is what full is for


def test_another_size_is_found_at_once(release):
    file = picture(release)
    file.write_bytes(file.read_bytes() + b"x")
    assert failures(release, full=False) == [("changed", file.relative_to(release).as_posix())]


def test_a_file_that_was_cut_is_found_at_once(release):
    file = picture(release)
    file.write_bytes(file.read_bytes()[:-1])
    assert failures(release, full=False) == [("changed", file.relative_to(release).as_posix())]


def test_missing_unexpected_and_renamed(release):
    file = picture(release)
    name = file.relative_to(release).as_posix()
    file.rename(file.with_name("other.jpg"))
    (release / "Thumbs.db").write_text("clutter")
    other = str(Path(name).with_name("other.jpg"))
    assert failures(release, full=False) == [("missing", name), ("unexpected", "Thumbs.db"), ("unexpected", other)]


def test_a_link_in_place_of_a_file_is_dangerous_even_to_equal_bytes(release, tmp_path):
    file = picture(release)
    (tmp_path / "same.jpg").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "same.jpg")
    assert failures(release) == [("dangerous", file.relative_to(release).as_posix())]


def test_a_folder_that_is_a_link_is_not_entered(release, tmp_path):
    (release / "data/train").rename(tmp_path / "elsewhere")
    (release / "data/train").symlink_to(tmp_path / "elsewhere")
    found = failures(release)
    assert ("dangerous", "data/train") in found
    assert {kind for kind, _ in found} == {"dangerous", "missing"}


@pytest.mark.parametrize("path", ["../outside.jpg", "/etc/passwd", "data/../../outside.jpg", "C:\\x.jpg"])
@pytest.mark.parametrize("table", ["manifest.csv", "SHA256SUMS"])
def test_a_path_that_leads_out_is_named_and_never_opened(release, path, table, monkeypatch):
    name = picture(release).relative_to(release).as_posix()
    replace(release / table, name.encode(), path.encode())
    opened = []
    monkeypatch.setattr(verify, "sha256", lambda file: opened.append(file) or "")
    assert ("dangerous", path) in failures(release)
    assert all(release in file.resolve().parents for file in opened)


@pytest.mark.parametrize("name", ["pipe", "README.md", "croissant.json", "manifest.csv", "manifest.parquet"])
@pytest.mark.parametrize("kind", ["pipe", "link", "nothing"])
def test_what_is_no_file_is_one_failure_and_is_neither_opened_nor_waited_for(release, tmp_path, name, kind):
    file = release / name
    if file.exists():
        file.rename(tmp_path / "moved")
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "link":
        file.symlink_to(tmp_path / "moved")
    wanted = "missing" if kind == "nothing" else "dangerous"
    assert failures(release) == ([(wanted, name)] if (kind, name) != ("nothing", "pipe") else [])


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("README.md", b"num_examples: 6", b"num_examples: 7"),
        ("README.md", b"license: cc-by-4.0", b"license: mit"),
        ("README.md", b"'0': Fibres", b"'0': Tips"),
        ("README.md", b"---\n", b""),
        ("croissant.json", b'"version": "1.0.0"', b'"version": "1.0.1"'),
        ("croissant.json", b'"sha256": "', b'"sha256": "0'),
        ("croissant.json", b'"license": "CC-BY-4.0"', b'"license": "MIT"'),
        ("croissant.json", b'"name": "files"', b'"name": "original-files"'),
        ("croissant.json", b'"name": "phash"', b'"name": "ahash"'),
        ("manifest.csv", b",train,", b",test,"),
        ("manifest.csv", b",Fibres,", b",Tips,"),
    ],
)
def test_manifest_card_and_croissant_must_agree_even_where_the_digests_do(release, file, old, new):
    """Somebody edits one of them and mends its digest."""
    before = digests(release / file)[2]
    replace(release / file, old, new)
    replace(release / "SHA256SUMS", before.encode(), digests(release / file)[2].encode())
    kinds = {kind for kind, _ in failures(release)}
    assert kinds == {"inconsistent"}


odd = st.sampled_from([None, [], {}, 3, "", "x", [1, None], {"name": []}])


@pytest.mark.parametrize("name", ["README.md", "croissant.json"])
def test_whatever_stands_in_a_description_is_a_failure_and_no_crash(release, name):
    text = (release / name).read_text()
    tree = yaml.safe_load(text.split("---\n")[1]) if name == "README.md" else json.loads(text)
    read = ("version", "license", "dataset_info", "distribution", "recordSet")

    @settings(deadline=None, max_examples=40)
    @given(st.sampled_from([key for key in read if key in tree]), odd)
    def replaced(key, value):
        other = json.dumps({**tree, key: value})
        (release / name).write_text(f"---\n{other}\n---\n" if name == "README.md" else other)
        assert {failure.path for failure in verify.run(release, full=False, workers=1)} >= {name}

    replaced()


def test_a_picture_slipped_in_with_its_digest_is_not_in_the_manifest(release):
    (release / "data/train/Tips/extra.jpg").write_bytes(b"x")
    line = f"{digests(release / 'data/train/Tips/extra.jpg')[2]}  data/train/Tips/extra.jpg\n"
    (release / "SHA256SUMS").write_text((release / "SHA256SUMS").read_text() + line)
    assert failures(release, full=False) == [("inconsistent", "data/train/Tips/extra.jpg")]


# --- originals


@pytest.fixture
def whole(made: dict[bool, Path], tmp_path: Path) -> Path:
    return shutil.copytree(made[True], tmp_path / made[True].name)


def test_originals_are_checked_as_pictures_are(whole):
    assert failures(whole) == failures(whole, full=False) == []
    gone, other, longer, *_ = sorted(whole.glob("originals/*/*.tif"))
    names = [file.relative_to(whole).as_posix() for file in (gone, other, longer)]
    gone.unlink()
    other.write_bytes(other.read_bytes()[::-1])
    longer.write_bytes(longer.read_bytes() + b"x")
    (whole / "originals/Tips/extra.tif").touch()
    quick = [("changed", names[2]), ("missing", names[0]), ("unexpected", "originals/Tips/extra.tif")]
    assert failures(whole, full=False) == quick
    assert failures(whole) == sorted([*quick, ("changed", names[1])])


@pytest.mark.parametrize("path", ["../outside.tif", "/etc/passwd"])
def test_an_original_elsewhere_is_dangerous_and_never_opened(whole, path, monkeypatch):
    name = sorted(whole.glob("originals/*/*.tif"))[0].relative_to(whole).as_posix()
    replace(whole / "manifest.csv", name.encode(), path.encode())
    opened = []
    monkeypatch.setattr(verify, "sha256", lambda file: opened.append(file) or "")
    assert ("dangerous", path) in failures(whole)
    assert all(whole in file.resolve().parents for file in opened)


def test_another_original_than_the_row_describes_is_inconsistent(whole):
    one, two = sorted(whole.glob("originals/*/*.tif"))[:2]
    before = digests(whole / "manifest.csv")[2]
    text = (whole / "manifest.csv").read_text()
    swap = {str(file.relative_to(whole)): str(new.relative_to(whole)) for file, new in ((one, two), (two, one))}
    (whole / "manifest.csv").write_text(re.sub("|".join(map(re.escape, swap)), lambda found: swap[found[0]], text))
    for file in ("SHA256SUMS", "croissant.json"):
        replace(whole / file, before.encode(), digests(whole / "manifest.csv")[2].encode())
    assert {("inconsistent", name) for name in swap} <= set(failures(whole, full=False))


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\n", b"path\n", b"not a table"])
def test_a_ruined_manifest_is_a_failure_and_no_crash(release, text):
    (release / "manifest.csv").write_bytes(text)
    assert ("changed", "manifest.csv") in failures(release)


@pytest.mark.parametrize("text", [b"nonsense\n", b"\xff\n", b"0" * 64 + b"  a\n"])
def test_a_ruined_list_of_digests_is_a_failure_and_no_crash(release, text):
    (release / "SHA256SUMS").write_bytes((release / "SHA256SUMS").read_bytes() + text + text)
    assert ("changed", "SHA256SUMS") in failures(release)


def test_a_folder_that_is_no_release_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a release"):
        verify.run(tmp_path, full=True, workers=1)


def test_the_command_names_what_is_wrong_and_fails(release, capsys):
    assert main(["verify", str(release)]) == 0
    count = sum(path.is_file() for path in release.rglob("*"))
    assert capsys.readouterr().out.splitlines()[-1] == f"OK: {count} files, 10 images"
    assert main(["verify", str(release / "nowhere")]) == 2
    assert "no such folder; name that of a release" in capsys.readouterr().err
    picture(release).unlink()
    (release / "zz\x1b[2J").touch()
    assert main(["verify", str(release), "--full", "--workers", "1"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-2].startswith("missing: data/train/")
    assert said.out.splitlines()[-1].startswith("unexpected: zz\\x1b[2J: ")
    assert said.err == f"semtrace: error: {release}: is not as it was released: missing 1, unexpected 1\n"


def test_names_in_another_unicode_form_are_the_same_names(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(project, "CATEGORIES", tuple(f"É{category}" for category in project.CATEGORIES))
    release = Project(tmp_path).release("1.0.0", originals=True)
    for file in [*release.glob("data/*/*/*"), *release.glob("originals/*/*")]:
        target = release / unicodedata.normalize("NFD", file.relative_to(release).as_posix())
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    (other, *_), more = sorted(release.glob("data/*/*/*")), len(verify.renamed(release))
    assert more == len(list(release.glob("data/*/*/*"))) + len(list(release.glob("originals/*/*")))
    assert failures(release) == failures(release, full=False) == []
    assert main(["verify", str(release), "--full"]) == 0
    assert f"every byte read; {more} names came back in another Unicode form" in capsys.readouterr().out
    assert main(["pack", str(release), "bagit", "--out", str(tmp_path / "out")]) == 2
    other.write_bytes(other.read_bytes()[:-1] + b"x")
    assert [kind for kind, _ in failures(release)] == ["changed"]


def test_two_names_that_differ_in_form_alone_are_two_files(release):
    file = picture(release)
    for form in ("NFC", "NFD"):
        (release / unicodedata.normalize(form, "é.jpg")).write_bytes(file.read_bytes())
    assert [kind for kind, _ in failures(release)] == ["unexpected", "unexpected"]


# --- what is said


def details(release: Path) -> list[str]:
    return [failure.detail for failure in verify.run(release, full=True, workers=1)]


def test_a_changed_file_is_said_to_have_another_size_or_other_bytes(release):
    file, other = sorted(release.glob("data/train/*/*.jpg"))[:2]
    size = file.stat().st_size
    file.write_bytes(file.read_bytes() + b"x")
    other.write_bytes(other.read_bytes()[::-1])
    assert sorted(details(release)) == [f"{size + 1} bytes, not {size}", "other bytes than at the release"]


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("nonsense", "changed", "line {n} is none of `sha256sum`, or names a file twice"),
        ("0" * 63 + "  a", "changed", "line {n} is none of `sha256sum`, or names a file twice"),
        ("{first}", "changed", "line {n} is none of `sha256sum`, or names a file twice"),
        ("0" * 64 + "  ../a", "dangerous", "line {n} of SHA256SUMS leads out of the release"),
        ("0" * 64 + "  a:b", "dangerous", "line {n} of SHA256SUMS leads out of the release"),
        ("0" * 64 + "  a\\b", "dangerous", "line {n} of SHA256SUMS leads out of the release"),
        ("0" * 64 + "  ab", "missing", "not in the folder"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_line_of_the_digests_is_named_by_its_number(release, line, kind, said, first):
    lines = (release / "SHA256SUMS").read_text().splitlines()
    twice, line = "{" in line, line.format(first=lines[1])
    lines, n = ([lines[0], line, *lines[1:]], 2) if first and not twice else ([*lines, line], len(lines) + 1)
    (release / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    (found,) = verify.run(release, full=False, workers=1)
    assert (found.kind, found.detail) == (kind, said.format(n=n))


@pytest.mark.parametrize(
    ("kind", "said"), [("link", "a symbolic link to '/nowhere'"), ("pipe", "a pipe, socket or device")]
)
def test_what_is_no_plain_file_is_said(release, kind, said):
    (release / "odd").symlink_to("/nowhere") if kind == "link" else os.mkfifo(release / "odd")
    assert details(release) == [f"{said}; a release holds plain files only"]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("croissant.json", b'"version": "1.0.0"', b'"version": "1.0.1"', "version: 1.0.1; by README.md 1.0.0"),
        ("README.md", b"license: cc-by-4.0", b"license: mit", "licence: mit; by manifest.csv cc-by-4.0"),
        ("croissant.json", b'"license": "CC-BY-4.0"', b'"license": "MIT"', "licence: MIT; by manifest.csv CC-BY-4.0"),
        ("croissant.json", b'"name": "files"', b'"name": "original-files"', "originals: True; by manifest.csv False"),
    ],
)
def test_which_two_contradict_each_other_is_said(release, file, old, new, said):
    before = digests(release / file)[2]
    replace(release / file, old, new)
    replace(release / "SHA256SUMS", before.encode(), digests(release / file)[2].encode())
    assert details(release) == [said]


def mend(release: Path, before: str) -> None:
    """Make the digests of a changed manifest.csv right again, and that of the description that has it."""
    old = digests(release / "croissant.json")[2]
    for file in ("croissant.json", "SHA256SUMS"):
        replace(release / file, before.encode(), digests(release / "manifest.csv")[2].encode())
    replace(release / "SHA256SUMS", old.encode(), digests(release / "croissant.json")[2].encode())


def test_another_digest_in_the_manifest_than_in_the_list_is_said(release):
    before = digests(release / "manifest.csv")[2]
    file = picture(release)
    replace(release / "manifest.csv", digests(file)[2].encode(), b"0" * 64)
    mend(release, before)
    (found,) = verify.run(release, full=False, workers=1)
    assert (found.kind, found.path) == ("inconsistent", file.relative_to(release).as_posix())
    assert found.detail == "manifest.csv and SHA256SUMS promise different digests"


def test_a_row_that_describes_another_file_than_it_names_is_said(release):
    before = digests(release / "manifest.csv")[2]
    name = picture(release).relative_to(release).as_posix()
    md5 = digests(release / name)[1]
    replace(release / "manifest.csv", f",{md5},".encode(), f",{'0' * 32},".encode())
    mend(release, before)
    (found,) = verify.run(release, full=False, workers=1)
    assert (found.kind, found.path) == ("inconsistent", name)
    assert found.detail.startswith("its row in manifest.csv describes ")
    assert found.detail.endswith(f"{'0' * 32}.jpg")


def test_a_category_with_two_labels_is_named(release):
    before = digests(release / "manifest.csv")[2]
    text = (release / "manifest.csv").read_text()
    (release / "manifest.csv").write_text(text.replace(",L2,", ",L7,", 1))
    mend(release, before)
    assert "a category has two labels" in details(release)


def test_a_table_for_viewers_that_says_something_else_is_said(release):
    table = release / "data/train/metadata.csv"
    before = digests(table)[2]
    replace(table, b",ssim,", b",blocks,")
    replace(release / "SHA256SUMS", before.encode(), digests(table)[2].encode())
    (found,) = verify.run(release, full=False, workers=1)
    assert (found.kind, found.path, found.detail) == (
        "inconsistent",
        "data/train/metadata.csv",
        "other rows than manifest.csv",
    )


def test_a_release_from_before_there_were_tables_for_viewers_is_sound(release):
    sums = (release / "SHA256SUMS").read_text().splitlines()
    (release / "SHA256SUMS").write_text("".join(f"{line}\n" for line in sums if "metadata.csv" not in line))
    for table in release.glob("data/*/metadata.csv"):
        table.unlink()
    assert failures(release) == []


def test_a_table_that_differs_from_its_copy_is_said(release):
    (release / "manifest.parquet").write_bytes(b"PAR1 none PAR1")
    digest = digests(release / "manifest.parquet")[2]
    sums = (release / "SHA256SUMS").read_text()
    (release / "SHA256SUMS").write_text(re.sub(r"\w{64}(?=  manifest\.parquet)", digest, sums))
    (found,) = verify.run(release, full=True, workers=1)
    assert (found.kind, found.path) == ("inconsistent", "manifest.parquet")
    assert found.detail.startswith("cannot be read: ")
    assert failures(release, full=False) == []


@pytest.mark.parametrize("missing", [("README.md",), ("croissant.json",), ("README.md", "croissant.json")])
def test_without_one_description_the_other_is_compared_with_the_manifest(release, missing):
    for name in missing:
        (release / name).unlink()
    assert failures(release) == [("missing", name) for name in missing]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("0" * 64, "other bytes than at the release"),
        ("cannot be read: [Errno 5]", "cannot be read: [Errno 5]"),
        ("cannot be read: " + "x" * 60, "cannot be read: " + "x" * 60),
        ("cannot be read: " + "x" * 48, "cannot be read: " + "x" * 48),  # as long as a digest
        (Crashed("its process died"), "its process died"),
    ],
)
def test_what_reading_a_file_gave_is_said_in_words(release, monkeypatch, read, said):
    """What a process gives back for the first file; the others are read as they are."""
    monkeypatch.setattr(
        verify, "map_images", lambda function, items, **_: [read, *(function(item) for item in items[1:])]
    )
    assert details(release) == [said]


def test_a_table_that_cannot_be_read_any_more_contradicts_its_description(release, monkeypatch):
    def sha256(file: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(verify, "sha256", sha256)
    said = "; by manifest.csv cannot be read: [Errno 5] Input/output error"
    assert any(detail.endswith(said) for detail in details(release))


FORMS = ("\u1e69", "\u1e63\u0307", "s\u0323\u0307", "\u1e61\u0323")  # one letter, composed and decomposed


def promise(release: Path, name: str) -> None:
    with (release / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  {name}\n")


@pytest.mark.parametrize(
    ("promised", "there", "same"),
    [
        ((0,), (2,), True),
        ((0, 1), (2, 3), False),
        ((0, 1), (2,), False),
        ((0,), (1, 2), False),
        ((0,), (), False),
    ],
)
def test_a_name_in_another_form_is_the_same_where_one_alone_is_on_either_side(release, promised, there, same):
    for form in promised:
        promise(release, FORMS[form])
    for form in there:
        (release / FORMS[form]).touch()
    found = sorted(verify.run(release, full=True, workers=1))
    wanted = [("missing", FORMS[form]) for form in promised] + [("unexpected", FORMS[form]) for form in there]
    assert [(one.kind, one.path) for one in found] == ([("changed", FORMS[0])] if same else sorted(wanted))
    assert verify.renamed(release) == ({FORMS[0]: FORMS[2]} if same else {})


def test_a_link_under_a_promised_name_is_not_replaced_by_a_file_in_another_form(release):
    promise(release, FORMS[0])
    (release / FORMS[0]).symlink_to("/nowhere")
    (release / FORMS[2]).touch()
    assert failures(release) == [("dangerous", FORMS[0]), ("unexpected", FORMS[2])]
