import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semtrace.core.scale.lengths import bar_value, is_number, is_unit, length, magnification


def test_every_text_of_the_case_has_its_value(cases):
    with (cases / "discovery" / "01_texts.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) > 25
    for row in rows:
        assert bar_value(row["text"]) == (float(row["expected_m"]) if row["expected_m"] else None), row


@pytest.mark.parametrize("unit", ["um", "pm", "ym", "µm", "μm"])
def test_five_spellings_are_micrometres_on_a_bar(unit):
    assert bar_value(f"2 {unit}") == 2e-6


@pytest.mark.parametrize(
    "text", ["1m", "100 µ", "0 nm", "0.0 µm", "1.000.000 nm", "1,000 µm", "1 000 m", "", "nm", "12"]
)
def test_no_length(text):
    assert bar_value(text) is None


@pytest.mark.parametrize(
    "text",
    ["WD 8 mm", "HFW 20 µm", "Width = 10 µm", "Aperture 30 µm", "Pixel Size = 2 nm", "FOV: 200 µm",
     "Stage at Z = 40 mm", "Spot 3 nm", "Mag = 50 K X", "2 µm EHT = 5.00 kV", "200 nmx"],
)  # fmt: skip
def test_a_labelled_length_is_no_bar(text):
    assert bar_value(text) is None


def test_a_bar_is_a_round_number():
    assert bar_value("25 µm") == 2.5e-5
    assert bar_value("2.50 µm") == 2.5e-6
    assert bar_value("253 µm") is None
    assert bar_value("11.3mm") is None


def test_bounds_of_a_bar():
    assert bar_value("0.1 nm") == 1e-10
    assert bar_value("0.05 nm") is None
    assert bar_value("10 mm") == 1e-2
    assert bar_value("11 mm") is None


NICE = st.builds(
    lambda digits, zeros: digits * 10**zeros, st.sampled_from([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8]), st.integers(-1, 2)
)


@given(
    number=NICE,
    unit=st.sampled_from([("nm", -9), ("µm", -6), ("μm", -6), ("um", -6), ("mm", -3)]),
    gap=st.sampled_from(["", " ", "  "]),
    comma=st.booleans(),
    zeros=st.integers(0, 2),
    end=st.sampled_from(["", "*", " *"]),
    dash=st.sampled_from(["", "-", "—"]),
)
def test_formatting_then_parsing_is_the_identity(number, unit, gap, comma, zeros, end, dash):
    places = max(zeros, 0 if number == int(number) else 2 if number < 1 else 1)
    digits = f"{number:.{places}f}"
    value = float(f"{digits}e{unit[1]}")
    if not 1e-10 <= value <= 1e-2:
        return
    text = f"{dash}{digits.replace('.', ',') if comma else digits}{gap}{unit[0]}{end}{dash}"
    assert bar_value(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("Mag = 50.00 K X", 5e4), ("X3,500", 3500), ("x4.00k", 4000), ("100 000 x", 1e5), ("430 ×", 430), ("65 x", 65),
     ("25000x 4.9", 25000), ("Mag = 135.16 KX", 135160), ("15.00 kV 4.0 125000× TLD", 125000), ("50,000", None),
     ("1024 * 768", None), ("x", None), ("0x", None), ("1.234.567x", None)],
)  # fmt: skip
def test_magnifications(text, value):
    assert magnification(text) == value


def test_a_length_inside_a_text():
    assert length("Width = 9.766 µm") == (9.766e-6, "μm")
    assert length(" = 1.861 nm") == (1.861e-9, "nm")
    assert length("HFW 20,7 µm") == (pytest.approx(2.07e-5), "μm")
    assert length("1,000 µm") is None
    assert length("EHT = 5 kV") is None
    assert length("0 nm") is None
    assert length("HFW 1.33e+03 µm") is None


def test_parts_of_a_length():
    assert is_unit(" µm ")
    assert is_unit("nm*")
    assert not is_unit("m")
    assert is_number("1 00")
    assert is_number("5,00")
    assert not is_number("5 µm")
