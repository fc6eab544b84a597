"""A JPEG's markers, and whether the entropy-coded data between them are whole: what decoders keep to themselves."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from semtrace.core.image import jpeg_entropy
from semtrace.core.image.jpeg_entropy import RESTART, SOUND, WORDS, advances, code_table
from semtrace.io.unreadable import UnreadableImage, unsupported

_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length: TEM, RST0-7, SOI
_FRAMES = {0xC0: "", 0xC1: "", 0xC2: ""}
_UNKNOWN = {
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xC9: "arithmetic-coded",
    0xCA: "arithmetic-coded", 0xCB: "lossless", 0xCD: "hierarchical", 0xCE: "hierarchical", 0xCF: "hierarchical",
}  # fmt: skip
_MOST_SCANS = 200  # of a progressive picture; some files hold thousands, to keep decoders busy


class _Component(NamedTuple):
    """Of the frame: sampling factors, quantisation table, blocks down and across, these padded to whole units."""

    across: int
    down: int
    table: int
    blocks: tuple[int, int]
    padded: tuple[int, int]
    first: int


@dataclass
class Tables:
    """What a stream has defined so far; in a TIFF all strips begin with the same.

    Attributes:
        codes: Huffman tables by class (0 for DC, 1 for AC) and number: codes of each length, and symbols.
        made: what a scan looks up for them, by whether it is sequential, class and number.
        steps: step of the DC coefficient by number of the quantisation table.
        interval: units between restart markers.
    """

    codes: dict[tuple[int, int], tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=dict)
    made: dict[tuple[bool, int, int], tuple[NDArray[np.uint16], NDArray[np.uint16]]] = field(default_factory=dict)
    steps: dict[int, int] = field(default_factory=dict)
    interval: int = 0


def check_kind(data: bytes) -> None:
    """Refuse what no decoder here knows, before one calls it damaged.

    Raises:
        UnreadableImage: ``unsupported``.
    """
    for code, start, end in _segments(data):
        if code in _UNKNOWN:
            raise unsupported(f"{_UNKNOWN[code]} JPEG")
        if code in _FRAMES:
            if end - start >= 6 and data[start] != 8:
                raise unsupported(f"JPEG of {data[start]} bits")
            if end - start >= 6 and data[start + 5] not in (1, 3, 4):
                raise unsupported(f"JPEG of {data[start + 5]} components")
            return
        if code == 0xDA:
            return


def check_data(data: bytes, tables: Tables | None = None) -> None:
    """Find damage in the entropy-coded data of the first picture of a stream.

    Raises:
        UnreadableImage: ``corrupt`` and where; ``unsupported``.
    """
    known = Tables() if tables is None else Tables(dict(tables.codes), dict(tables.made), dict(tables.steps))
    frame, done, at, markers = None, 0, 0, _Markers(np.frombuffer(data, np.uint8))
    try:
        while True:
            for code, start, end in _segments(data, at):
                if code in _FRAMES:
                    if frame is not None:
                        raise _corrupt("two frames in one JPEG")
                    frame = _Frame(data[start:end], progressive=code == 0xC2)
                elif code == 0xDA:
                    at = end
                    break
                else:
                    define(known, code, data[start:end])
            else:
                break
            if frame is None:
                raise _corrupt("data before a frame")
            done += 1
            if done > _MOST_SCANS:
                raise unsupported(f"more than {_MOST_SCANS} scans")
            at = frame.read(markers, data[start:end], at, known)
    except (struct.error, IndexError, KeyError) as error:
        raise _corrupt(f"markers of the JPEG: {type(error).__name__} {error}") from None
    if frame is None:
        raise _corrupt("no frame in the JPEG")
    frame.check_complete()


def shared_tables(data: bytes) -> Tables:
    """The tables of a stream that holds nothing else, as a TIFF's tag 347 does."""
    tables = Tables()
    for code, start, end in _segments(data):
        define(tables, code, data[start:end])
    return tables


def define(tables: Tables, code: int, body: bytes) -> None:
    """Take over what a segment defines.

    Raises:
        UnreadableImage: it is damaged.
    """
    at = 0
    if code == 0xC4:
        while at + 17 <= len(body):
            counts = np.frombuffer(body, np.uint8, 16, at + 1)
            number, kind = int(counts.sum()), (body[at] >> 4, body[at] & 15)
            tables.codes[kind] = counts, np.frombuffer(body[at + 17 : at + 17 + number], np.uint8)
            for sequential in (False, True):
                tables.made.pop((sequential, *kind), None)
            at += 17 + number
    elif code == 0xDB:
        while at < len(body):
            wide = body[at] >> 4
            tables.steps[body[at] & 15] = int.from_bytes(body[at + 1 : at + 2 + bool(wide)], "big")
            at += 129 if wide else 65
    elif code == 0xDD:
        (tables.interval,) = struct.unpack_from(">H", body)


def _segments(data: bytes, at: int = 0) -> list[tuple[int, int, int]]:
    """Code, first byte and end of the segments from ``at`` to the data of a scan, or to the end of the picture."""
    found = []
    while at + 1 < len(data):
        if data[at] != 0xFF:
            at += 1  # some cameras leave bytes between segments
            continue
        code = data[at + 1]
        if code in (0xFF, 0x00) or code in _BARE:
            at += 1 if code == 0xFF else 2
            continue
        if code == 0xD9:
            break
        if at + 4 > len(data):
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((code, at + 4, min(end, len(data))))
        if code == 0xDA:
            break
        at = max(end, at + 4)
    return found


class _Markers:
    """Where the markers of a file lie: bytes of 255 that neither a zero nor another of them follows."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        at = np.flatnonzero(data[:-1] == 255)
        after = data[at + 1]
        self.data, self.places, self.stuffing = data, at[(after != 0) & (after != 255)], at[after == 0] + 1

    def stretches(self, at: int, interval: int) -> tuple[list[tuple[int, int]], int]:
        """First byte and end of what lies between the restart markers from ``at``, and where the scan ends.

        Raises:
            UnreadableImage: restart markers out of order, or where none belong.
        """
        found: list[tuple[int, int]] = []
        first = at
        for place in self.places[np.searchsorted(self.places, at) :].tolist():
            code = int(self.data[place + 1])
            if not 0xD0 <= code <= 0xD7:
                return [*found, (first, self._before(place, first))], place
            if not interval or code & 7 != len(found) & 7:
                raise _corrupt(f"JPEG data: {WORDS[RESTART]}")
            found.append((first, self._before(place, first)))
            first = place + 2
        return [*found, (first, self._before(len(self.data), first))], len(self.data)

    def bytes_between(self, start: int, stop: int) -> NDArray[np.uint8]:
        """The entropy-coded bytes, as ``jpeg_entropy.scan`` wants them."""
        inside = slice(*np.searchsorted(self.stuffing, (start, stop)))
        return jpeg_entropy.unstuffed(self.data[start:stop], self.stuffing[inside] - start)

    def _before(self, place: int, first: int) -> int:
        """Where the data before a marker end: further bytes of 255 may fill up the space."""
        while place > first and self.data[place - 1] == 255:
            place -= 1
        return place


class _Frame:
    """The components of a picture, and which of their coefficients are known."""

    def __init__(self, body: bytes, *, progressive: bool) -> None:
        height, width = struct.unpack_from(">HH", body, 1)
        if not height or not width:
            raise unsupported("a JPEG that states no height")
        given = [(body[i], body[i + 1] >> 4, body[i + 1] & 15, body[i + 2]) for i in range(6, 6 + 3 * body[5], 3)]
        if not given or any(not (1 <= across <= 4 and 1 <= down <= 4) for _, across, down, _ in given):
            raise _corrupt("sampling factors that cannot be")
        most_across, most_down = max(c[1] for c in given), max(c[2] for c in given)
        self.progressive = progressive
        self.units = -(-height // (8 * most_down)), -(-width // (8 * most_across))
        self.components: dict[int, _Component] = {}
        first = 0
        for name, across, down, table in given:
            own = -(-height * down // (8 * most_down)), -(-width * across // (8 * most_across))
            padded = self.units[0] * down, self.units[1] * across
            self.components[name] = _Component(across, down, table, own, padded, first)
            first += padded[0] * padded[1]
        self.known = np.zeros(first if progressive else 0, np.int64)
        self.missing = {name: dict.fromkeys(range(64), -1) if progressive else {0: -1} for name in self.components}

    def read(self, markers: _Markers, header: bytes, at: int, tables: Tables) -> int:
        """Read a scan; return where its data end.

        Raises:
            UnreadableImage: a fault in it.
        """
        number = header[0]
        chosen = [(header[i], header[i + 1] >> 4, header[i + 1] & 15) for i in range(1, 1 + 2 * number, 2)]
        first, last, bits = header[1 + 2 * number : 4 + 2 * number]
        before, after = bits >> 4, bits & 15
        if not self.progressive:
            first, last, before, after = 0, 63, 0, 0
        if not 1 <= number <= 4 or not first <= last <= 63 or (self.progressive and first and number > 1):
            raise _corrupt("the header of a scan is damaged")
        codes: list[NDArray[np.uint16]] = []
        small: list[NDArray[np.uint16]] = []
        layout: list[list[int]] = []
        for position, (name, dc, ac) in enumerate(chosen):
            component = self.components[name]
            across, down = (component.across, component.down) if number > 1 else (1, 1)
            places = [-1, -1]
            for kind, table in ((0, dc), (1, ac)):
                needed = not self.progressive or (first == 0 and before == 0 if kind == 0 else first > 0)
                if needed:
                    places[kind] = len(codes)
                    whole, short = self._table(tables, kind, table)
                    codes.append(whole)
                    small.append(short)
            step = tables.steps.get(component.table, 1)
            layout += [
                [position, *places, step, row, column, across, down, component.padded[1], component.first]
                for row in range(down)
                for column in range(across)
            ]
            for k in range(first, last + 1) if self.progressive else (0,):
                self.missing[name][k] = after
        down, across = self.units if number > 1 else self.components[chosen[0][0]].blocks
        units, interval = down * across, tables.interval or down * across
        stretches, end = markers.stretches(at, tables.interval)
        if len(stretches) != -(-units // interval):
            raise _corrupt(f"JPEG data: {WORDS[RESTART]}")
        stacked = np.stack(codes or [np.zeros(65536, np.uint16)]), np.stack(small or [np.zeros(1024, np.uint16)])
        for i, (start, stop) in enumerate(stretches):
            span = i * interval, min((i + 1) * interval, units), across
            fault, unit = jpeg_entropy.scan(
                markers.bytes_between(start, stop), np.array(layout, np.int64), *stacked, span,
                (first, last, before, after), self.known, self.progressive,
            )  # fmt: skip
            if fault != SOUND:
                where = f"block row {unit // across} of {down}, column {unit % across} of {across}"
                raise _corrupt(f"JPEG data, {where}: {WORDS[fault]}")
        return end

    def _table(self, tables: Tables, kind: int, number: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        key = kind == 1 and not self.progressive, kind, number
        if key not in tables.made:
            counts, symbols = tables.codes[kind, number]
            try:
                made = advances(counts, symbols) if key[0] else (code_table(counts, symbols), np.zeros(1024, np.uint16))
            except ValueError as error:
                raise _corrupt(str(error)) from None
            tables.made[key] = made
        return tables.made[key]

    def check_complete(self) -> None:
        """Whether all scans were there.

        Raises:
            UnreadableImage: some coefficients, or some of their bits, never came.
        """
        if any(after != 0 for component in self.missing.values() for after in component.values()):
            raise _corrupt("the last scans of the JPEG are missing")


def _corrupt(what: str) -> UnreadableImage:
    return UnreadableImage("corrupt", what)
