"""Groups of copies and of frames of one field, on small archives, on real images and on the synthetic archive."""

from __future__ import annotations

import csv
import random
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.core.tracing.labels import parse_published
from semtrace.io import tables
from semtrace.io.digests import md5
from semtrace.io.images import decode
from semtrace.io.verdicts import VERDICTS
from semtrace.provenance import deduplicate
from semtrace.provenance.fingerprint import hash_facts
from semtrace.provenance.tables import HASHES, INVENTORY, JPEG_TO_TIFF
from semtrace.stage.executor import Executor
from semtrace.synthetic import generate
from semtrace.synthetic.recording import record
from tests.pipeline import defaults, table
from tests.small_archive import save, scene

SETTINGS = deduplicate.Settings("across", 250, 120, 32, 0.6, {"train": 0.8, "validation": 0.1, "test": 0.1}, 1)


def hash_table(root: Path, target: Path, *, original: bool = True) -> Path:
    """``hashes.csv`` of every image below a folder, whatever its format."""
    rows = []
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        data = file.read_bytes()
        facts = {"md5": md5(data), "bytes": len(data), **hash_facts(data, decode(data), size=32, original=original)}
        rows.append({"file": file.name, "path": file.relative_to(root).as_posix(), **facts})
    tables.write(target, HASHES, rows)
    return target


def run(tmp: Path, sides: dict[str, Path], settings=SETTINGS, *, images: bool = True, **more) -> dict[str, dict]:
    """The rows of ``groups.csv`` by path, and under ``""`` the summary."""
    hashes = {side: [hash_table(root, tmp / f"{side}.csv", original=side == "tiff")] for side, root in sides.items()}
    executor = Executor(1, tmp / "cache.sqlite")
    summary = deduplicate.run(hashes, tmp / "out", settings, executor, roots=sides if images else None, **more)
    return {row["path"]: row for row in table(tmp / "out/groups.csv")} | {"": summary}


def together(rows: dict[str, dict]) -> set[frozenset[str]]:
    """The groups of more than one file."""
    groups: dict[tuple[str, str], set[str]] = {}
    for path, row in rows.items():
        if path:
            groups.setdefault((row["side"], row["group"]), set()).add(path)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def frame(big: np.ndarray, step: int) -> np.ndarray:
    """A frame of a drifting series, uint8 (192, 256): displaced, with another contrast, with noise of its own."""
    noise = np.random.default_rng(step).normal(0, 3, (192, 256))
    shifted = big[4 + step : 196 + step, 4 + 2 * step : 260 + 2 * step]
    return np.clip(shifted * (1 - 0.05 * step) + 4 * step + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A series of one field, copies of several kinds, empty frames, and pictures of their own."""
    root = tmp_path_factory.mktemp("archive")
    big = scene(1, 220, 290)
    for step in range(4):
        save(root / f"series/{step}.tif", frame(big, step))
    save(root / "copied.tif", scene(2))
    shutil.copy(root / "copied.tif", root / "another name.tif")
    save(root / "re-saved.tif", scene(2), compression="lzw")
    bar = np.zeros((20, 256), np.uint8)
    bar[4:16, 8:250:5] = 255
    save(root / "with bar.tif", np.concatenate([scene(3), bar]))
    save(root / "cut.tif", scene(3))
    save(root / "16 bit.tif", scene(4).astype(np.uint16) * 200)
    save(root / "8 bit.tif", scene(4))
    for level in (7, 90):
        save(root / f"empty {level}.tif", np.full((192, 256), level, np.uint8))
        save(root / f"empty with bar {level}.tif", np.concatenate([np.full((192, 256), level, np.uint8), bar]))
    for seed in (5, 6, 7):
        save(root / f"alone {seed}.tif", scene(seed))
    return root


EXPECTED = {
    frozenset({"another name.tif", "copied.tif", "re-saved.tif"}),
    frozenset({"with bar.tif", "cut.tif"}),
    frozenset({"16 bit.tif", "8 bit.tif"}),
    frozenset({f"series/{step}.tif" for step in range(4)}),
}


def test_copies_and_frames_of_one_field_are_groups_and_nothing_else_is(archive, tmp_path):
    rows = run(tmp_path, {"tiff": archive})
    assert together(rows) == EXPECTED
    assert rows[""].groups == 4
    assert rows[""].largest == 4
    evidence = {path: row["evidence"] for path, row in rows.items() if path and row["evidence"]}
    assert evidence == {
        "copied.tif": "identical_bytes",
        "re-saved.tif": "identical_pixels",
        "cut.tif": "same_picture",
        "8 bit.tif": evidence["8 bit.tif"],
        **{f"series/{step}.tif": "correlation" for step in (1, 2, 3)},
    }
    assert rows["with bar.tif"]["keeper"] == "with bar.tif"  # more pixels than the cut one
    series = [rows[f"series/{step}.tif"] for step in range(4)]
    assert {row["keeper"] for row in series} == {"series/0.tif"}
    assert series[1]["drift"] == str(round(5**0.5 / 256, 4))
    assert int(series[0]["diameter"]) == max(int(row["keeper_hamming"]) for row in series) > 0
    assert series[0]["lowest_correlation"] == min(row["correlation"] for row in series[1:])


@pytest.mark.parametrize("images", [True, False])
def test_empty_pictures_are_reported_and_match_nothing(archive, tmp_path, images):
    """Not even by their data bars, which make their full hashes alike and healthy."""
    rows = run(tmp_path, {"tiff": archive}, images=images)
    for level in (7, 90):
        for name in (f"empty {level}.tif", f"empty with bar {level}.tif"):
            assert (rows[name]["health"], rows[name]["size"]) == ("degenerate", "1")
    assert rows[""].degenerate == 4


def test_every_group_is_on_one_side_of_the_split(archive, tmp_path):
    rows = run(tmp_path, {"tiff": archive})
    for group in together(rows):
        assert len({rows[path]["split"] for path in group}) == 1
    assert sum(rows[""].splits.values()) == len(rows) - 1


def test_what_leads_to_the_keeper(archive, tmp_path):
    rows = run(tmp_path, {"tiff": archive})
    for path, row in rows.items():
        seen = set()
        while path and row["linked_to"]:
            assert path not in seen
            seen.add(path)
            path, row = row["linked_to"], rows[row["linked_to"]]
        assert not path or path == row["keeper"]


@pytest.fixture
def small(tmp_path, archive) -> tuple[Path, Path]:
    """The archive beside two published images of it, and a third that is near to the first."""
    published = tmp_path / "published"
    for name, source, size in (("Tips/a", "8 bit", 256), ("Powder/b", "copied", 128), ("Powder/c", "copied", 200)):
        (published / name).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(archive / f"{source}.tif") as image:
            image.resize((size, size * 3 // 4)).save(published / f"{name}.jpg", quality=80)
    return archive, published


def test_across_puts_a_published_picture_to_its_original_and_within_does_not(small, tmp_path):
    sides = dict(zip(("tiff", "jpeg"), small, strict=True))
    rows = run(tmp_path, sides)
    assert rows["Tips/a.jpg"]["keeper"] == "16 bit.tif" == min(("16 bit.tif", "8 bit.tif"))
    assert rows["Powder/b.jpg"]["group"] == rows["Powder/c.jpg"]["group"] == rows["copied.tif"]["group"]
    assert rows["Powder/b.jpg"]["split"] == rows["copied.tif"]["split"]
    rows = run(tmp_path, sides, replace(SETTINGS, scope="within"))
    assert together(rows) == EXPECTED | {frozenset({"Powder/b.jpg", "Powder/c.jpg"})}
    assert rows["Powder/b.jpg"]["keeper"] == "Powder/c.jpg"


def test_a_traced_picture_is_in_the_group_of_its_original_however_it_was_published(small, tmp_path):
    """A crop is too far from its original by hash; the match knows it all the same."""
    archive, published = small
    with Image.open(archive / "alone 5.tif") as image:
        image.crop((60, 40, 220, 160)).save(published / "Tips/crop.jpg")
    sides = {"tiff": archive, "jpeg": published}
    assert run(tmp_path, sides)["Tips/crop.jpg"]["size"] == "1"
    row = dict.fromkeys(JPEG_TO_TIFF.names, "")
    row |= {"jpeg_path": "Tips/crop.jpg", "matched_tiff_path": "alone 5.tif", "decision": "matched"}
    tables.write(tmp_path / "mapping.csv", JPEG_TO_TIFF, [row])
    rows = run(tmp_path, sides, mapping=tmp_path / "mapping.csv")
    assert rows["Tips/crop.jpg"]["keeper"] == "alone 5.tif"
    assert rows["Tips/crop.jpg"]["evidence"] == "traced"
    within = replace(SETTINGS, scope="within")
    assert run(tmp_path, sides, within, mapping=tmp_path / "mapping.csv")["Tips/crop.jpg"]["size"] == "1"


def test_a_person_has_the_last_word(archive, tmp_path):
    known = {row["path"]: row["md5"] for row in table(hash_table(archive, tmp_path / "x.csv"))}

    def verdict(left: str, right: str, word: str) -> dict[str, str]:
        return {"left": known[left], "right": known[right], "verdict": word, "who": "", "when": ""}

    said = [
        verdict("16 bit.tif", "8 bit.tif", "different"),
        verdict("with bar.tif", "cut.tif", "different"),
        verdict("alone 5.tif", "alone 6.tif", "same"),
    ]
    tables.write(tmp_path / "verdicts.csv", VERDICTS, said)
    rows = run(tmp_path, {"tiff": archive}, verdicts=tmp_path / "verdicts.csv")
    changed = EXPECTED - {frozenset({"with bar.tif", "cut.tif"}), frozenset({"16 bit.tif", "8 bit.tif"})}
    assert together(rows) == changed | {frozenset({"alone 5.tif", "alone 6.tif"})}
    assert rows["alone 6.tif"]["evidence"] == "verdict"


def test_a_file_that_is_gone_is_a_reject_and_the_others_go_on(archive, tmp_path):
    shutil.copytree(archive, tmp_path / "archive")
    hashes = hash_table(tmp_path / "archive", tmp_path / "hashes.csv")
    (tmp_path / "archive/series/1.tif").unlink()
    (tmp_path / "archive/series/2.tif").write_bytes(b"something else")
    summary = deduplicate.run(
        {"tiff": [hashes]}, tmp_path / "out", SETTINGS, Executor(1, tmp_path / "cache.sqlite"),
        roots={"tiff": tmp_path / "archive"},
    )  # fmt: skip
    rejects = {row["path"]: row["reason"] for row in table(tmp_path / "out/rejects.csv")}
    assert rejects == {"series/1.tif": "unreadable", "series/2.tif": "changed"}
    assert summary.rejects == {"changed": 1, "unreadable": 1}
    assert summary.files == len(table(hashes)) - 2


def test_the_inventory_helps_to_choose_the_keeper(tmp_path):
    """Of pictures of one size: that with its pixel size, then grey, then the deeper, then the first by path."""
    picture = scene(1)
    names = ["a colour.tif", "b 8 bit.tif", "c 16 bit.tif", "d as written.tif"]
    save(tmp_path / "images" / names[0], np.stack([picture] * 3, axis=-1), photometric="rgb")
    save(tmp_path / "images" / names[1], picture)
    save(tmp_path / "images" / names[2], picture.astype(np.uint16) * 100)
    save(tmp_path / "images" / names[3], picture, description="from the instrument")
    facts = [("RGB", 8, None), ("L", 8, None), ("I;16", 16, None), ("L", 8, 1e-9)]
    rows = [
        dict.fromkeys(INVENTORY.names, "") | {"path": name, "mode": mode, "bit_depth": bits, "pixel_size_m": size}
        for name, (mode, bits, size) in zip(names, facts, strict=True)
    ]
    while names:
        tables.write(tmp_path / "inventory.csv", INVENTORY, rows)
        got = run(tmp_path, {"tiff": tmp_path / "images"}, inventory=tmp_path / "inventory.csv")
        expected = {4: "d as written.tif", 3: "c 16 bit.tif", 2: "b 8 bit.tif", 1: "a colour.tif"}[len(names)]
        assert {row["keeper"] for path, row in got.items() if path} == {expected}
        names.remove(expected)
        (tmp_path / "images" / expected).unlink()


# --- laws


def test_the_order_of_rows_and_the_number_of_workers_change_nothing(small, tmp_path):
    sides = dict(zip(("tiff", "jpeg"), small, strict=True))
    run(tmp_path, sides)
    expected = (tmp_path / "out/groups.csv").read_bytes()
    for side in sides:
        header, *rows = (tmp_path / f"{side}.csv").read_text(encoding="utf-8").splitlines()
        random.Random(1).shuffle(rows)
        (tmp_path / f"{side} shuffled.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    deduplicate.run(
        {side: [tmp_path / f"{side} shuffled.csv"] for side in sides}, tmp_path / "out", SETTINGS,
        Executor(2, tmp_path / "other cache.sqlite"), roots=sides,
    )  # fmt: skip
    assert (tmp_path / "out/groups.csv").read_bytes() == expected


def test_an_unrelated_image_changes_no_group(archive, tmp_path):
    before = run(tmp_path, {"tiff": archive})
    shutil.copytree(archive, tmp_path / "more")
    save(tmp_path / "more/0 first by path.tif", scene(50))
    after = run(tmp_path, {"tiff": tmp_path / "more"})
    del before[""], after[""]
    assert after.pop("0 first by path.tif")["size"] == "1"
    for rows in (before, after):
        for row in rows.values():
            del row["split"]  # what lies next to a cut may move: tests/core/test_splits.py
    assert after == before


# --- hash tables alone


def test_from_hashes_alone_the_row_says_so(archive, tmp_path):
    """Frames of the series are 120 to 250 bits apart: to be looked at, but not to be taken for one without a look."""
    rows = run(tmp_path, {"tiff": archive}, images=False)
    assert together(rows) == EXPECTED - {frozenset({f"series/{step}.tif" for step in range(4)})}
    assert {rows[name]["evidence"] for name in ("8 bit.tif", "16 bit.tif")} == {"", "hamming"}
    rows = run(tmp_path, {"tiff": archive}, replace(SETTINGS, radius_by_hash=250), images=False)
    assert together(rows) == EXPECTED
    frame = rows["series/1.tif"]
    assert frame["evidence"] == "hamming"
    assert 120 <= int(frame["hamming"]) < 250
    assert frame["correlation"] == frame["drift"] == ""


def test_equal_degenerate_hashes_of_a_bare_table_are_not_merged(tmp_path):
    rng = np.random.default_rng(1)
    healthy = rng.permutation(np.repeat([0, 1], 512)).astype(bool)
    rows = [(f"empty {i}.tif", "0" * 256) for i in range(5)] + [(f"white {i}.tif", "f" * 256) for i in range(5)]
    rows += [(f"same {i}.tif", np.packbits(healthy).tobytes().hex()) for i in range(2)]
    with (tmp_path / "bare.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "phash"), *rows])
    summary = deduplicate.run(
        {"tiff": [tmp_path / "bare.csv"]}, tmp_path / "out", SETTINGS, Executor(1, tmp_path / "c")
    )
    assert summary.degenerate == 10
    assert summary.groups == 1
    found = {row["path"]: row for row in table(tmp_path / "out/groups.csv")}
    assert found["same 1.tif"]["linked_to"] == "same 0.tif"
    assert found["same 1.tif"]["evidence"] == "hamming"


def test_shorter_hashes_scale_the_radius(tmp_path):
    rng = np.random.default_rng(1)
    bits = rng.permutation(np.repeat([0, 1], 128)).astype(bool)
    near, far = bits.copy(), bits.copy()
    near[:28] ^= True
    far[:32] ^= True
    rows = [(name, np.packbits(one).tobytes().hex()) for name, one in (("a", bits), ("b", near), ("c", far[::-1]))]
    with (tmp_path / "bare.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "phash"), *rows])
    deduplicate.run({"tiff": [tmp_path / "bare.csv"]}, tmp_path / "out", SETTINGS, Executor(1, tmp_path / "c"))
    assert [row["size"] for row in table(tmp_path / "out/groups.csv")] == ["2", "2", "1"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"scope": "all"}, "within or across"),
        ({"radius": 0}, "radius is 0"),
        ({"radius_by_hash": 2000}, "radius_by_hash is 2000"),
        ({"max_candidates": 0}, "max_candidates"),
        ({"min_correlation": 1.5}, "min_correlation"),
        ({"splits": {"train": 0.8, "test": 0.3}}, "sum to 1"),
    ],
)
def test_wrong_settings_are_refused_by_name(change, word):
    with pytest.raises(ValueError, match=word):
        replace(SETTINGS, **change)


def test_the_defaults_are_those_of_this_test(tmp_path):
    assert defaults(tmp_path).deduplicate == SETTINGS


def test_sides_with_different_hashes_are_refused(tmp_path):
    for name, digits in (("tiff", 256), ("jpeg", 64)):
        (tmp_path / f"{name}.csv").write_text(f"path,phash\na,{'5a' * (digits // 2)}\n")
    with pytest.raises(InputError, match=r"one hash\.size"):
        deduplicate.run(
            {side: [tmp_path / f"{side}.csv"] for side in ("tiff", "jpeg")}, tmp_path / "out", SETTINGS,
            Executor(1, tmp_path / "c"),
        )  # fmt: skip


# --- the pipeline's small archive


def test_in_the_pipeline_every_file_has_a_row(done):
    rows = {row["path"]: row for row in done.rows("deduplicate/groups.csv")}
    hashed = [row["path"] for side in ("tiff", "jpeg") for row in done.rows(f"fingerprint/{side}/hashes.csv")]
    assert sorted(rows) == sorted(hashed)
    matched = [row for row in done.rows("match/jpeg_to_tiff.csv") if row["decision"] == "matched"]
    assert matched
    for row in matched:
        assert rows[row["jpeg_path"]]["group"] == rows[row["matched_tiff_path"]]["group"]
        assert rows[row["jpeg_path"]]["split"] == rows[row["matched_tiff_path"]]["split"]
    lzw = {"lzw.tif", "zz copy of lzw.tif", "other metadata.tif"}
    assert {rows[path]["keeper"] for path in lzw} == {"lzw.tif"}
    assert rows["flat.tif"]["health"] == "degenerate"


# --- real images


def pairs_right(rows: dict[str, dict], truth: dict[str, object]) -> tuple[int, int, int]:
    """Pairs of files: grouped and one in truth, grouped though not one, one but not grouped."""
    right = wrong = missed = 0
    for a, b in combinations(sorted(truth), 2):
        grouped, same = rows[a]["group"] == rows[b]["group"], truth[a] == truth[b]
        right, wrong, missed = right + (grouped and same), wrong + (grouped and not same), missed + (same > grouped)
    return right, wrong, missed


# The 17 pictures that the 82 files show, by the first digits of their names, as seen by eye.
CALTECH = """
020f 2a9d 3df0 6909 7218 79ad cec2 | 028b 4297 509b 7d94 a8d0 bcf6 f431 | 0380 11ae abbf |
0474 2242 2538 29a4 834d a8c4 d8af | 0ad3 22e6 47ee 6fae 9746 98ce b27e b39d d3cd | 0c8a 14d5 1f52 384b bf10 |
1511 b045 c024 a21a | 17b7 274c 28b9 a352 | 1a4c 26d9 ca1d dd5c | 1e8c 24f5 359d 4c15 614d 619e 86f5 a613 |
319c e241 | 3270 d065 | 3d4a 4fc4 9bf3 eb77 | 42e6 6b0d | 5526 5f80 7676 afea db8e |
6018 631e 806f 8931 d8e8 e879 ed24 | 775f f80c
"""


def test_resized_copies_of_photographs(shared, tmp_path):
    truth = {digits: k for k, group in enumerate(CALTECH.split("|")) for digits in group.split()}
    rows = run(tmp_path, {"tiff": shared / "near_duplicates/caltech_random_resize"})
    right, wrong, missed = pairs_right(rows, {path: truth[path[:4]] for path in rows if path})
    assert (right, wrong, missed) == (199, 0, 0)


def test_frames_of_turning_objects_are_pictures_of_their_own(shared, tmp_path):
    """Equal files of the two folders are found; the next frame of a video shows the object from another side."""
    rows = run(tmp_path, {"tiff": shared / "near_duplicates/potatoes_two_folders"})
    paths = [path for path in rows if path]
    assert pairs_right(rows, {path: path.split("/")[1] for path in paths}) == (16, 0, 0)
    right, wrong, missed = pairs_right(rows, {path: path.split("/")[1][:-5] for path in paths})
    assert (wrong, right, right + missed) == (0, 16, 112)


def test_a_die_and_its_reference_are_different_pictures(shared, tmp_path):
    rows = run(tmp_path, {"tiff": shared / "near_duplicates/wafer_sem_pairs"})
    assert [row["size"] for path, row in rows.items() if path] == ["1"] * 6


def test_real_micrographs_and_what_was_made_of_them(shared, tmp_path):
    rows = run(tmp_path, {"tiff": shared / "sem_tiff"})
    known = [
        {row[side].removeprefix("sem_tiff/") for side in ("derived", "original")}
        for row in table(shared / "mapping_truth.csv")
        if row["derived"].startswith("sem_tiff/")
    ]
    assert len(known) == 19
    for pair in known:
        assert len({rows[path]["group"] for path in pair}) == 1, pair
    found = {frozenset(pair) for group in together(rows) for pair in combinations(group, 2)}
    others = found - {
        frozenset(pair) for one in known for pair in combinations(set().union(*(o for o in known if o & one)), 2)
    }
    twins = {
        frozenset({f"fibres_pan_3class/Defective/translated_PPC9_05_{n}.tif" for n in (1, 10)}),
        frozenset({f"fibres_pan_3class/NonDefective/translated_pancnt2_04_{n}.tif" for n in (1, 10)}),
        frozenset({"fei_xl30_sis_gold/cu_au_110_300_125_2.tif", "fei_xl30_sis_gold/cu_au_80_300_125_1.tif"}),  # bytes
    }
    assert others == twins
    for pair in (row for row in table(shared / "mapping_truth.csv") if "data bar removed" in row["relation"]):
        assert rows[pair["derived"].removeprefix("sem_tiff/")]["evidence"] == "same_picture"


def test_published_hashes_of_a_real_dataset(shared, tmp_path):
    """Digits in a name are no identity: of 21,169, 157 name different pictures. No split tears equal ones apart."""
    files = sorted((shared / "nffa_hashes/jpeg").glob("*.csv"))
    summary = deduplicate.run({"jpeg": files}, tmp_path / "out", SETTINGS, Executor(0, tmp_path / "cache.sqlite"))
    rows = table(tmp_path / "out/groups.csv")
    assert summary.files == len(rows) == 25_518
    by_digits, by_hash = defaultdict(set), defaultdict(set)
    known = {row["path"]: row["phash"] for file in files for row in table(file)}
    for row in rows:
        by_digits[parse_published(row["path"]).digits].add(row["group"])
        by_hash[known[row["path"]]].add((row["group"], row["split"]))
    assert sum(len(groups) > 1 for groups in by_digits.values()) == 157
    assert all(len(groups) == 1 for groups in by_hash.values())


# --- the synthetic archive


def test_the_series_of_the_synthetic_archive_are_found_and_kept_apart(tmp_path):
    """Frames of one field drift, refocus, change their contrast; beside them other pictures of the same kinds."""
    settings = generate.Settings(width=512)
    frames = [frame for frame in generate.plan(settings) if frame.path]
    fields = Counter(frame.field for frame in frames if frame.series)
    series = [frame for frame in frames if fields[frame.field] > 1]
    kinds = {frame.category for frame in series}
    chosen = series + [frame for frame in frames if not frame.series and frame.category in kinds][:8]
    assert sorted(fields.values()) == [1] * 8 + [3, 3, 3, 5, 5, 6]  # a lost frame leaves one behind
    for frame in chosen:
        (tmp_path / "archive" / frame.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "archive" / frame.path).write_bytes(record(frame, settings.seed).tiff)
    rows = run(tmp_path, {"tiff": tmp_path / "archive"})
    right, wrong, missed = pairs_right(rows, {frame.path: frame.field for frame in chosen})
    assert (right, wrong, missed) == (44, 0, 0)


@pytest.mark.parametrize("size", [(300, 300), (256, 128), (150, 300)])
def test_a_squashed_copy_is_in_the_group_of_its_original(tmp_path, size):
    root = tmp_path / "archive"
    save(root / "original.tif", scene(20, 384, 512))
    save(root / "squashed.tif", np.asarray(Image.fromarray(scene(20, 384, 512)).resize(size)))
    save(root / "other.tif", scene(21, 384, 512))
    save(root / "other squashed.tif", np.asarray(Image.fromarray(scene(22, 384, 512)).resize(size)))
    rows = run(tmp_path, {"tiff": root})
    assert together(rows) == {frozenset({"original.tif", "squashed.tif"})}
    assert (rows["squashed.tif"]["evidence"], rows["squashed.tif"]["keeper"]) == ("correlation", "original.tif")
    assert rows["squashed.tif"]["split"] == rows["original.tif"]["split"]


def test_the_squashed_copy_that_was_seen_is_grouped(cases, tmp_path):
    case = cases / "decoding/05-squashed-copy-not-grouped"
    rows = run(tmp_path, {"tiff": case / "archive", "jpeg": case / "published"})
    names = {"a_original.tif", "b_half_same_aspect.tif", "c_squashed_300x300.tif", "Tips/squashed.jpg"}
    assert {path for path in rows if path} == names
    assert len({rows[name]["group"] for name in names}) == 1
    assert {rows[name]["keeper"] for name in names} == {"a_original.tif"}
