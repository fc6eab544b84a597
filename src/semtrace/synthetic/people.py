"""The people of the archive: their instruments, their folders, their habits, and what they look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semtrace.synthetic.databar import BarFacts


@dataclass(frozen=True)
class Researcher:
    """A folder of the archive and the habits of its owner.

    Attributes:
        folder: its name.
        instrument: ``"zeiss"``, ``"fei"``, ``"xl"`` or ``"hitachi"``.
        layouts: data bars in use.
        by_date: whether subfolders are dates; materials otherwise.
        naming: pattern of file names; ``{n}`` counts within the folder.
        suffixes: extensions in use.
    """

    folder: str
    instrument: str
    layouts: tuple[str, ...]
    by_date: bool
    naming: str
    suffixes: tuple[str, ...]


RESEARCHERS = (
    Researcher("Lazzarino M", "zeiss", ("zeiss white", "zeiss white", "zeiss inset"), True, "img_{n:02d}", (".tif",)),
    Researcher("Élodie Müller", "fei", ("fei",), False, "im_{n:02d}", (".tif", ".TIF")),
    Researcher("Orrù M", "zeiss", ("zeiss white",), False, "G031c_100h_b_{n:02d}", (".tif",)),
    Researcher("giulio", "zeiss", ("zeiss black",), True, "img_{n:02d}", (".tiff", ".tif")),
    Researcher("Kovač T", "fei", ("fei", "fei", "none"), True, "IMG{n:04d}", (".TIF",)),
    Researcher("melli", "zeiss", ("zeiss black", "zeiss white"), True, "im_{n:02d}", (".tif", ".tif", ".TIF")),
    Researcher("Bianchi S_L", "xl", ("overlay",), False, "sample {n}", (".TIF",)),
    Researcher("GDS", "zeiss", ("zeiss white", "zeiss black"), False, "im_{n:02d}", (".tif", ".TIFF")),
    Researcher("Åsa Lindqvist", "hitachi", ("ruler",), False, "{n}", (".tif",)),
    Researcher("lab users", "zeiss", ("zeiss white", "none"), True, "prova {n:02d} (copia)", (".tif",)),
)
MATERIALS = {
    "Porous_Sponge": ("porous Si", "PU foam", "aerogel_2"),
    "Patterned_surface": ("gratings", "zone plates", "EBL dose test"),
    "Particles": ("TiO2", "Au NPs", "biotin nps"),
    "Films_Coated_Surface": ("TiN film", "sol-gel", "DLC coating"),
    "Powder": ("NiCr powder", "zeolite", "Powders"),
    "Tips": ("AFM tips", "W tips", "emitters"),
    "Nanowires": ("GaAs NWs", "GaAs_NWs", "ZnO wires"),
    "Biological": ("cellule", "batteri", "pollen & co"),
    "MEMS_devices_and_electrodes": ("cantilevers", "elettrodi", "MEMS run 3"),
    "Fibres": ("PVA fibres", "lana", "carbon fibres"),
}
_FIELD_OF_VIEW = {  # metres: what people look at under which magnification
    "Porous_Sponge": (2e-6, 4e-4),
    "Patterned_surface": (3e-6, 2e-4),
    "Particles": (1e-6, 3e-5),
    "Films_Coated_Surface": (2e-6, 1e-4),
    "Powder": (2e-5, 1e-3),
    "Tips": (2e-6, 2e-4),
    "Nanowires": (1e-6, 2e-5),
    "Biological": (8e-6, 2e-4),
    "MEMS_devices_and_electrodes": (3e-5, 1.5e-3),
    "Fibres": (2e-5, 8e-4),
}


def bar_facts_of(rng: np.random.Generator, who: Researcher, category: str, width: int) -> BarFacts:
    """Size, magnification and conditions of one picture by ``who``; ``width`` is the usual one in pixels."""
    size = (1024, 768)
    if who.instrument == "xl":
        size = (712, 484)
    elif who.instrument == "hitachi":
        size = (1280, 960)
    elif rng.random() < 0.12:
        size = (640, 480)
    columns, rows = (round(side * width / 1024) for side in size)
    low, high = _FIELD_OF_VIEW[category]
    display = 0.1492 if who.instrument == "fei" else 0.376  # metres: width of the screen magnifications refer to
    wanted = display / float(np.exp(rng.uniform(np.log(low), np.log(high))))
    step = 10.0 ** (np.floor(np.log10(wanted)) - (1 if rng.random() < 0.7 else 2))
    magnification = float(np.round(wanted / step) * step)  # people dial round numbers, mostly
    detectors = {"zeiss": ("InLens", "SE2"), "fei": ("ETD", "TLD"), "xl": ("SE", "TLD"), "hitachi": ("SE(UL)", "SE(M)")}
    day = f"{rng.integers(2009, 2019)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    return BarFacts(
        pixel_size=display / magnification / columns,
        width=columns,
        height=rows,
        magnification=magnification,
        kilovolts=float(rng.choice([1.0, 2.0, 3.0, 5.0, 5.0, 10.0, 10.0, 15.0, 20.0])),
        working_distance=float(np.round(rng.uniform(0.0025, 0.012), 4)),
        detector=str(rng.choice(detectors[who.instrument])),
        date=day,
        time=f"{rng.integers(8, 20):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}",
        file_name="",
        sample=str(rng.choice(MATERIALS[category])),
        tilt=float(rng.choice([0.0, 0.0, 0.0, 45.0, 30.0])),
    )
