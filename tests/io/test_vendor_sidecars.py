import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.io.vendor_sidecars import read_sidecar, sidecar_names
from semtrace.io.vendor_tags import Vendor

JEOL = (
    "$CM_FORMAT \r\n$CM_INSTRUMENT JSM-7600F\r\n$CM_MAG 10000\r\n$CM_FULL_SIZE 1280 960\r\n"
    "$$SM_MICRON_BAR 107\r\n$$SM_MICRON_MARKER 1um\r\n"
)
HITACHI = "[SemImageFile]\r\nInstructName=S-4800\r\nDataSize=1280x960\r\nPixelSize=24.80469\r\nMagnification=4000\r\n"
TESCAN = "[MAIN]\r\nDevice=VEGA3\r\nPixelSizeX=1.2e-007\r\nPixelSizeY=1.2e-007\r\n[SEM]\r\nHV=2e4\r\n"


def test_each_maker():
    source = "JEOL sidecar SM_MICRON_MARKER / SM_MICRON_BAR"
    assert read_sidecar(JEOL.encode()) == Vendor("JSM-7600F", 9.34579e-9, source, 1280)
    assert read_sidecar(HITACHI.encode()) == Vendor("S-4800", 2.48047e-8, "Hitachi sidecar PixelSize", 1280)
    assert read_sidecar(TESCAN.encode()) == Vendor("VEGA3", 1.2e-7, "Tescan sidecar PixelSizeX", None)


def test_utf_16_as_some_hitachis_write_it():
    assert read_sidecar(HITACHI.encode("utf-16")).pixel_size_m == 2.48047e-8


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(JEOL, "107", "0"), (JEOL, "1um", "1pm"), (JEOL, "1um", ""), (HITACHI, "24.80469", "0"),
     (HITACHI, "24.80469", "1e9"), (TESCAN, "1.2e-007", "x"), (TESCAN, "PixelSizeX=1.2e-007", "")],
)  # fmt: skip
def test_what_is_no_length_gives_none(text, old, new):
    assert read_sidecar(text.replace(old, new).encode()).pixel_size_m is None


def test_a_note_beside_an_image_is_no_sidecar():
    assert read_sidecar(b"bring N2 bottle, 30 um aperture is dirty\n") == Vendor()
    assert read_sidecar(b"") == Vendor()


@given(st.binary(max_size=300))
def test_nothing_is_raised(noise):
    for text in (JEOL, HITACHI, TESCAN):
        read_sidecar(noise + text.encode())
        read_sidecar(text.encode()[:60] + noise)


def test_where_the_makers_put_it():
    assert sidecar_names("a b/x.1.tif") == ("a b/x.1.txt", "a b/x.1.hdr", "a b/x.1-tif.hdr")
