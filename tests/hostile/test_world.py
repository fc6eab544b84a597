"""Strange names, links, files that change, two runs at once, other surroundings: the same tables, or a clear word."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from semtrace.cli.main import main
from semtrace.io import tables
from semtrace.io.files import UnsafePathError, open_regular, safe_join, walk
from semtrace.io.staging import locked, scratch_folder, staged_folder
from semtrace.io.terminal import harmless
from semtrace.provenance import convert, inventory, label
from semtrace.release.gates import GATES
from semtrace.stage import listing
from semtrace.stage.executor import Executor
from semtrace.stage.rejects import REJECTS
from semtrace.tracking import pipeline_run
from tests.conftest import PROJECT
from tests.crash.harness import digests
from tests.pipeline import defaults, publish, run_all, table
from tests.small_archive import build, save, scene

NAMES = [
    "plain.tif", "with space.tif", " leading.tif", "trailing .tif", "it's.tif", 'say "cheese".tif', "a,b;c.tif",
    "new\nline.tif", "return\r.tif", "tab\t.tif", "-rf.tif", "--help.tif", "😀.tif", "5µm.tif", "5μm.tif", "NUL.tif",
    "CON.tif", "con .tif", "dots....tif", "..tif.tif", "=1+1.tif", "@x.tif", "#.tif", "%41.tif", "%.tif", "a\\b.tif",
    "$(id).tif", "`id`.tif", "*.tif", "?.tif", "[a].tif", "~.tif", "{x}.tif", "a|b.tif", "<b>.tif", "é.TIF",
    "\u200bzero.tif", "\u202eright.tif", "\ufeffbom.tif", "İI.tif", "ıi.tif", "ß.tif", "ss.tif",
    "Case.tif", "case.tif", unicodedata.normalize("NFC", "ü.tif"), unicodedata.normalize("NFD", "ü.tif"),
    "n" * 251 + ".tif", "µ" * 125 + ".tif", "L5_" + "a" * 32 + ".tif",
]  # fmt: skip


def run_once(root: Path, workers: int = 1, **places: Path) -> dict:
    parts = [places.get(name, root / name) for name in ("archive", "published", "known", "work")]
    return run_all(*parts, defaults(root, workers=workers))


def test_strange_names_go_all_the_way(tmp_path):
    """Every name, in the archive and in the published set, comes through all stages and back as it was."""
    archive, published = tmp_path / "archive", tmp_path / "published"
    from PIL import Image

    for seed, name in enumerate(NAMES):
        picture = scene(seed, 96, 128)
        save(archive / "a" / name, picture)
        publish(Image.fromarray(picture), published / "Tips" / Path(name).with_suffix(".jpg").name, quality=95)
    for seed in range(50):  # one base name in fifty folders
        save(archive / f"s{seed:02}" / "image.tif", scene(100 + seed, 96, 128))
        publish(Image.fromarray(scene(100 + seed, 96, 128)), published / f"Tips/c{seed}.jpg", quality=95)
    deep = "/".join(["deep"] * 60)
    save(archive / deep / "image.tif", scene(200, 96, 128))
    before = digests(archive) | digests(published)
    (tmp_path / "known").mkdir()
    done = run_once(tmp_path, workers=2)
    there = {f"a/{name}" for name in NAMES} | {f"s{seed:02}/image.tif" for seed in range(50)} | {f"{deep}/image.tif"}
    assert {row["path"] for row in table(tmp_path / "work/inventory/inventory.csv")} == there
    matched = table(tmp_path / "work/match/jpeg_to_tiff.csv")
    assert len(matched) == len(NAMES) + 50
    for row in matched:
        if row["decision"] == "matched" and not row["jpeg_path"].startswith("Tips/c"):
            assert Path(row["matched_tiff_path"]).stem == Path(row["jpeg_path"]).stem
    assert sum(row["decision"] == "matched" for row in matched) > 0.9 * len(matched)
    labelled = [row for row in table(tmp_path / "work/label/labels.csv") if row["status"] == "labelled"]
    images = tmp_path / "work/label/images"
    assert len({unicodedata.normalize("NFC", row["output_path"]).casefold() for row in labelled}) == len(labelled) > 90
    for row in labelled:
        assert (images / row["output_path"]).read_bytes() == (archive / row["tiff_path"]).read_bytes()
    assert not done["label"].rejects
    assert digests(archive) | digests(published) == before


letters = st.characters(exclude_characters="/\0", exclude_categories=("Cs",))
names = st.text(letters, min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 240
)


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(names, min_size=1, max_size=6, unique=True))
@example(["a\r\nb", "\r", "\n", '"', "\x1a", "\x85", "\u2028", "a\x0bb\x0c\x1c"])
def test_any_name_is_listed_and_read_back_as_it_is(tmp_path_factory, given_names):
    root = tmp_path_factory.mktemp("n")
    (root / "a").mkdir()
    for name in given_names:
        (root / "a" / f"{name}.tif").write_bytes(b"no picture")
    (root / "a" / "0 good.tif").write_bytes(PICTURE)
    inventory.run(root / "a", root / "out", Executor(1, root / "c.sqlite"))
    rejected = {row["path"] for row in tables.read(root / "out/rejects.csv", REJECTS)}
    assert rejected == {f"{name}.tif" for name in given_names} - {"0 good.tif"}
    shutil.rmtree(root)


@given(st.lists(st.sampled_from(["..", ".", "", "a", "/", "\\", "C:", "\0", "b c", "...", "~"]), max_size=6))
def test_no_path_of_a_table_leads_out_of_its_root(parts):
    root = Path("/some/root")
    try:
        joined = safe_join(root, "/".join(parts))
    except UnsafePathError:
        return
    assert Path(os.path.normpath(joined)).is_relative_to(root)


# --- what is no file


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """An archive with one good file and everything that only looks like one."""
    archive, outside = tmp_path / "archive", tmp_path / "outside"
    save(archive / "good.tif", scene(1, 96, 128))
    save(outside / "secret.tif", scene(2, 96, 128))
    (archive / "folder.tif").mkdir()
    os.mkfifo(archive / "pipe.tif")
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(archive)  # the path of a socket is short
        bound.bind("socket.tif")
        os.chdir(here)
    (archive / "out.tif").symlink_to(outside / "secret.tif")
    (archive / "outside").symlink_to(outside)
    (archive / "loop").symlink_to(archive)
    (archive / "self.tif").symlink_to("self.tif")
    (archive / "gone.tif").symlink_to("nowhere.tif")
    os.link(archive / "good.tif", archive / "hard link.tif")
    with (archive / "sparse.tif").open("wb") as file:
        file.write(b"II*\0")
        file.truncate(2**40)
    (archive / os.fsdecode(b"\xff\xfe.tif")).write_bytes(PICTURE)
    return archive


def test_links_pipes_sockets_and_sparse_files_are_rejects(zoo, tmp_path):
    summary = inventory.run(zoo, tmp_path / "out", Executor(2, tmp_path / "c.sqlite"))
    reasons = {row["path"]: row["reason"] for row in table(tmp_path / "out/rejects.csv")}
    assert reasons == {
        "\\udcff\\udcfe.tif": "name_not_utf8", "gone.tif": "symbolic_link", "loop": "symbolic_link",
        "out.tif": "symbolic_link", "outside": "symbolic_link", "pipe.tif": "not_a_file",
        "self.tif": "symbolic_link", "socket.tif": "not_a_file", "sparse.tif": "too_large",
    }  # fmt: skip
    assert (summary.images, summary.contents) == (2, 1)


def test_what_was_a_file_and_is_none_is_not_opened(zoo):
    with open_regular(zoo / "good.tif") as file:
        assert file.read(2) == b"II"
    for name in ("pipe.tif", "out.tif", "self.tif", "folder.tif", "socket.tif"):
        with pytest.raises(OSError, match=r"plain file|symbolic links|No such device|directory"):
            open_regular(zoo / name)


def test_a_folder_that_became_a_link_after_the_listing_is_not_entered(tmp_path, monkeypatch):
    """Neither by the inventory nor by the first reading of published images, which know no digest yet."""
    save(tmp_path / "outside/a.tif", scene(2, 96, 128))
    save(tmp_path / "archive/in/a.tif", scene(1, 96, 128))
    save(tmp_path / "archive/b.tif", scene(3, 96, 128))

    def swapped(root: Path, **how: object) -> Iterator[tuple[str, Path]]:
        found = list(walk(root, **how))
        (root / "in").rename(tmp_path / "away")
        (root / "in").symlink_to(tmp_path / "outside")
        yield from found

    monkeypatch.setattr(listing, "walk", swapped)
    real = listing.unfit
    monkeypatch.setattr(listing, "unfit", lambda relative, path: None if "in/" in relative else real(relative, path))
    inventory.run(tmp_path / "archive", tmp_path / "out", Executor(1, tmp_path / "c.sqlite"))
    assert [row["path"] for row in table(tmp_path / "out/inventory.csv")] == ["b.tif"]
    [reject] = table(tmp_path / "out/rejects.csv")
    assert (reject["path"], reject["reason"]) == ("in/a.tif", "symbolic_link")


def test_a_folder_that_becomes_a_link_while_it_is_listed_is_not_entered(tmp_path, monkeypatch):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    (tmp_path / "archive/in").mkdir(parents=True)
    listed = os.scandir

    def swapping(folder: int) -> object:
        entries = listed(folder)
        if (tmp_path / "archive/in").is_dir() and not (tmp_path / "archive/in").is_symlink():
            seen = list(entries)
            [entry.is_dir(follow_symlinks=False) for entry in seen]  # kept in the entry
            (tmp_path / "archive/in").rmdir()
            (tmp_path / "archive/in").symlink_to(tmp_path / "outside")
            return contextlib.nullcontext(seen)
        return entries

    monkeypatch.setattr(os, "scandir", swapping)
    assert [name for name, _ in walk(tmp_path / "archive")] == ["in"]


def test_the_roots_and_the_folder_of_results_may_be_links(tmp_path, monkeypatch, project):
    """All of it, from the parameters to a verified release with its originals: the same tables as without links."""
    build(tmp_path / "real")
    run_once(tmp_path / "real")
    here = tmp_path / "project"
    shutil.copytree(project / "conf", here / "conf")
    (tmp_path / "elsewhere").mkdir()
    (here / "data").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in").symlink_to(tmp_path / "real")
    monkeypatch.chdir(here)
    places = [f"dataset.{name}={tmp_path / 'in' / name}" for name in ("archive", "published", "known")]
    assert main(["params", "dataset=archive", "release.originals=true", *places]) == 0
    assert main(["run", "--workers", "1"]) == 0
    assert main(["run", "--workers", "1"]) == 0  # and again, over its own results
    for name in ("inventory", "convert", "fingerprint/tiff", "fingerprint/jpeg", "match", "deduplicate", "label"):
        assert digests(here / "data/work" / name) == digests(tmp_path / "real/work" / name), name
    allowed = [word for gate in GATES for word in ("--allow", gate)]
    assert main(["release", "--version", "1.0.0", "--date", "2026-01-01", *allowed]) == 0
    [release] = (here / "data/releases").iterdir()
    assert main(["verify", str(release), "--full"]) == 0


def test_no_name_moves_the_cursor():
    assert harmless("a\x1b]0;b\x07\u202ec\rµ😀\n") == r"a\x1b]0;b\x07\u202ec\rµ😀" + "\n"


def test_a_link_in_place_of_an_output_folder_is_replaced_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.tex").write_text("mine")
    for name in ("out", ".out.part", ".out.old.part"):
        (tmp_path / name).symlink_to(elsewhere)
    for _ in range(2):
        with staged_folder(tmp_path / "out") as folder:
            (folder / "new").touch()
    assert digests(elsewhere).keys() == {"thesis.tex"}
    assert not (tmp_path / "out").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]


# --- races


@pytest.mark.parametrize("change", ["grows", "shrinks", "vanishes", "becomes a pipe", "becomes a folder", "same stamp"])
def test_a_file_that_changes_between_two_stages_is_a_reject(tmp_path, change):
    archive, executor = tmp_path / "archive", Executor(1, tmp_path / "c.sqlite")
    for seed in range(3):
        save(archive / f"{seed}.tif", scene(seed, 96, 128))
    os.utime(archive / "1.tif", ns=(10**18, 10**18))  # settled: the inventory remembers its stamp
    inventory.run(archive, tmp_path / "inventory", executor)
    victim = archive / "1.tif"
    whole = victim.read_bytes()
    if change == "grows":
        victim.write_bytes(whole + b"more")
    elif change == "shrinks":
        victim.write_bytes(whole[:-100])
    elif change == "same stamp":
        victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        os.utime(victim, ns=(10**18, 10**18))
    else:
        victim.unlink()
        if change == "becomes a pipe":
            os.mkfifo(victim)
        elif change == "becomes a folder":
            victim.mkdir()
    p = defaults(tmp_path)
    convert.run(archive, tmp_path / "inventory/inventory.csv", tmp_path / "convert", p.convert, executor)
    assert [row["path"] for row in table(tmp_path / "convert/converted.csv")] == ["0.tif", "2.tif"]
    [reject] = table(tmp_path / "convert/rejects.csv")
    assert reject["reason"] in {"changed", "unreadable", "not_a_file"}


def test_an_original_that_goes_while_it_is_labelled_leaves_no_copy(tmp_path, monkeypatch):
    """A copy that nobody could compare with what was traced must not stay under a label."""
    build(tmp_path)
    run_once(tmp_path)
    work = tmp_path / "work"
    victim = next(row for row in table(work / "label/labels.csv") if row["status"] == "labelled")
    source, p = tmp_path / "archive" / victim["tiff_path"], defaults(tmp_path)
    shutil.rmtree(work / "label")
    real = label.place

    def going(one: Path, target: Path, *, link: str) -> str:
        how = real(one, target, link=link)
        if one == source:
            one.unlink()
        return how

    monkeypatch.setattr(label, "place", going)
    label.run(
        tmp_path / "archive", work / "fingerprint/tiff/hashes.csv", [work / "fingerprint/jpeg/hashes.csv"],
        work / "match", work / "label", p.labels.parsed(), p.label, near=150,
    )  # fmt: skip
    rows = [row for row in table(work / "label/labels.csv") if row["status"] == "labelled"]
    images = {path.relative_to(work / "label/images").as_posix() for path in (work / "label/images").rglob("*.*")}
    assert images == {row["output_path"] for row in rows}
    assert [row["path"] for row in table(work / "label/rejects.csv")] == [victim["tiff_path"]]


def test_two_at_once_in_one_folder_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    with staged_folder(tmp_path / "out") as first:
        (first / "mine").touch()
        with pytest.raises(OSError, match="another semtrace"), staged_folder(tmp_path / "out"):
            pass
        assert (first / "mine").exists()
    assert (tmp_path / "out/mine").exists()
    with locked(tmp_path / "out"), pytest.raises(OSError, match="another semtrace"), locked(tmp_path / "out"):
        pass


def test_readers_share_a_folder_and_keep_writers_out(tmp_path, monkeypatch):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    busy = pytest.raises(OSError, match="another semtrace")
    with locked(tmp_path, shared=True), locked(tmp_path, shared=True), busy, locked(tmp_path):
        pass
    with locked(tmp_path), busy, locked(tmp_path, shared=True):
        pass


@pytest.mark.parametrize("words", [["track"], ["sweep", "--out", "mine"], ["release", "--version", "1.0.0"], ["match"]])
def test_the_folder_of_results_is_not_read_while_another_run_writes_it(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    (tmp_path / "data/work").mkdir(parents=True)
    with locked(tmp_path / "data/work"):
        assert main(words) == 1
    assert "another semtrace is at work here" in capsys.readouterr().err


def test_one_release_at_a_time_and_any_number_of_readers(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    (tmp_path / "data/work").mkdir(parents=True)
    with locked(tmp_path / "data/work", shared=True):
        for words, kept_out in ((["release", "--version", "1.0.0"], True), (["track"], False)):
            with contextlib.suppress(ValueError):  # of empty parameters, which it then reads
                main(words)
            assert ("another semtrace is at work here" in capsys.readouterr().err) == kept_out


def test_two_in_one_scratch_folder_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    with scratch_folder(tmp_path / "x") as first:
        (first / "mine").touch()
        with pytest.raises(OSError, match="another semtrace"), scratch_folder(tmp_path / "x"):
            pass
        assert (first / "mine").exists()
    assert not (tmp_path / "x").exists()


def test_a_store_in_the_folder_of_results_is_not_locked_out(tmp_path, monkeypatch):
    monkeypatch.setattr("semtrace.tracking.pipeline_run._CREATION", 0)
    with locked(tmp_path, shared=True), pipeline_run._alone(f"sqlite:///{tmp_path}/mlflow.db"):
        assert (tmp_path / "mlflow.db").is_file()


def test_a_shard_at_work_is_not_joined(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("semtrace.io.staging._PATIENCE", 0)
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    places = [f"dataset.{name}={tmp_path / 'raw'}" for name in ("archive", "published", "known")]
    assert main(["params", "dataset=archive", *places, "+dataset.shards.a=a"]) == 0
    (tmp_path / "data/shards/a").mkdir(parents=True)
    with locked(tmp_path / "data/shards/a"):
        assert main(["join"]) == 1
    assert "another semtrace is at work here" in capsys.readouterr().err


def test_a_full_disk_is_told_with_the_rows_that_waited_and_the_folder_in_use(tmp_path, monkeypatch, capsys):
    def full(declared, given) -> None:
        def rows() -> Iterator[dict[str, str]]:
            yield from [dict.fromkeys(REJECTS.names, "x" * 2_500)] * 64  # so many are written at once
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with staged_folder(given.work / "match") as folder:
            tables.write(folder / "rejects.csv", REJECTS, rows())

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("semtrace.cli.preconditions.begin", lambda given: None)  # there is no project here
    monkeypatch.setattr("semtrace.cli.stages.run_stage", full)
    assert main(["match", "--work", "elsewhere"]) == 1
    said = capsys.readouterr().err
    assert "needs more than the 640,256 bytes that it had taken" in said
    assert "bytes are free where elsewhere lies" in said


# --- surroundings

SURROUNDINGS = [
    {},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kathmandu"},
    {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "PYTHONUTF8": "0"},
    {"PYTHONHASHSEED": "3", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.fixture(scope="session")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment with a Turkish locale that really is one: there, "i" is not the small letter of "I"."""
    folder = tmp_path_factory.mktemp("locales")
    call = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")]
    if shutil.which("localedef") is None or subprocess.run(call, capture_output=True, check=False).returncode:
        pytest.skip("no localedef, or no sources of locales (Debian's package `locales`), to make tr_TR.UTF-8 with")
    found = {"LC_ALL": "tr_TR.UTF-8", "LOCPATH": str(folder)}
    script = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"
    call = [sys.executable, "-c", script]
    done = subprocess.run(call, env={**os.environ, **found}, capture_output=True, text=True, check=True)
    assert done.stdout == ",\n"  # 0.5 is 0,5 there
    return found


@pytest.mark.heavy
def test_the_same_bytes_in_any_surroundings(tmp_path, project, turkish):
    build(tmp_path)
    places = [f"dataset.{name}={tmp_path / name}" for name in ("archive", "published", "known")]
    found = []
    for i, (surroundings, workers) in enumerate(zip(SURROUNDINGS, (1, 2, 8, 1), strict=True)):
        folder = tmp_path / f"run {i}"
        (folder / "tmp").mkdir(parents=True)
        shutil.copytree(project / "conf", folder / "conf")
        environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(project / "src"), **surroundings}
        if i == 2:
            environment |= turkish
        for command in (["params", "dataset=archive", *places], ["run", "--workers", str(workers)]):
            call = [sys.executable, "-m", "semtrace.cli", *command]
            done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        found.append(digests(folder / "data/work"))
        assert not list((folder / "tmp").iterdir())
        assert found[-1] == found[0], surroundings
    assert len(found[0]) > 30


def test_a_listing_does_not_depend_on_the_order_of_the_file_system(tmp_path, monkeypatch):
    for name in ("b/x", "a/y", "b-c", "B", "ä", "a.b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    first = list(walk(tmp_path))
    listed = os.scandir
    turned = []

    @contextlib.contextmanager
    def shuffled(folder: int) -> Iterator[list[os.DirEntry[str]]]:
        with listed(folder) as entries:
            turned.append(1)
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(os, "scandir", shuffled)
    assert list(walk(tmp_path)) == first
    assert turned


def _picture() -> bytes:
    from tests.hostile import corpus

    return corpus.tiff(np.arange(96, dtype=np.uint8).reshape(8, 12))


PICTURE = _picture()
