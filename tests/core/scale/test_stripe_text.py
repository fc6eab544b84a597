from semtrace.core.scale.stripe_text import understand
from semtrace.core.scale.text_box import TextBox


def line(*texts, y=10, height=20, gap=60):
    """Texts in one row, each as wide as its letters."""
    boxes, x = [], 10
    for text in texts:
        wide = round(0.6 * height * len(text))
        boxes.append(TextBox(text, x, y, x + wide, y + height))
        x += wide + gap
    return boxes


def bars(boxes):
    return [box.text for box in understand(boxes).bars]


def test_the_bar_is_the_length_without_a_label():
    assert bars(line("1 µm", "EHT = 5.00 kV", "WD = 4.1 mm", "Aperture Size = 30.00 µm")) == ["1 µm"]


def test_number_and_unit_may_be_two_texts():
    [box] = understand(line("1", "µm", gap=8)).bars
    assert box[1:] == (10, 10, 54, 30)
    assert box.text == "1 µm"
    assert bars(line("1", "µm", gap=90)) == []


def test_a_unit_alone_says_that_its_number_was_missed():
    stripe = understand(line("µm", "EHT = 5 kV"))
    assert not stripe.bars
    assert [box.text for box in stripe.units] == ["µm"]


def test_a_label_in_the_text_to_the_left():
    assert bars(line("WD =", "4 mm", gap=10)) == []
    assert bars(line("WD =", "4 mm", gap=200)) == ["4 mm"]
    assert bars(line("Signal A = SE2", "4 mm", gap=10)) == ["4 mm"]


def test_a_label_in_the_row_above_as_in_a_table():
    above = line("WD", y=10)
    assert bars([*above, *line("10 mm", y=34)]) == []
    assert bars([*above, *line("10 mm", y=90)]) == ["10 mm"]
    assert bars([*line("University", y=10), *line("10 mm", y=34)]) == ["10 mm"]


def test_a_name_that_was_taken_for_the_same_text():
    [box] = understand(line("100nm OCPN")).bars
    assert box.text == "100nm"
    assert box.x1 == 10 + 60
    assert bars(line("100 nm WD")) == []
    assert bars(line("100 nm 5")) == []


def test_printed_lengths():
    stripe = understand(line("Width = 7.520 µm", "Mag = 50.00 K X", "Image Pixel Size = 7.344 nm"))
    assert (stripe.width, stripe.pixel_size, stripe.magnification) == (7.52e-6, 7.344e-9, 5e4)
    stripe = understand([*line("HFW"), *line("20.7 µm", y=34)])
    assert stripe.width == 2.07e-5
    assert understand(line("WD 8.4 mm HFW 20.7 µm")).width == 2.07e-5


def test_a_printed_pixel_size_of_pm_may_be_either_so_it_is_none():
    assert understand(line("Pixel Size = 830 pm")).pixel_size is None
    assert understand(line("Pixel Size = 0.83 nm")).pixel_size == 8.3e-10


def test_two_different_magnifications_are_none():
    assert understand(line("X1,000", "X2,000")).magnification is None
    assert understand(line("X1,000", "X1,000")).magnification == 1000


def test_makers():
    assert understand(line("EHT = 5.00 kV")).maker == "Zeiss"
    assert understand(line("EMC", "SEI", "15.0kV", "X3,500", "1µm")).maker == "JEOL"
    assert understand(line("10.0kV 11.2mm x4.00k SE(UL)")).maker == "Hitachi"
    assert understand(line("E Beam Spot Magn")).maker == "FEI XL"
    assert understand(line("det", "ETD")).maker == "FEI"
    assert understand(line("5 µm")).maker == ""


def test_the_order_of_the_texts_does_not_matter():
    boxes = line("1", "µm", "EHT = 5 kV", "Mag = 2 K X", gap=9)
    assert understand(boxes) == understand(boxes[::-1])
