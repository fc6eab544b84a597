"""What decoding one file may cost: processor time and memory, so that no file takes the machine with it."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Iterator

from semtrace.parallel.system_calls import limited

SECONDS, MEMORY = 2.0, 512 << 20
_BYTES_PER_SECOND, _MEMORY_PER_BYTE = 4 << 20, 8  # an honest large file gets more: it costs what it weighs


@contextlib.contextmanager
def bounded(size: int) -> Iterator[None]:
    """In a worker process, bound what the block may take for a file of ``size`` bytes.

    Memory: 512 MB and 8 times ``size`` above what the process has; beyond it allocations fail, in Python with a
    ``MemoryError``. Time: 2 s and 1 s for each 4 MiB of the process's own processor time, so a busy machine makes no
    difference; beyond it the kernel ends the process (``SIGPROF``), which no loop in a decoder can evade, and
    ``map_images`` gives ``Crashed`` for this item alone. A main process is not bounded: it would be ended itself.
    Nor is anything on Windows, which has no such bounds.
    """
    if multiprocessing.parent_process() is None:
        yield
        return
    with limited(MEMORY + _MEMORY_PER_BYTE * size, SECONDS + size / _BYTES_PER_SECOND):
        yield
