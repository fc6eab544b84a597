"""Folders worked on one by one and joined: the bytes of the archive that was never divided."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from semtrace.core.errors import InputError
from semtrace.provenance import convert, fingerprint, inventory
from semtrace.provenance.sharding import join, shard
from tests.crash.harness import digests
from tests.pipeline import defaults, table
from tests.small_archive import build, save, scene

SHARDS = {"zz": "Müller É/2013-02-19", "a": "Orrù M", "deep": "rest/deep", "other": "rest/other", "none": "rest/none"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of file, in folders; equal contents in several; one with no TIFF."""
    root = tmp_path_factory.mktemp("join")
    build(root)
    archive = root / "archive"
    for name in ("deep", "other", "none"):
        (archive / "rest" / name).mkdir(parents=True)
    for path in [path for path in archive.iterdir() if not path.is_dir() or path.is_symlink()]:
        path.rename(archive / "rest" / ("other" if path.name > "l" else "deep") / path.name)
    shutil.copy(archive / "Orrù M/img_00.TIF", archive / "rest/deep/copy.tif")
    shutil.copy(archive / "Orrù M/img_00.TIF", archive / "Müller É/2013-02-19/copy.tif")  # before its keeper, then
    (archive / "rest/none/notes.txt").write_text("no TIFF at all")
    return archive


def stages(archive: Path, out: Path, p, exclude: tuple[str, ...] = ()) -> None:
    listing = out / "inventory/inventory.csv"
    inventory.run(archive, out / "inventory", p.executor, exclude=exclude)
    convert.run(archive, listing, out / "convert", p.convert, p.executor)
    fingerprint.tiffs(archive, listing, out / "fingerprint/tiff", p.hash, p.fingerprint, p.executor)


def joined(archive: Path, tmp: Path, p, shards: dict[str, str], exclude: tuple[str, ...] = ()) -> join.Summary:
    for name, folder in shards.items():
        out = tmp / "shards" / name
        shard.run(archive / folder, out, p.convert, p.hash, p.fingerprint, p.executor, part=folder, exclude=exclude)
    return join.run(archive, shards, tmp / "shards", tmp / "joined", p.convert, exclude)


def tables_of(folder: Path) -> dict[str, str]:
    return {path: digest for path, digest in digests(folder).items() if path.endswith(".csv")}


def test_what_is_left_out_is_so_in_shards_as_in_the_whole(tmp_path):
    archive, p = tmp_path / "archive", defaults(tmp_path)
    for seed, path in enumerate(("a/0.tif", "a/old/1.tif", "a/@eaDir/2.tif", "b/c/3.tif", "b/c/x_thumb.tif")):
        save(archive / path, scene(seed))
    for path in ("lost+found/4.tif", "old/5.tif", "y_thumb.tif"):  # in no shard
        save(archive / path, scene(9))
    exclude = ("old", "*_thumb.tif", "a/none/**")
    stages(archive, tmp_path / "whole", p, exclude)
    joined(archive, tmp_path, p, {"one": "a", "two": "b/c"}, exclude)
    assert tables_of(tmp_path / "joined") == tables_of(tmp_path / "whole")
    assert {row["path"]: row["reason"] for row in table(tmp_path / "joined/inventory/rejects.csv")} == {
        "a/@eaDir": "system_folder", "a/old": "excluded", "b/c/x_thumb.tif": "excluded", "lost+found": "system_folder",
        "old": "excluded", "y_thumb.tif": "excluded",
    }  # fmt: skip


@pytest.mark.parametrize("layout", ["tree", "flat"])
def test_joined_tables_are_those_of_the_whole_archive(archive, tmp_path, layout):
    p = defaults(tmp_path, f"convert={layout}")
    stages(archive, tmp_path / "whole", p)
    summary = joined(archive, tmp_path, p, SHARDS)
    assert tables_of(tmp_path / "joined") == tables_of(tmp_path / "whole")
    assert len(tables_of(tmp_path / "joined")) == 6
    assert (summary.shards, summary.images - summary.contents) == (5, 3)


def test_what_is_in_no_shard_is_named(archive, tmp_path):
    p = defaults(tmp_path)
    with pytest.raises(InputError, match=r"2 entries .*\(rest/none, rest/other\)"):
        join.run(archive, {"m": "Müller É", "o": "Orrù M", "d": "rest/deep"}, tmp_path, tmp_path / "j", p.convert)
    with pytest.raises(InputError, match="in none of dataset"):
        join.run(archive, {}, tmp_path, tmp_path / "j", p.convert)


def test_a_sample_of_the_whole_archive_is_refused(archive, tmp_path):
    p = defaults(tmp_path, "fingerprint=sample")
    with pytest.raises(InputError, match="sample_tiff draws from the whole archive"):
        shard.run(archive / "Orrù M", tmp_path, p.convert, p.hash, p.fingerprint, p.executor, part="Orrù M")


def test_a_name_that_depends_on_other_shards_is_refused(tmp_path):
    for folder in ("Tips", "tips"):  # one folder where case does not count
        save(tmp_path / "archive" / folder / "a.tif", scene(len(folder) + (folder == "Tips")))
    shards = {"one": "Tips", "two": "tips"}
    with pytest.raises(InputError, match="use convert=flat"):
        joined(tmp_path / "archive", tmp_path, defaults(tmp_path), shards)
    joined(tmp_path / "archive", tmp_path, defaults(tmp_path, "convert=flat"), shards)


@pytest.mark.parametrize(
    ("shards", "why"),
    [("{a: /x}", "inside the archive"), ("{a: x/../..}", "inside"), ("{a: x, b: x/y}", "must be apart"),
     ("{a: x, b: x}", "must be apart"), ("{a.b: x}", "letters, digits"), ("{a: .}", "inside the archive")],
)  # fmt: skip
def test_shards_that_cannot_be(tmp_path, shards, why):
    with pytest.raises(InputError, match=why):
        _ = defaults(tmp_path, f"+dataset.shards={shards}").dataset
