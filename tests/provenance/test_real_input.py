"""The whole pipeline over real SEM images of eleven instruments, with published images made from them."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter

import pytest

from tests.pipeline import CATEGORIES, defaults, grey, publish, run_all, table
from tests.small_archive import Done

ENCODERS = ({"quality": 100}, {"quality": 90}, {"quality": 75})


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory) -> Done:
    """Every TIFF of sem_tiff, published at three qualities, grey and RGB in turn, a category per instrument."""
    archive = shared / "sem_tiff"
    root = tmp_path_factory.mktemp("real")
    files = sorted(path for path in archive.rglob("*") if path.suffix.lower() in (".tif", ".tiff"))
    instruments = sorted({path.relative_to(archive).parts[0] for path in files})
    truth = [("jpeg_path", "tiff_path", "category")]
    for number, file in enumerate(files):
        label = instruments.index(file.relative_to(archive).parts[0]) % len(CATEGORIES)
        for options in ENCODERS:
            picture = grey(file).convert("RGB" if (number + options["quality"]) % 2 else "L")
            digits = hashlib.md5(f"{number} {options}".encode()).hexdigest()
            target = root / "published" / CATEGORIES[label] / f"L{label}_{digits}.jpg"
            path = publish(picture, target, **options)
            truth.append((path, file.relative_to(archive).as_posix(), CATEGORIES[label]))
    (root / "known").mkdir()
    with (root / "known/truth.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(truth)
    parts = archive, root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root, workers=0)))


def test_all_80_files_are_accounted_for(real):
    summary = real.summaries["inventory"]
    assert (summary.files, summary.images, summary.rejects) == (80, 80, {})
    assert summary.duplicates == 11
    assert len(real.rows("label/labels.csv")) == 80


def test_every_jpeg_is_traced_to_its_original_or_a_copy_of_it(real):
    accuracy = real.summaries["validate"]["accuracy"]
    assert (accuracy["known"], accuracy["wrong"]) == (240, 0)
    assert accuracy["found"] == 240


def test_each_trace_is_proven_by_encoding_again(real):
    assert Counter(row["reason"] for row in real.rows("match/jpeg_to_tiff.csv")) == {"proven": 240}


def test_known_pairs_of_the_archive_are_one_content(real, shared):
    truth = table(shared / "mapping_truth.csv")
    rows = {row["path"]: row for row in real.rows("fingerprint/tiff/hashes.csv")}
    checked = Counter()
    for row in truth:
        derived, original = (rows[row[side].removeprefix("sem_tiff/")] for side in ("derived", "original"))
        if "data bar removed" in row["relation"]:
            assert derived["picture_id"] == original["picture_id"]
            checked["bar"] += 1
        elif "byte-identical" in row["relation"] or "same pixels" in row["relation"]:
            assert derived["content_id"] == original["content_id"]
            checked["copy"] += 1
    assert checked == {"bar": 6, "copy": 10}


def test_pictures_published_without_their_data_bar_find_the_original(shared, tmp_path):
    """The archive without the cropped files: their JPEGs must be traced to the originals with a data bar."""
    archive = tmp_path / "archive"
    archive.mkdir()
    source = shared / "sem_tiff"
    for file in (source / "zeiss_supra40_bam_tio2").glob("*.tif"):
        (archive / file.name).write_bytes(file.read_bytes())
    cropped = sorted((source / "zeiss_supra40_bam_tio2_cropped_published").glob("*.tif"))
    assert len(cropped) == 6
    expected = {}
    for number, file in enumerate(cropped):
        digits = hashlib.md5(file.name.encode()).hexdigest()
        target = tmp_path / "published" / CATEGORIES[0] / f"L0_{digits}.jpg"
        expected[publish(grey(file), target, quality=(100, 90, 75)[number % 3])] = file.name
    (tmp_path / "known").mkdir()
    run_all(*(tmp_path / part for part in ("archive", "published", "known", "work")), defaults(tmp_path))
    rows = table(tmp_path / "work/match/jpeg_to_tiff.csv")
    assert {row["jpeg_path"]: row["matched_tiff_path"] for row in rows} == expected


def test_an_original_that_is_absent_is_not_replaced_by_another(real, tmp_path):
    """Half of the contents taken out of the archive: none of their JPEGs may be traced to another picture."""
    from semtrace.provenance import match

    rows = real.rows("fingerprint/tiff/hashes.csv")
    pictures = sorted({row["picture_id"] for row in rows})
    # A tone-edited copy shows the very same field: the honest answer names it, and a person must look.
    edited = {row["path"].rsplit("/", 1)[-1].lower() for row in rows if "DarkTable_Edits" in row["path"]}
    truth = {row["jpeg_path"]: row["tiff_path"] for row in table(real.known / "truth.csv")}
    p = defaults(real.work.parent)  # its side cache: what pairs measure does not depend on the archive
    judged = 0
    for half in (0, 1):
        kept = set(pictures[half::2])
        with (tmp_path / f"{half}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(row for row in rows if row["picture_id"] in kept)
        match.run(
            tmp_path / f"{half}.csv", [real.work / "fingerprint/jpeg/hashes.csv"], tmp_path / "out", p.match,
            p.executor, archive=real.archive, published=real.published,
        )  # fmt: skip
        picture = {row["path"]: row["picture_id"] for row in rows}
        for row in table(tmp_path / "out/jpeg_to_tiff.csv"):
            original = truth[row["jpeg_path"]]
            name = original.rsplit("/", 1)[-1].lower()
            if picture[original] in kept or any(name.startswith(e.removesuffix(".tif")) for e in edited):
                continue
            assert row["decision"] != "matched", row
            judged += 1
    assert judged > 200
