"""The published curation scripts' way, in own words: sections, patches and hashes as files, a loop to compare."""

from __future__ import annotations

from pathlib import Path

import imagehash
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image


def cut_sections(volume: NDArray[np.uint8], folder: Path) -> int:
    """Write every section of three axes as TIFF."""
    count = 0
    for axis in range(3):
        for index in range(volume.shape[axis]):
            tifffile.imwrite(folder / f"v-LOC-{axis}_{index:04}.tiff", np.take(volume, index, axis))
            count += 1
    return count


def crop_patches(sections: Path, folder: Path, size: int) -> int:
    """Write every patch of every section as TIFF, and its hash as .npy; the remainder of a side is dropped."""
    count = 0
    for path in sorted(sections.glob("*.tiff")):
        image = tifffile.imread(path)
        for y in range(max(1, round(image.shape[0] / size))):
            for x in range(max(1, round(image.shape[1] / size))):
                patch = image[y * size : (y + 1) * size, x * size : (x + 1) * size]
                picture = Image.fromarray(patch).resize((size, size), Image.Resampling.BILINEAR)
                name = f"{path.stem}_{y * size}_{x * size}"
                tifffile.imwrite(folder / f"{name}.tiff", patch)
                np.save(folder / f"{name}.npy", imagehash.dhash(picture, 8).hash)
                count += 1
    return count


def exemplars(bits: NDArray[np.bool_], distance: int) -> list[int]:
    """Take the next hash, find all within the distance, delete them, go on."""
    left, numbers, kept = bits, np.arange(len(bits)), []
    while len(left):
        near = np.count_nonzero(left != left[0], axis=1) <= distance
        kept.append(int(numbers[0]))
        left, numbers = np.delete(left, np.flatnonzero(near), axis=0), np.delete(numbers, np.flatnonzero(near))
    return kept
