from __future__ import annotations

import csv
import dataclasses
import hashlib
import shutil
from collections import Counter

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.core.errors import InputError
from semtrace.io.tables import TableError
from semtrace.provenance import fingerprint, inventory, match
from semtrace.stage.executor import Executor
from tests.pipeline import defaults, grey, publish, run_all, table
from tests.small_archive import build, name, save, scene


def truth_of(done) -> dict[str, str]:
    return {row["jpeg_path"]: row["tiff_path"] for row in table(done.known / "truth.csv")}


def test_every_jpeg_is_traced_to_its_original(done):
    truth = truth_of(done)
    for row in done.rows("match/jpeg_to_tiff.csv"):
        expected = truth[row["jpeg_path"]]
        assert row["matched_tiff_path"] == expected, row
        assert row["decision"] == ("matched" if expected else "unmatched")


def test_a_match_says_what_it_rests_on(done):
    truth = truth_of(done)
    evidence = {}
    for row in done.rows("match/jpeg_to_tiff.csv"):
        if row["decision"] == "matched":
            evidence.setdefault(truth[row["jpeg_path"]].rsplit("/", 1)[-1], set()).add(row["evidence"])
            assert float(row["ssim_value"]) > 0.9
            assert int(row["hamming_distance"]) < 60
    assert evidence["lzw.tif"] == {"identical_bytes"}  # quality 100, grey: the very bytes of the convert stage
    assert evidence["img_01.tif"] == {"reencoded"}  # quality 90, RGB
    assert evidence["img_02.tif"] == {"ssim"}  # half size: nothing to prove by encoding again
    assert evidence["deep.tiff"] == {"reencoded"}  # its 8-bit rendering was another one, which is known


def test_digits_in_a_name_count_only_where_the_pictures_agree(tmp_path):
    archive, published = tmp_path / "archive", tmp_path / "published"
    one, two = save(archive / "one.tif", scene(1)), save(archive / "two.tif", scene(2))
    digits = {file.stem: hashlib.md5(file.read_bytes()).hexdigest() for file in (one, two)}
    half = grey(one).resize((128, 96))  # too small for a proof by encoding again
    right = publish(half, published / "Tips" / f"L5_{digits['one']}.jpg", quality=90)
    misleading = publish(half, published / "Powder" / f"L4_{digits['two']}.jpg", quality=95)
    (tmp_path / "known").mkdir()
    run_all(archive, published, tmp_path / "known", tmp_path / "work", defaults(tmp_path))
    rows = {row["jpeg_path"]: row for row in table(tmp_path / "work/match/jpeg_to_tiff.csv")}
    assert (rows[right]["matched_tiff_path"], rows[right]["evidence"]) == ("one.tif", "name_digest")
    assert (rows[misleading]["matched_tiff_path"], rows[misleading]["evidence"]) == ("one.tif", "ssim")


def test_a_persons_verdict_overrides_and_is_reported(done, tmp_path):
    hashes = done.work / "fingerprint"
    tiffs = {row["path"]: row["md5"] for row in table(hashes / "tiff/hashes.csv")}
    jpegs = {row["path"]: row["md5"] for row in table(hashes / "jpeg/hashes.csv")}
    by_tiff = {tiff: jpeg for jpeg, tiff in truth_of(done).items()}
    absent, half = by_tiff[""], by_tiff["Müller É/2013-02-19/img_02.tif"]

    def run(*said: tuple[str, str, str]) -> dict[str, dict[str, str]]:
        lines = ["left,right,verdict,who,when", *(f"{left},{right},{word},me,2026-01-01" for left, right, word in said)]
        (tmp_path / "verdicts.csv").write_text("\n".join(lines) + "\n")
        p = defaults(tmp_path)
        match.run(
            hashes / "tiff/hashes.csv", [hashes / "jpeg/hashes.csv"], tmp_path / "out", p.match, p.executor,
            archive=done.archive, published=done.published, verdicts=tmp_path / "verdicts.csv",
        )  # fmt: skip
        return {row["jpeg_path"]: row for row in table(tmp_path / "out/jpeg_to_tiff.csv")}

    rows = run(
        (tiffs["flat.tif"], jpegs[absent], "same"),
        (jpegs[half], tiffs["Müller É/2013-02-19/img_02.tif"], "different"),
    )
    assert (rows[absent]["matched_tiff_path"], rows[absent]["evidence"]) == ("flat.tif", "verdict")
    assert rows[half]["decision"] == "unmatched"
    with pytest.raises(TableError, match="verdict: 'same' or 'different'"):
        run((tiffs["flat.tif"], jpegs[absent], "same"), (jpegs[absent], tiffs["flat.tif"], "different"))
    with pytest.raises(TableError, match="line 2 says 'perhaps'"):
        run((tiffs["flat.tif"], jpegs[absent], "perhaps"))


def test_the_reverse_table_has_every_tiff(done):
    rows = {row["TIFF_path"]: row for row in done.rows("match/tiff_to_jpeg.csv")}
    assert set(rows) == {row["path"] for row in done.rows("fingerprint/tiff/hashes.csv")}
    assert rows["flat.tif"]["reason"] == "degenerate_hash"
    assert rows["really a png.tif"]["decision"] == "unmatched"
    for copy in ("zz copy of lzw.tif", "other metadata.tif"):
        assert rows[copy]["JPEG_path"] == rows["lzw.tif"]["JPEG_path"] != ""
    assert Counter(row["decision"] for row in rows.values())["matched"] == 9


def near_duplicates(root, *, publish_quality: int, present: bool):
    """One field of view, five frames with fresh noise; the third frame is published."""
    rng = np.random.default_rng(5)
    field = scene(50).astype(float)
    frames = [np.clip(np.round(field + rng.normal(0, 12, field.shape)), 0, 255).astype(np.uint8) for _ in range(5)]
    for number, frame in enumerate(frames):
        if present or number != 2:
            save(root / "archive" / f"frame_{number}.tif", frame)
    picture = Image.fromarray(frames[2])
    return publish(picture, root / "published" / "Tips" / name(5, "s"), quality=publish_quality)


@pytest.mark.parametrize("quality", [75, 90, 100])
def test_the_frame_itself_is_found_among_its_near_duplicates(tmp_path, quality):
    near_duplicates(tmp_path, publish_quality=quality, present=True)
    (tmp_path / "known").mkdir()
    run_all(*(tmp_path / part for part in ("archive", "published", "known", "work")), defaults(tmp_path))
    [row] = table(tmp_path / "work/match/jpeg_to_tiff.csv")
    assert (row["decision"], row["matched_tiff_path"]) == ("matched", "frame_2.tif")
    assert int(row["candidates"]) == 5


def test_a_jpeg_without_the_data_bar_is_traced(tmp_path):
    picture = scene(60, 384, 512)
    barred = np.vstack([picture, np.zeros((48, 512), np.uint8)])
    barred[400:404, 40:160] = 255  # a scale bar
    barred[408:424, 200:204] = 255
    save(tmp_path / "archive/barred.tif", barred)
    save(tmp_path / "archive/other.tif", np.vstack([scene(61, 384, 512), barred[384:]]))
    publish(Image.fromarray(picture), tmp_path / "published/Tips" / name(5, "x"), quality=90)
    (tmp_path / "known").mkdir()
    run_all(*(tmp_path / part for part in ("archive", "published", "known", "work")), defaults(tmp_path))
    [row] = table(tmp_path / "work/match/jpeg_to_tiff.csv")
    assert (row["decision"], row["matched_tiff_path"]) == ("matched", "barred.tif")


def test_from_hash_tables_alone(done, tmp_path):
    p = defaults(tmp_path)
    tables = done.work / "fingerprint"
    alone = match.run(tables / "tiff/hashes.csv", [tables / "jpeg/hashes.csv"], tmp_path / "out", p.match, p.executor)
    assert alone.pairs_compared == 0
    truth = truth_of(done)
    rows = table(tmp_path / "out/jpeg_to_tiff.csv")
    assert {row["evidence"] for row in rows if row["decision"] == "matched"} == {"hamming"}
    assert all(row["matched_tiff_path"] == truth[row["jpeg_path"]] for row in rows)


def test_workers_and_a_warm_cache_change_nothing(done, tmp_path):
    tables = done.work / "fingerprint"
    for workers, cache in ((1, "a"), (2, "b"), (2, "a")):
        match.run(
            tables / "tiff/hashes.csv", [tables / "jpeg/hashes.csv"], tmp_path / "out", defaults(tmp_path).match,
            Executor(workers, tmp_path / cache), archive=done.archive, published=done.published,
            converted=done.work / "convert/converted.csv",
        )  # fmt: skip
        for name_ in ("jpeg_to_tiff.csv", "tiff_to_jpeg.csv", "rejects.csv"):
            assert (tmp_path / "out" / name_).read_bytes() == (done.work / "match" / name_).read_bytes()


def test_what_the_cache_keeps_of_a_pair_does_not_depend_on_the_other_candidates(done, tmp_path):
    """The archive loses an original after a run: with the cache of that run the answers are those without a cache."""
    hashes = done.work / "fingerprint"
    rows = [row for row in table(hashes / "tiff/hashes.csv") if not row["path"].endswith("img_00.tif")]
    fewer = tmp_path / "fewer.csv"
    with fewer.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for cache in (done.archive.parent / "cache.sqlite", tmp_path / "cold.sqlite"):
        match.run(
            fewer, [hashes / "jpeg/hashes.csv"], tmp_path / cache.stem, defaults(tmp_path).match, Executor(1, cache),
            archive=done.archive, published=done.published, converted=done.work / "convert/converted.csv",
        )  # fmt: skip
    warm, cold = (tmp_path / stem / "jpeg_to_tiff.csv" for stem in ("cache", "cold"))
    assert warm.read_bytes() == cold.read_bytes()


def test_losing_the_proven_frame_of_a_series_leaves_no_crash_and_no_certainty(tmp_path):
    near_duplicates(tmp_path, publish_quality=90, present=True)
    (tmp_path / "known").mkdir()
    parts = [tmp_path / part for part in ("archive", "published", "known", "work")]
    p = defaults(tmp_path)
    run_all(*parts, p)
    (tmp_path / "archive/frame_2.tif").unlink()
    run_all(*parts, p)  # with the cache of the first run
    [row] = table(tmp_path / "work/match/jpeg_to_tiff.csv")
    assert row["decision"] != "matched"
    assert row["correlation"] != ""


def test_an_image_that_vanished_is_a_reject_not_a_guess(tmp_path):
    build(tmp_path)
    p = defaults(tmp_path)
    archive, published, work = tmp_path / "archive", tmp_path / "published", tmp_path / "work"
    inventory.run(archive, work / "i", p.executor)
    fingerprint.tiffs(archive, work / "i/inventory.csv", work / "t", p.hash, p.fingerprint, p.executor)
    fingerprint.jpegs(published, work / "j", p.hash, p.fingerprint, p.executor)
    (published / "Tips" / name(5, "a")).unlink()
    tifffile.imwrite(archive / "lzw.tif", scene(77))
    summary = match.run(
        work / "t/hashes.csv", [work / "j/hashes.csv"], work / "m", p.match, p.executor,
        archive=archive, published=published,
    )  # fmt: skip
    assert summary.rejects == {"unreadable": 1}
    row = next(row for row in table(work / "m/jpeg_to_tiff.csv") if row["jpeg_path"].endswith(name(6, "g")))
    assert (row["decision"], row["reason"]) == ("ambiguous", "original_unreadable")


def test_an_unreadable_original_never_leaves_its_label_to_a_near_duplicate(tmp_path):
    near_duplicates(tmp_path, publish_quality=90, present=True)
    p = defaults(tmp_path)
    archive, published, work = tmp_path / "archive", tmp_path / "published", tmp_path / "work"
    inventory.run(archive, work / "i", p.executor)
    fingerprint.tiffs(archive, work / "i/inventory.csv", work / "t", p.hash, p.fingerprint, p.executor)
    fingerprint.jpegs(published, work / "j", p.hash, p.fingerprint, p.executor)
    (archive / "frame_2.tif").unlink()
    lenient = dataclasses.replace(p.match, min_ssim=0.0, min_correlation=-1.0, min_margin=0.0)
    match.run(
        work / "t/hashes.csv", [work / "j/hashes.csv"], work / "m", lenient, p.executor,
        archive=archive, published=published,
    )  # fmt: skip
    [row] = table(work / "m/jpeg_to_tiff.csv")
    assert (row["decision"], row["reason"]) == ("ambiguous", "original_unreadable")


def test_tables_that_cannot_be_matched(done, tmp_path):
    p = defaults(tmp_path)
    good = done.work / "fingerprint/tiff/hashes.csv"
    short = tmp_path / "short.csv"
    short.write_text("file,path,phash\na,a," + "f0" * 8 + "\n")
    empty = tmp_path / "empty.csv"
    empty.write_text("file,path,phash\n")
    twice = tmp_path / "twice.csv"
    twice.write_text("file,path,phash\n" + ("a,a," + "f0" * 128 + "\n") * 2)
    nonsense = tmp_path / "nonsense.csv"
    nonsense.write_text("file,path,phash\na,a," + "xy" * 128 + "\n")
    for file, message in (
        (short, "of 64: fingerprint both sides"),
        (empty, "no hashes"),
        (twice, "more than once"),
        (nonsense, r"nonsense\.csv"),
    ):
        with pytest.raises(InputError, match=message):
            match.run(good, [file], tmp_path / "out", p.match, p.executor)
    assert not (tmp_path / "out").exists()


def test_copies_of_the_archive_in_another_order_change_nothing(tmp_path, done):
    archive = tmp_path / "archive"
    for path in sorted((p for p in done.archive.rglob("*") if p.is_file() and not p.is_symlink()), reverse=True):
        target = archive / path.relative_to(done.archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (archive / "link.tif").symlink_to(done.archive / "lzw.tif")
    run_all(archive, done.published, done.known, tmp_path / "work", defaults(tmp_path, workers=2))
    for name_ in ("match/jpeg_to_tiff.csv", "match/tiff_to_jpeg.csv", "label/labels.csv", "validate/metrics.json"):
        assert (tmp_path / "work" / name_).read_bytes() == (done.work / name_).read_bytes()
