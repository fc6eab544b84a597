"""Whether the entropy-coded data of a JPEG hold its blocks, no more and no less; nothing is transformed or shown.

A JPEG has no check sum. Damage shows where a code does not exist, a block has too many coefficients, a brightness
leaves its range, or the data end before or after the last block; decoders go on and show grey or shifted blocks.

Source: ITU-T T.81 (ISO/IEC 10918-1), annexes C, F and G.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SOUND, NO_CODE, TOO_MANY, OUT_OF_RANGE, EARLY, LATE, RESTART = range(7)
WORDS = (
    "sound", "a code that does not exist", "a block of more than 64 coefficients", "a brightness that cannot be",
    "they end too early", "more of them than blocks", "a restart marker is missing or out of order",
)  # fmt: skip
_LARGEST = 2048  # of a restored DC coefficient, twice what 8-bit pixels can give: encoders may overshoot a little

_Bytes = NDArray[np.uint8]
_Ints = NDArray[np.int64]
_Codes = NDArray[np.uint16]
_State = NDArray[np.uint64]  # bits at hand, how many, position of the next byte
_FAST = 10  # bits of the codes that a small table knows: nearly all that occur
_PADDING = 4096  # zeros behind the bytes, more than one unit can take, so that reading ahead needs no question


def code_table(counts: _Bytes, symbols: _Bytes) -> _Codes:
    """Look-up of a Huffman table: for each 16 bits that may follow, length << 8 | symbol, 0 where there is no code.

    Args:
        counts: how many codes there are of 1 to 16 bits, shape (16,).
        symbols: theirs, in that order.

    Raises:
        ValueError: no prefix code.
    """
    lengths = _lengths(counts, symbols)
    return _spread(lengths, lengths << 8 | symbols)


def advances(counts: _Bytes, symbols: _Bytes) -> tuple[_Codes, _Codes]:
    """Look-up for the AC coefficients of a sequential scan, whose values do not matter here.

    For each 16 bits that may follow: bits of the code and of the value << 8 | how many coefficients these bring, 0 for
    the end of the block; 0 where there is no code. And the same by 10 bits alone, 0 for longer codes.
    """
    lengths = _lengths(counts, symbols)
    run, size = symbols >> 4, symbols & 15
    bring = np.where(size > 0, run + 1, np.where(run == 15, 16, 0))
    entries, fast = (lengths + size) << 8 | bring, lengths <= _FAST
    small = _spread(lengths[fast], entries[fast], _FAST)
    return _spread(lengths, entries), small


def _lengths(counts: _Bytes, symbols: _Bytes) -> _Ints:
    lengths = np.repeat(np.arange(1, 17), counts)
    if len(symbols) != len(lengths) or (1 << (16 - lengths)).sum() > 65536:
        raise ValueError("not a Huffman table")
    return lengths


def _spread(lengths: _Ints, entries: _Ints, bits: int = 16) -> _Codes:
    table = np.zeros(1 << bits, np.uint16)
    spans = 1 << (bits - lengths)
    table[: spans.sum()] = np.repeat(entries.astype(np.uint16), spans)
    return table


@njit(nogil=True, cache=True)
def unstuffed(data: _Bytes, stuffing: _Ints) -> _Bytes:
    """Entropy-coded bytes as ``scan`` wants them: without the zeros at ``stuffing``, and with zeros behind them."""
    clean = np.empty(len(data) - len(stuffing) + _PADDING, np.uint8)
    first, to = 0, 0
    for i in range(len(stuffing) + 1):
        stop = stuffing[i] if i < len(stuffing) else len(data)
        for k in range(stop - first):
            clean[to + k] = data[first + k]
        to += stop - first
        first = stop + 1
    clean[to:] = 0
    return clean


@njit(nogil=True, cache=True)
def _bits(data: _Bytes, state: _State, number: int) -> int:
    if number == 0:
        return 0
    if state[1] < np.uint64(number):
        _fill(data, state)
    state[1] -= np.uint64(number)
    return int(np.int64((state[0] >> state[1]) & ((np.uint64(1) << np.uint64(number)) - np.uint64(1))))


@njit(nogil=True, cache=True)
def _fill(data: _Bytes, state: _State) -> None:
    """Have at least 32 bits at hand, where there were fewer; behind the end they are zeros."""
    at = state[2]
    state[0] = (state[0] << np.uint64(32)) | _word(data, at)
    state[1] += np.uint64(32)
    state[2] = at + np.uint64(4)


@njit(nogil=True, cache=True)
def _word(data: _Bytes, at: np.uint64) -> np.uint64:
    return (
        (np.uint64(data[at]) << np.uint64(24))
        | (np.uint64(data[at + np.uint64(1)]) << np.uint64(16))
        | (np.uint64(data[at + np.uint64(2)]) << np.uint64(8))
        | np.uint64(data[at + np.uint64(3)])
    )


@njit(nogil=True, cache=True)
def _symbol(data: _Bytes, state: _State, table: _Codes) -> int:
    """The next symbol, -1 where there is no such code."""
    if state[1] < np.uint64(32):
        _fill(data, state)
    entry = table[(state[0] >> (state[1] - np.uint64(16))) & np.uint64(65535)]
    if entry == 0:
        return -1
    state[1] -= np.uint64(entry >> 8)
    return int(np.int64(entry & 255))


@njit(nogil=True, cache=True)
def _dc(data: _Bytes, state: _State, table: _Codes) -> tuple[int, int]:
    """The difference to the block before, and whether it could be read."""
    size = _symbol(data, state, table)
    if size < 0 or size > 15:
        return 0, NO_CODE
    if size == 0:
        return 0, SOUND
    value = _bits(data, state, size)
    return (value if value >> (size - 1) else value - (1 << size) + 1), SOUND


@njit(nogil=True, cache=True)
def _ac(data: _Bytes, state: _State, table: _Codes, small: _Codes) -> int:
    """The AC coefficients of a block of a sequential scan; ``table`` is of ``advances``."""
    bits, count, at = state[0], state[1], state[2]
    k, fault = 1, SOUND
    while k < 64:
        if count < np.uint64(32):
            bits = (bits << np.uint64(32)) | _word(data, at)
            at += np.uint64(4)
            count += np.uint64(32)
        entry = small[(bits >> (count - np.uint64(_FAST))) & np.uint64((1 << _FAST) - 1)]
        if entry == 0:
            entry = table[(bits >> (count - np.uint64(16))) & np.uint64(65535)]
            if entry == 0:
                fault = NO_CODE
                break
        count -= np.uint64(entry >> 8)
        bring = entry & 255
        if bring == 0:
            break
        k += bring
    state[0], state[1], state[2] = bits, count, at
    return TOO_MANY if k > 64 else fault


@njit(nogil=True, cache=True)
def _first_ac(
    data: _Bytes, state: _State, table: _Codes, band: tuple[int, int], waiting: int, known: int
) -> tuple[int, int, int]:
    """Progressive, a band of coefficients for the first time: blocks still empty, those not zero, fault."""
    if waiting > 0:
        return waiting - 1, known, SOUND
    k = band[0]
    while k <= band[1]:
        symbol = _symbol(data, state, table)
        if symbol < 0:
            return 0, known, NO_CODE
        run, size = symbol >> 4, symbol & 15
        if size == 0:
            if run != 15:
                return (1 << run) - 1 + _bits(data, state, run), known, SOUND
            k += 16
            continue
        k += run
        if k > 63:
            return 0, known, TOO_MANY
        known |= 1 << k
        k += 1
        _bits(data, state, size)
    return 0, known, SOUND if k == band[1] + 1 else TOO_MANY


@njit(nogil=True, cache=True)
def _refine_ac(
    data: _Bytes, state: _State, table: _Codes, band: tuple[int, int], waiting: int, known: int
) -> tuple[int, int, int]:
    """Progressive, one more bit of a band: blocks that bring nothing new, those not zero, fault."""
    k = band[0]
    if waiting == 0:
        while k <= band[1]:
            symbol = _symbol(data, state, table)
            if symbol < 0:
                return 0, known, NO_CODE
            run, size = symbol >> 4, symbol & 15
            if size == 0 and run != 15:
                waiting = (1 << run) + _bits(data, state, run)
                break
            if size > 1:
                return 0, known, NO_CODE
            _bits(data, state, size)
            while k <= band[1]:
                if (known >> k) & 1:
                    _bits(data, state, 1)
                else:
                    run -= 1
                    if run < 0:
                        break
                k += 1
            if size:
                if k > band[1]:
                    return 0, known, TOO_MANY
                known |= 1 << k
            k += 1
    if waiting > 0:
        while k <= band[1]:
            if (known >> k) & 1:
                _bits(data, state, 1)
            k += 1
        waiting -= 1
    return waiting, known, SOUND


@njit(nogil=True, cache=True)
def scan(
    data: _Bytes,
    layout: _Ints,
    tables: _Codes,
    small: _Codes,
    units: tuple[int, int, int],
    band: tuple[int, int, int, int],
    known: _Ints,
    progressive: bool,
) -> tuple[int, int]:
    """Read a scan, or what lies between two of its restart markers.

    Args:
        data: of ``unstuffed``.
        layout: for each block of a unit (an MCU, or the one block of a scan of one component): number of its component
            in the scan, its DC table and AC table in ``tables``, step of its DC coefficient, its row and column in
            the unit, blocks down and across that a unit has, blocks of a row in ``known``, where it begins there.
        tables: of ``code_table``, for AC in a sequential scan of ``advances``; shape (T, 65536).
        small: for short codes, the other of ``advances``; shape (T, 1024).
        units: the first, the one after the last, and how many lie beside one another.
        band: first and last coefficient, and the bits before and after which the values are known (Ss, Se, Ah, Al).
        known: progressive: a bit for each coefficient of each block that is not zero, changed in place; else empty.
        progressive: whether coefficients come in several scans.

    Returns:
        A code of ``WORDS``, and the unit where it was found.
    """
    state = np.zeros(3, np.uint64)
    before = np.zeros(4, np.int64)
    waiting, part, size = 0, (band[0], band[1]), np.int64(len(data) - _PADDING) * 8
    for unit in range(units[0], units[1]):
        row, column = unit // units[2], unit % units[2]
        for b in range(len(layout)):
            if not progressive or (part[0] == 0 and band[2] == 0):
                difference, fault = _dc(data, state, tables[layout[b, 1]])
                if fault == SOUND:
                    component = layout[b, 0]
                    before[component] += difference
                    if abs(before[component] << band[3]) * layout[b, 3] > _LARGEST:
                        fault = OUT_OF_RANGE
                    elif not progressive:
                        fault = _ac(data, state, tables[layout[b, 2]], small[layout[b, 2]])
            elif part[0] == 0:
                _bits(data, state, 1)
                fault = SOUND
            else:
                table = tables[layout[b, 2]]
                across = column * layout[b, 7] + layout[b, 5]
                where = layout[b, 9] + (row * layout[b, 6] + layout[b, 4]) * layout[b, 8] + across
                if band[2] == 0:
                    waiting, known[where], fault = _first_ac(data, state, table, part, waiting, known[where])
                else:
                    waiting, known[where], fault = _refine_ac(data, state, table, part, waiting, known[where])
            if fault != SOUND:
                return fault, unit
        if np.int64(state[2]) * 8 - np.int64(state[1]) > size:
            return EARLY, unit
    left = size - (np.int64(state[2]) * 8 - np.int64(state[1]))
    return (LATE if left >= 8 or waiting > 0 else SOUND), units[1]
