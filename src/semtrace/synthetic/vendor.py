"""The metadata that instruments write into TIFF: Zeiss tag 34118 and FEI tag 34682, in their real layouts."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from semtrace.synthetic.databar import BarFacts, magnification_text

ZEISS_TAG, FEI_TAG = 34118, 34682
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def palette() -> NDArray[np.uint16]:
    """The colour map of Zeiss TIFFs, shape (3, 256): grey, but every ninth entry is an overlay colour.

    The pictures themselves avoid the overlay entries (``avoid_overlay``).
    """
    table = np.tile(np.arange(256, dtype=np.uint16) * 257, (3, 1))
    mixed = [colour for colour in itertools.product((0, 32896, 65535), repeat=3) if sum(c > 0 for c in colour) != 1]
    pure = [(65535, 0, 0), (0, 65535, 0), (0, 0, 65535), (32896, 0, 0), (0, 32896, 0), (0, 0, 32896)]
    for entry, colour in zip(range(9, 252, 9), pure + mixed, strict=True):
        table[:, entry] = colour
    return table


def avoid_overlay(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move grey values that are overlay entries of ``palette`` up by one, as the instrument does."""
    return np.where((grey % 9 == 0) & (grey > 0) & (grey < 252), grey + 1, grey).astype(np.uint8)


def _engineering(length: float) -> str:
    """A length with four significant digits and the unit that Zeiss would choose."""
    for unit, factor in (("mm", 1e-3), ("µm", 1e-6)):
        if length >= factor:
            return f"{length / factor:#.4g} {unit}"
    return f"{length / 1e-9:#.4g} nm"


def _exponent(value: float) -> str:
    """C run-time of Windows: an exponent of three digits, ``7.343750e-009``."""
    mantissa, power = f"{value:.6e}".split("e")
    return f"{mantissa}e{power[0]}{int(power[1:]):03d}"


def zeiss(facts: BarFacts, *, image_path: str, user: str, version: str) -> bytes:
    """Text of tag 34118 (CZ_SEM): a numeric block for each of four zones, then pairs of key and ``label = value``.

    Latin-1 with CRLF line ends, NUL-terminated. ``AP_IMAGE_PIXEL_SIZE`` is the pixel size.
    """
    year, month, day = facts.date.split("-")
    size = (facts.width * facts.pixel_size, facts.height * facts.pixel_size)
    zone = [facts.pixel_size, facts.magnification]
    column = [facts.kilovolts * 1e3, 2.34, 1.5e-10, facts.working_distance]
    numbers = ["0", "0"]
    for index in range(4):
        numbers += [str(index), *map(_exponent, zone), "6", *map(_exponent, column)]
    entries = [
        ("DP_OPTIMODE", "OptiBeam Mode = Resolution"),
        ("DP_IMPLIED_DETECTOR", "Signal B = InLens"),
        ("DP_IMAGE_STORE", f"Store resolution = {facts.width} * {facts.height}"),
        ("DP_FREEZE_ON", "Freeze on = End Frame"),
        ("DP_NOISE_REDUCTION", "Noise Reduction = Line Avg"),
        ("DP_SCANRATE", "Scan Speed = 7"),
        ("DP_DETECTOR_CHANNEL", f"Signal A = {facts.detector}"),
        ("DP_DETECTOR_TYPE", f"Detector = {facts.detector}"),
        ("DP_BEAM_BLANKED", "Beam Blanked = No"),
        ("DP_VACSTATUS", "Vac Status = Ready"),
        ("AP_MAG", f"Mag = {magnification_text(facts.magnification):>9}"),
        ("AP_STAGE_HIGH_Y", "Stage high Y = 130.0000 mm"),
        ("AP_FIB_FG_EMISSION_TARGET", "Flood Gun Emission target =    0.0 µA"),
        ("AP_SCANROTATION", "Scan Rotation =   0.0 °"),
        ("AP_WD", f"WD = {facts.working_distance * 1e3:4.1f} mm"),
        ("AP_APERTURESIZE", "Aperture Size = 30.00 µm"),
        ("AP_BRIGHTNESS", "Brightness =  48.7 %"),
        ("AP_CONTRAST", "Contrast =  37.8 %"),
        ("AP_WIDTH", f"Width = {_engineering(size[0])}"),
        ("AP_HEIGHT", f"Height = {_engineering(size[1])}"),
        ("AP_IMAGE_PIXEL_SIZE", f"Image Pixel Size = {_engineering(facts.pixel_size)}"),
        ("AP_PIXEL_SIZE", f"Pixel Size = {_engineering(facts.pixel_size * facts.width / 1024)}"),
        ("AP_FRAME_TIME", "Cycle Time = 25.9 Secs"),
        ("AP_TILT_ANGLE", f"Tilt Angle = {facts.tilt:5.1f} °"),
        ("AP_STAGE_AT_T", f"Stage at T = {facts.tilt:5.1f} °"),
        ("AP_STAGE_AT_X", "Stage at X = 64.1262 mm"),
        ("AP_STAGE_AT_Y", "Stage at Y = 64.6777 mm"),
        ("AP_STAGE_AT_Z", "Stage at Z = 44.181 mm"),
        ("AP_MANUALKV", f"EHT Target = {facts.kilovolts:5.2f} kV"),
        ("AP_ACTUALKV", f"EHT = {facts.kilovolts:5.2f} kV"),
        ("AP_TIME", f"Time :{facts.time}"),
        ("AP_DATE", f"Date :{int(day)} {_MONTHS[int(month) - 1]} {year}"),
        ("SV_VERSION", f"Version = {version}"),
        ("SV_USER_TEXT", "User Text = "),
        ("SV_FILE_NAME", f"File Name = {facts.file_name}"),
        ("SV_IMAGE_PATH", f"Images = {image_path}"),
        ("SV_USER_NAME", f"User Name = {user}"),
        ("SV_SAMPLE_ID", f"Sample ID = {facts.sample}"),
        ("SV_SERIAL_NUMBER", "Serial No. = SUPRA 40-00-00"),
        ("SV_OPERATOR", "Operator = "),
    ]
    lines = [*numbers, str(len(entries)), *itertools.chain.from_iterable(entries)]
    return "\r\n".join([*lines, ""]).encode("latin-1", errors="replace") + b"\0"


def fei(facts: BarFacts, *, user: str, bar_height: int) -> bytes:
    """Text of tag 34682 (FEI_HELIOS): an INI file, ASCII with CRLF; ``[Scan] PixelWidth`` is in metres."""
    year, month, day = facts.date.split("-")
    rows = facts.height - bar_height
    field = (facts.width * facts.pixel_size, rows * facts.pixel_size)
    hour = int(facts.time[:2])
    clock = f"{(hour - 1) % 12 + 1:02d}{facts.time[2:]} {'AM' if hour < 12 else 'PM'}"
    kilo, distance = f"{facts.kilovolts * 1e3:.0f}", f"{facts.working_distance:.6g}"
    pixel, across, down = f"{facts.pixel_size:.6g}", f"{field[0]:.6g}", f"{field[1]:.6g}"
    sections: dict[str, dict[str, str]] = {
        "User": {"Date": f"{month}/{day}/{year}", "Time": clock, "User": user, "UserText": facts.sample},
        "System": {
            "Type": "SEM", "Dnumber": "D0000", "Software": "4.1.4.2010", "Source": "FEG", "Column": "Elstar",
            "Stage": "50 x 50", "ESEM": "no", "Scan": "PIA 2.0", "Acq": "PIA 2.0", "SystemType": "Quanta 250 FEG",
            "DisplayWidth": "0.373", "DisplayHeight": "0.303",
        },
        "Beam": {"HV": kilo, "Spot": "3", "ScanRotation": "0", "ImageMode": "Normal", "Beam": "EBeam", "Scan": "EScan"},
        "EBeam": {"Source": "FEG", "HV": kilo, "HFW": across, "VFW": down, "WD": distance, "BeamCurrent": "4e-011"},
        "Scan": {
            "InternalScan": "true", "Dwelltime": "3e-006", "PixelWidth": pixel, "PixelHeight": pixel,
            "HorFieldsize": across, "VerFieldsize": down, "Average": "0", "Integrate": "1",
        },
        "EScan": {"Scan": "PIA 2.0", "Dwell": "3e-006", "PixelWidth": pixel, "PixelHeight": pixel},
        "Stage": {"StageX": "-0.00508238", "StageY": "-0.00172123", "StageT": f"{np.deg2rad(facts.tilt):.6g}",
                  "WorkingDistance": distance},
        "Image": {
            "DigitalContrast": "1", "DigitalBrightness": "0", "DigitalGamma": "1", "ResolutionX": f"{facts.width}",
            "ResolutionY": f"{rows}", "MagCanvasRealWidth": "0.14920", "MagnificationMode": "3",
        },
        "Vacuum": {"ChPressure": "0.00060061", "UserMode": "High vacuum"},
        "Detectors": {"Number": "1", "Name": facts.detector, "Mode": "SE"},
        "PrivateFei": {"BitShift": "0", "DatabarHeight": f"{bar_height}"},
    }  # fmt: skip
    text = ""
    for name, values in sections.items():
        text += f"[{name}]\r\n" + "".join(f"{key}={value}\r\n" for key, value in values.items()) + "\r\n"
    return text.encode("ascii", errors="replace") + b"\0"
