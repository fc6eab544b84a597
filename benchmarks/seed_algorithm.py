"""The algorithm that semtrace replaces, as its documentation describes it: one process, one pair at a time.

Its scripts in their order: convert every TIFF to an RGB JPEG at quality 100; hash both sides (grey, equalize,
autocontrast, pHash 32); trace JPEG to TIFF (compare.py) and TIFF to JPEG (compare_n_tiff_to_jpeg.py): for each picture
the two nearest of the other side by a Python loop over imagehash objects, below 120 bits SSIM of the two pictures,
loaded for each pair, the best by SSIM, otherwise by Hamming distance below 150; copy each TIFF that SSIM matched under
the label of its JPEG; write the accuracy report and draw the three histograms and the plot by row. A file that cannot
be opened is skipped. semtrace makes the same things: both mappings, labelled copies, report and pictures.

Usage: python seed_algorithm.py ARCHIVE PUBLISHED OUT    (writes OUT/mapping.csv and OUT/n_tiff.csv)
"""

import csv
import shutil
import sys
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageOps
from skimage.metrics import structural_similarity

TOP_K, THRESHOLD, SSIM_TRIGGER = 2, 150, 120


def convert(tiffs, archive, out):
    for path in tiffs:
        target = (out / "jpeg" / path.relative_to(archive)).with_suffix(".jpg")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            Image.open(path).convert("RGB").save(target, "JPEG", quality=100)
        except Exception as error:
            print(f"skipped {path}: {error}", file=sys.stderr)


def hashes(paths):
    found = []
    for path in paths:
        try:
            picture = ImageOps.autocontrast(ImageOps.equalize(Image.open(path).convert("L")))
            found.append((path, imagehash.phash(picture, hash_size=32)))
        except Exception as error:
            print(f"skipped {path}: {error}", file=sys.stderr)
    return found


def ssim(first, second):
    one, two = Image.open(first).convert("L"), Image.open(second).convert("L")
    if one.size != two.size:
        two = two.resize(one.size)
    return structural_similarity(np.array(one), np.array(two), data_range=255)


def match(query, code, others):
    near = sorted(((code - other, path) for path, other in others), key=lambda pair: pair[0])[:TOP_K]
    candidates = [(distance, path) for distance, path in near if distance < THRESHOLD]
    if not candidates:
        return None
    compared = [(ssim(query, path), distance, path) for distance, path in candidates if distance < SSIM_TRIGGER]
    if compared:
        value, distance, path = max(compared, key=lambda triple: triple[0])
        return path, distance, value
    distance, path = candidates[0]
    return path, distance, ""


def mapping(queries, others):
    found = ((query, match(query, code, others)) for query, code in queries)
    return [(query, *best) for query, best in found if best is not None]


def write(file, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["jpeg_path", "matched_tiff_path", "hamming_distance", "ssim_value"])
        writer.writerows(rows)


def report(rows, out):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ssims = [row[3] for row in rows if row[3] != ""]
    hammings = [row[2] for row in rows]
    excellent = sum(value > 0.95 for value in ssims)
    lines = [
        f"Total matches: {len(rows)}",
        f"Excellent matches (SSIM > 0.95): {excellent} ({100 * excellent / max(1, len(rows)):.2f}%)",
        f"Average SSIM: {np.mean(ssims):.3f}",
        f"Average Hamming: {np.mean(hammings):.2f}",
    ]
    (out / "compare_accuracy_results.txt").write_text("\n".join(lines) + "\n")
    bins = np.arange(0, 1.05, 0.05)
    for name, values, edges, log in (
        ("hamming_histogram_logscale.png", hammings, 50, True),
        ("ssim_histogram.png", ssims, bins, False),
        ("ssim_histogram_logscale.png", ssims, bins, True),
    ):
        plt.figure(figsize=(9, 5))
        plt.hist(values, bins=edges, log=log)
        plt.savefig(out / name, dpi=120)
        plt.close()
    plt.figure(figsize=(9, 5))
    plt.plot(ssims, ".")
    plt.savefig(out / "ssim_plot_by_row.png", dpi=120)
    plt.close()


def main(archive, published, out):
    tiffs = sorted(p for p in archive.rglob("*") if p.suffix.lower() in (".tif", ".tiff"))
    jpegs = sorted(p for p in published.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
    out.mkdir(parents=True)
    print(f"inventory: {len(tiffs)} TIFFs, {len(jpegs)} JPEGs", flush=True)
    convert(tiffs, archive, out)
    print("convert: done", flush=True)
    tiff_hashes, jpeg_hashes = hashes(tiffs), hashes(jpegs)
    rows = mapping(jpeg_hashes, tiff_hashes)
    write(out / "mapping.csv", [(j.relative_to(published), t.relative_to(archive), *x) for j, t, *x in rows])
    labels = mapping(tiff_hashes, jpeg_hashes)
    write(out / "n_tiff.csv", [(j.relative_to(published), t.relative_to(archive), *x) for t, j, *x in labels])
    for tiff, jpeg, _, value in labels:
        if value != "":
            target = out / "labeled" / jpeg.parent.name / f"{jpeg.name.split('_')[0]}_{tiff.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tiff, target)
    report(rows, out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
