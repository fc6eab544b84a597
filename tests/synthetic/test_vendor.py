import configparser
import io
import itertools

import numpy as np
import pytest
import tifffile
from PIL import Image

from semtrace.synthetic import vendor
from semtrace.synthetic.databar import BarFacts

FACTS = BarFacts(
    7.34375e-9, 1024, 768, 50000, 10, 0.0052, "InLens", "2013-02-19", "13:09:27", "img_01.tif", "GaAs NWs", 45
)
ZEISS = vendor.zeiss(FACTS, image_path="d:\\images\\Orrù M\\", user="SEM USER", version="V05.04")
FEI = vendor.fei(FACTS, user="user", bar_height=60)


def written(tag, text):
    file = io.BytesIO()
    tifffile.imwrite(
        file, np.zeros((8, 8), np.uint8), extratags=[(tag, 2, len(text), text, True)], metadata=None, software=False
    )
    file.seek(0)
    return tifffile.TiffFile(file)


def entries(text):
    """Key and label of a Zeiss text."""
    lines = text.decode("latin-1").rstrip("\0").split("\r\n")
    return {
        key: value.split("=")[0].split(" :")[0].strip()
        for key, value in itertools.pairwise(lines)
        if key[:3] in ("AP_", "DP_", "SV_")
    }


def test_tifffile_reads_the_zeiss_text():
    with written(vendor.ZEISS_TAG, ZEISS) as tiff:
        said = tiff.sem_metadata
    assert said["ap_image_pixel_size"] == ("Image Pixel Size", 7.344, "nm")
    assert said["ap_mag"][1:] == ("50.00 K X",)
    assert said["ap_width"] == ("Width", 7.52, "µm")
    assert said["ap_date"][1] == "19 Feb 2013"
    assert said[""][3] == 7.34375e-9  # the numeric block


def test_tifffile_reads_the_fei_text():
    with written(vendor.FEI_TAG, FEI) as tiff:
        said = tiff.fei_metadata
    assert said["Scan"]["PixelWidth"] == 7.34375e-9
    assert said["EBeam"]["HFW"] == pytest.approx(7.52e-6)
    assert said["Image"]["ResolutionY"] == 708
    assert said["User"]["Time"] == "01:09:27 PM"


def test_zeiss_keys_and_labels_are_those_of_a_real_instrument(shared):
    path = shared / "sem_tiff" / "zeiss_supra40_bam_tio2" / "1908248.tif"
    with tifffile.TiffFile(path) as tiff:
        tag = tiff.pages[0].tags[vendor.ZEISS_TAG]
        tiff.filehandle.seek(tag.valueoffset)
        real = tiff.filehandle.read(tag.count)
    ours, theirs = entries(ZEISS), entries(real)
    assert len(ours) > 30
    assert {key: theirs.get(key) for key in ours} == ours
    block = [text.decode("latin-1").split("\r\n")[:24] for text in (ZEISS, real)]
    assert [len(line.split("e")) for line in block[0]] == [len(line.split("e")) for line in block[1]]


def test_fei_sections_and_keys_are_those_of_a_real_instrument(shared):
    path = shared / "sem_tiff" / "fei_quanta_steel" / "800_020.tif"
    parsed = []
    with Image.open(path) as image:
        for text in (FEI.decode().rstrip("\0"), image.tag_v2[vendor.FEI_TAG]):
            parser = configparser.ConfigParser(interpolation=None)
            parser.optionxform = str
            parser.read_string(text)
            parsed.append({(section, key) for section in parser.sections() for key in parser[section]})
    assert parsed[0] <= parsed[1]
    assert len(parsed[0]) > 45


def test_the_palette_is_grey_but_for_the_overlay_colours():
    table = vendor.palette()
    overlay = np.arange(9, 252, 9)
    plain = np.setdiff1d(np.arange(256), overlay)
    assert np.array_equal(table[:, plain], np.tile(plain * 257, (3, 1)))
    assert len({tuple(colour) for colour in table[:, overlay].T}) >= 25
    moved = vendor.avoid_overlay(np.arange(256, dtype=np.uint8))
    assert not np.isin(moved, overlay).any()
    assert np.all(moved.astype(int) - np.arange(256) <= 1)


def test_the_palette_has_the_overlay_entries_of_a_real_instrument(shared):
    with Image.open(shared / "sem_tiff" / "zeiss_supra40_bam_tio2" / "1908248.tif") as image:
        real = np.array(image.tag_v2[320]).reshape(3, 256)
    coloured = [np.flatnonzero((table != np.arange(256) * 257).any(axis=0)) for table in (vendor.palette(), real)]
    assert np.array_equal(*coloured)
    assert np.array_equal(vendor.palette()[:, [9, 18]], real[:, [9, 18]])  # red and green, as texts use them
