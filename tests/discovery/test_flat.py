import csv
import hashlib
import io

import pytest
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.discovery import flat, flat_figures
from semtrace.io import tables
from semtrace.provenance import tables as of_main
from semtrace.stage.executor import Executor

TIFFS = {"a.tif": "t1", "b/a copy.tif": "t1", "c.tif": "t2", "d.tif": "t3", "e.tif": "t4", "broken.tif": "t5"}
# t2 and t3 make the same JPEG; t5 cannot be converted
JPEGS = {"t1": b"jpeg one", "t2": b"jpeg two", "t3": b"jpeg two", "t4": b"jpeg four"}


def digest(data):
    return hashlib.md5(data if isinstance(data, bytes) else data.encode()).hexdigest()


def fill(columns, **cells):
    return {name: cells.get(name, "") for name in columns.names}


@pytest.fixture
def world(tmp_path):
    archive, work = tmp_path / "archive", tmp_path / "work"
    for path in TIFFS:
        (archive / path).parent.mkdir(parents=True, exist_ok=True)
        (archive / path).write_bytes(b"II*\0" + path.encode())
    for name, start in (("x.pdf", b"%PDF-1.4"), ("y.dm3", b"\0\0\0\3\0"), ("z.djvu", b"AT&TFORM"), ("n.txt", b"note"),
                        ("p.jpg", b"\xff\xd8\xff"), ("q.bmp", b"BM"), ("named.tif", b"no tiff")):  # fmt: skip
        (archive / name).write_bytes(start)
    work.mkdir()
    first = {}
    inventory = []
    for path, content in sorted(TIFFS.items()):
        keeper = first.setdefault(content, path)
        inventory.append(fill(
            of_main.INVENTORY, path=path, md5=digest(content), width="10", height="8",
            duplicate_of="" if keeper == path else keeper,
        ))  # fmt: skip
    tables.write(work / "inventory.csv", of_main.INVENTORY, inventory)
    converted = [
        fill(of_main.CONVERTED, path=path, md5=digest(c), jpeg_path="x.jpg", jpeg_md5=digest(JPEGS[c]))
        for path, c in TIFFS.items() if c in JPEGS
    ]  # fmt: skip
    tables.write(work / "converted.csv", of_main.CONVERTED, converted)
    groups = [fill(of_main.GROUPS, path="a.tif", side="tiff", md5=digest("t1"), group="g7")]
    tables.write(work / "groups.csv", of_main.GROUPS, groups)
    published = {
        "one": {"Tips/1.jpg": b"jpeg one", "Powder/2.jpg": b"jpeg two", "Tips/4.jpg": b"other encoder",
                "Fibres/lost.jpg": b"jpeg only"},
        "two": {"Tips/sharp/1.jpg": b"jpeg one", "Tips/2.jpg": b"jpeg two"},
    }  # fmt: skip
    sets = {}
    for name, files in published.items():
        sets[name] = tmp_path / name
        for path, data in files.items():
            (sets[name] / path).parent.mkdir(parents=True, exist_ok=True)
            (sets[name] / path).write_bytes(data)
    hashes = [fill(of_main.HASHES, path="Tips/4.jpg", md5=digest(b"other encoder"), file="4.jpg")]
    tables.write(work / "hashes.csv", of_main.HASHES, hashes)
    mapped = fill(
        of_main.JPEG_TO_TIFF,
        jpeg_path="Tips/4.jpg",
        matched_tiff_path="e.tif",
        decision="matched",
        evidence="reencoded",
    )
    tables.write(work / "map.csv", of_main.JPEG_TO_TIFF, [mapped])
    names = ("inventory.csv", "converted.csv", "groups.csv", "hashes.csv", "map.csv")
    return (
        archive,
        flat.FlatTables(*(work / name for name in names)),
        sets,
        tmp_path / "out",
        Executor(1, tmp_path / "c"),
    )


def table(world, name):
    with (world[3] / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tiff_and_jpeg_are_one_to_one(world):
    summary = flat.run(*world)
    rows = table(world, "flat.csv")
    assert {row["tiff_path"]: row["left_out_for"] for row in rows} == {
        "a.tif": "", "c.tif": "", "d.tif": digest("t2"), "e.tif": "",
    }  # fmt: skip
    kept = [row for row in rows if not row["left_out_for"]]
    assert len({row["md5"] for row in kept}) == len({row["jpeg_md5"] for row in kept}) == len(kept) == summary.images
    assert {row["tiff_path"]: row["duplicate_group"] for row in rows}["a.tif"] == "g7"
    assert [row["md5"] for row in rows] == sorted(row["md5"] for row in rows)


def test_every_number_adds_up(world):
    flat.run(*world)
    counts = {(row["what"], row["kind"]): int(row["files"]) for row in table(world, "counts.csv")}
    assert sum(n for (what, _), n in counts.items() if what == "files by format") == 13
    assert counts["files by format", "TIFF"] == 6
    formats = {kind for what, kind in counts if what == "files by format"}
    assert formats == {"TIFF", "JPG", "PDF", "BMP", "DM3", "DJVU", "other"}
    no_tiff = next(n for (what, kind), n in counts.items() if what == "files" and kind.startswith("no readable TIFF"))
    assert no_tiff + counts["readable TIFF files", ""] == 13
    readable, same, unique = counts["readable TIFF files", ""], counts["removed", "same bytes as another TIFF"], 5
    assert readable - same == counts["unique contents", "TIFF"] == unique
    rejected, removed = counts["rejected", "not_converted"], counts["removed", "same JPEG as another TIFF"]
    assert unique == rejected + removed + counts["images", "TIFF and JPEG, one to one"]
    assert len(table(world, "flat.csv")) + len(table(world, "rejects.csv")) == unique


def test_labels_are_joined_by_content_over_all_sets(world):
    flat.run(*world)
    labels = {row["md5"]: row for row in table(world, "labels.csv")}
    one = labels[digest("t1")]
    assert (one["category"], one["subcategory"], one["sets"], one["how"]) == ("Tips", "sharp", "one|two", "direct")
    assert labels[digest("t4")]["how"] == "reencoded"
    assert digest("t2") not in labels
    [conflict] = table(world, "label_conflicts.csv")
    assert (conflict["md5"], conflict["categories"]) == (digest("t2"), "Powder|Tips")
    assert conflict["files"] == "one:Powder/2.jpg|two:Tips/2.jpg"
    [lost] = table(world, "jpeg_only.csv")
    assert (lost["path"], lost["category"]) == ("Fibres/lost.jpg", "Fibres")


def test_the_table_of_sets(world):
    flat.run(*world)
    one, two = table(world, "sets.csv")
    assert (one["set"], one["categories"], one["files"], one["contents"]) == ("one", "3", "4", "4")
    assert (one["not_found"], one["reencoded"], one["contents_in_conflict"]) == ("1", "1", "0")
    assert (two["categories"], two["files"]) == ("2", "2")


def test_a_conflict_inside_one_set_is_counted_with_its_files(world):
    (world[2]["one"] / "Powder" / "again.jpg").write_bytes(b"jpeg one")
    flat.run(*world)
    one = table(world, "sets.csv")[0]
    assert (one["contents_in_conflict"], one["files_in_conflict"]) == ("1", "2")


def test_the_figures_are_pictures_and_the_same_each_time(world):
    flat.run(*world)
    first = {name: (world[3] / name).read_bytes() for name in ("labels_by_category.png", "subcategories.png")}
    flat.run(*world)
    for name, data in first.items():
        assert (world[3] / name).read_bytes() == data
        with Image.open(io.BytesIO(data)) as image:
            assert image.width > 800


def test_no_labels_at_all_is_a_figure_too():
    assert flat_figures.by_category([], []).startswith(b"\x89PNG")
    assert flat_figures.subcategories([]).startswith(b"\x89PNG")


def test_a_set_that_is_missing_is_named(world, tmp_path):
    archive, work, sets, out, executor = world
    with pytest.raises(InputError, match="published set 'three'"):
        flat.run(archive, work, {**sets, "three": tmp_path / "nowhere"}, out, executor)
    assert not out.exists()
