import csv
import io
import struct

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from semtrace.io.vendor_tags import Vendor, read_vendor


def tiff(tag=None, body=b"", width=8, **options):
    file = io.BytesIO()
    extra = [(tag, "B", len(body), body, True)] if tag else []
    tifffile.imwrite(file, np.zeros((4, width), np.uint8), extratags=extra, metadata=None, software=False, **options)
    return file.getvalue()


def zeiss(*pairs):
    lines = ["0", "0", "1.953125e-008", "DP_SEM", "Sem = Auriga", "AP_FIB_PIXEL_SIZE", "FIB Pixel Size = 29.25 nm"]
    return "\r\n".join([*lines, *pairs, "AP_AR_PIXEL_SIZE", "Argon Pixel Size = 0.0 fm", ""]).encode("latin-1")


def test_every_pixel_size_that_is_known(shared):
    with (shared / "scale_truth.csv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["file"].startswith("sem_tiff/")]
    assert len(rows) > 60
    for row in rows:
        vendor = read_vendor((shared / row["file"]).read_bytes())
        if row["pixel_size_m"]:
            assert vendor.pixel_size_m == pytest.approx(float(row["pixel_size_m"]), rel=1e-3), row["file"]
            assert vendor.pixel_size_source == row["source_tag"], row["file"]
            assert vendor.pixel_size_m == float(f"{vendor.pixel_size_m:.6g}")  # no noise digits in a table
        else:
            assert vendor.pixel_size_m is None, row["file"]
            assert not vendor.pixel_size_source


@pytest.mark.parametrize(
    ("folder", "instrument"),
    [
        ("zeiss_supra40_bam_tio2", "Supra 40"),
        ("zeiss_supra40_bam_tio2_cropped_published", ""),
        ("zeiss_auriga_fibres_nmi", "Auriga"),
        ("fei_quanta_steel", "Quanta 3D FEG"),
        ("fei_teneo_bio21_blood_cells", "Teneo"),
        ("fei_helios_c3s", "FEI"),
        ("fei_sirion_uw_silica", "FEI XL"),
        ("fei_xl30_sis_gold", "FEI/Philips XL (analySIS 3.2)"),
        ("hitachi_nanowires_nbi", ""),
        ("jeol_etched_sidewall_ucsb", ""),
    ],
)
def test_instruments(shared, folder, instrument):
    files = [file for file in (shared / "sem_tiff" / folder).rglob("*") if file.is_file()]
    assert {read_vendor(file.read_bytes()).instrument for file in files} == {instrument}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("9.766 nm", 9.766e-9),
        ("764.2 pm", 764.2e-12),
        ("1.234 µm", 1.234e-6),  # Latin-1 in the file
        ("1.234 Âµm", 1.234e-6),  # UTF-8 in the file, read as Latin-1
        ("1.234 Î¼m", 1.234e-6),  # the Greek letter in UTF-8, read as Latin-1
        ("1.234 um", 1.234e-6),
        ("0.01 mm", 1e-5),
        ("9,766 nm", 9.766e-9),
        ("  9.766   nm  ", 9.766e-9),
        ("0.0 fm", None),
        ("-3 nm", None),
        ("1 m", None),
        ("nan nm", None),
        ("1e999 nm", None),
        ("9.766", None),
        ("9.766 furlongs", None),
        ("", None),
    ],
)
def test_zeiss_units(text, size):
    vendor = read_vendor(tiff(34118, zeiss("AP_IMAGE_PIXEL_SIZE", f"Image Pixel Size = {text}")))
    assert vendor.instrument == "Auriga"
    assert vendor.pixel_size_m == (None if size is None else pytest.approx(size, rel=1e-6))
    assert bool(vendor.pixel_size_source) == (size is not None)


def test_zeiss_the_image_wins_over_the_monitor():
    monitor, image = ("AP_PIXEL_SIZE", "Pixel Size = 19.53 nm"), ("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 9.766 nm")
    for pairs in ((*monitor, *image), (*image, *monitor)):
        vendor = read_vendor(tiff(34118, zeiss(*pairs), width=2048))
        assert vendor == Vendor("Auriga", 9.766e-9, "Zeiss 34118 ap_image_pixel_size")


@pytest.mark.parametrize(
    ("width", "size"), [(1024, 19.53e-9), (2048, 9.765e-9), (3072, 6.51e-9), (512, 39.06e-9), (1000, None)]
)
def test_zeiss_the_monitor_alone_counts_where_its_ratio_to_the_image_is_known(width, size):
    vendor = read_vendor(tiff(34118, zeiss("AP_PIXEL_SIZE", "Pixel Size = 19.53 nm"), width=width))
    assert vendor.pixel_size_m == (None if size is None else pytest.approx(size))
    assert vendor.pixel_size_source == ("" if size is None else "Zeiss 34118 ap_pixel_size * 1024 / width")


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"bigtiff": True}])
def test_byte_order_and_bigtiff_do_not_matter(options):
    body = zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 9.766 nm")
    assert read_vendor(tiff(34118, body, **options)) == read_vendor(tiff(34118, body))


def test_fei_reads_the_section_of_the_scan():
    text = "[System]|SystemType=Teneo||[EScan]|PixelWidth=5|[Scan]|Dwell=1|PixelWidth=7.70833e-009|".replace(
        "|", "\r\n"
    )
    assert read_vendor(tiff(34682, text.encode())) == Vendor("Teneo", 7.70833e-9, "FEI 34682 Scan.PixelWidth")
    assert read_vendor(tiff(34682, text.replace("7.70833e-009", "").encode())) == Vendor("Teneo")
    assert read_vendor(tiff(34682, b"[Scan]\r\n[EScan]\r\nPixelWidth=1e-9")) == Vendor("FEI")


def fei(across, down, bar=0, size="1e-9"):
    text = f"[System]|SystemType=Q|[Scan]|PixelWidth={size}|[Image]|ResolutionX={across}|ResolutionY={down}|"
    return (text + f"[PrivateFei]|DatabarHeight={bar}|").replace("|", "\r\n").encode()


def sized(tag, body, width, height):
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((height, width), np.uint8), extratags=[(tag, "B", len(body), body, True)])
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "bar", "size"),
    [
        (256, 192, 0, 1e-9),
        (256, 180, 0, 1e-9),  # rows cut off
        (256, 214, 22, 1e-9),  # the bar added
        (128, 96, 0, 2e-9),
        (128, 107, 22, 2e-9),  # halved with its bar
        (128, 96, 22, 2e-9),  # halved without it
        (512, 384, 0, 5e-10),
        (100, 75, 0, 2.56e-9),
        (85, 64, 0, 3.01176e-9),  # sides are whole numbers
        (128, 192, 0, None),  # cut, or squashed
        (200, 100, 0, None),
        (250, 192, 0, None),
    ],
)
def test_a_pixel_size_counts_for_as_many_pixels_as_its_tag_states(width, height, bar, size):
    vendor = read_vendor(sized(34682, fei(256, 192, bar), width, height))
    assert vendor.pixel_size_m == size
    if size == 1e-9:
        assert vendor.pixel_size_source == "FEI 34682 Scan.PixelWidth"
    elif size:
        assert vendor.pixel_size_source == f"FEI 34682 Scan.PixelWidth * 256 / {width}"
    else:
        reason = f"is for 256 x 192 pixels, the picture has {width} x {height}"
        assert vendor.pixel_size_source == f"unused: FEI 34682 Scan.PixelWidth {reason}"


def test_zeiss_states_its_pixels_too():
    stored = ("DP_IMAGE_STORE", "Store resolution = 2048 * 1536")
    image = ("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 10 nm")
    monitor = ("AP_PIXEL_SIZE", "Pixel Size = 20 nm")
    for pairs, name in (
        ((*stored, *image), "ap_image_pixel_size"),
        ((*stored, *monitor), "ap_pixel_size * 1024 / width"),
    ):
        for width, size, scaled in ((2048, 1e-8, ""), (512, 4e-8, " * 2048 / 512"), (1000, None, "")):
            vendor = read_vendor(sized(34118, zeiss(*pairs), width, width * 3 // 4 if size else 500))
            assert vendor.pixel_size_m == (None if size is None else pytest.approx(size))
            assert vendor.pixel_size_source.endswith(f"{name}{scaled}") or size is None


@pytest.mark.parametrize(
    ("text", "size"), [("1,5e-09", 1.5e-9), ("1.5e-09", 1.5e-9), ("1,500,000e-09", None), ("", None)]
)
def test_a_decimal_comma_is_read(text, size):
    assert read_vendor(sized(34682, fei(256, 192, size=text), 256, 192)).pixel_size_m == size


@pytest.mark.parametrize(("counts", "size"), [((512, 384), 1e-9), ((0, 0), None)])
def test_a_tag_on_the_thumbnail_is_for_as_many_pixels_as_it_states(counts, size):
    body, file = fei(*counts), io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        tags = [(34682, "B", len(body), body, True)]
        writer.write(np.zeros((64, 85), np.uint8), subfiletype=1, extratags=tags, metadata=None)
        writer.write(np.zeros((384, 512), np.uint8), metadata=None)
    vendor = read_vendor(file.getvalue())
    assert vendor.pixel_size_m == size
    assert vendor.instrument == "Q"
    assert ("stands on another page, of 85 x 64 pixels" in vendor.pixel_size_source) == (size is None)


def test_sis_reads_the_block_of_type_1():
    def file(exponent, width, magic=b"SIS0"):
        base = tiff()
        tagged = bytearray(tiff(33560, bytes(4)))
        where = tagged.index(struct.pack("<HHI", 33560, 1, 4))
        struct.pack_into("<HHII", tagged, where, 33560, 4, 1, len(tagged))
        block = len(tagged) + 60 + 16
        table = struct.pack("<hhIhhI", 10, 0, 0, 1, 0, block)
        tagged += magic + bytes(54) + struct.pack("<H", 2) + table + struct.pack("<10xhdd", exponent, width, width)
        assert len(tagged) > len(base)
        return bytes(tagged)

    assert read_vendor(file(-9, 1.5)) == Vendor("analySIS", 1.5e-9, "SIS 33560 pixelsizex")
    for bad in (file(-9, float("nan")), file(400, 1.0), file(-9, 1.5, b"SIS1"), file(-9, 1.5)[:-20]):
        assert read_vendor(bad) == Vendor("analySIS")


def tescan(lines, order="<", picture=b"\xff\xd8 PixelSizeX=5 \xff\xd9"):
    blocks = ((1, picture), (2, lines.replace("|", "\r\n").encode()), (3, b"HV=20000\r\nPixelSizeX=7\r\n"), (0, b""))
    return b"".join(struct.pack(f"{order}IH", len(data) + 2, kind) + data for kind, data in blocks)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tescan_reads_the_block_of_the_picture(order):
    lines = "AccType=none|Device=VEGA3|PixelSizeX=1.25e-008|PixelSizeY=1.25e-008|"
    said = Vendor("VEGA3", 1.25e-8, "TESCAN 50431 PixelSizeX")
    assert read_vendor(tiff(50431, tescan(lines, order), byteorder=order)) == said
    whole = tescan(lines, order, b"x" * 50_000)
    assert read_vendor(tiff(50431, whole, byteorder=order)) == said


@pytest.mark.parametrize("size", ["0", "1e9", "nan", "", "-1e-9"])
def test_tescan_without_a_length(size):
    assert read_vendor(tiff(50431, tescan(f"PixelSizeX={size}|"))) == Vendor("TESCAN")


def test_a_damaged_tescan_tag_says_nothing():
    body = tescan("PixelSizeX=1.25e-008|")
    for bad in (body[:3], b"\0" * 40, b"\xff" * 40, b"PixelSizeX=1.25e-008", struct.pack("<IH", 2**32 - 1, 1) + body):
        assert read_vendor(tiff(50431, bad)) == Vendor()


def test_an_instrument_is_one_printable_line():
    body = zeiss().replace(b"Auriga", b"Au\x00\x07ri,\x9f\tga" + b"x" * 200)
    instrument = read_vendor(tiff(34118, body)).instrument
    assert instrument.startswith("Au ri, ga")
    assert instrument.isprintable()
    assert len(instrument) == 80


@pytest.mark.parametrize(
    "data", [b"", b"II*\0", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", tiff(), tiff(34118, b"\xff" * 9)]
)
def test_nothing_to_read_is_no_error(data):
    assert read_vendor(data) == Vendor()


def test_hostile_files_say_nothing_false(shared):
    for file in sorted((shared / "hostile_tiff").glob("*/*")):
        assert read_vendor(file.read_bytes()) == Vendor(), file.name


WORDS = [
    b"AP_IMAGE_PIXEL_SIZE", b"Image Pixel Size = ", b"\r\n", b"1e400 nm", b"9 m", b"[Scan]", b"PixelWidth=", b"nan",
]  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([34118, 34682, 34680, 33560, 50431]),
    st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join)),
    st.integers(0, 400),
)
def test_garbage_in_a_tag_never_raises_and_never_gives_nonsense(tag, body, length):
    vendor = read_vendor(tiff(tag, body or b"\0")[: 200 + length])
    assert vendor.pixel_size_m is None or 1e-13 < vendor.pixel_size_m < 1e-2
