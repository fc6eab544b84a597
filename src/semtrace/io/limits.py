"""What decoding one file may cost: processor time and memory, so that no file takes the machine with it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator

try:
    import resource
except ImportError:  # Windows: nothing is bounded there
    resource = None  # type: ignore[assignment]

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
    if multiprocessing.parent_process() is None or resource is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):  # no /proc: no Linux, and no bound for memory
        most = _taken() + MEMORY + _MEMORY_PER_BYTE * size
        known = [limit for limit in (most, *before) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(known), before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS + size / _BYTES_PER_SECOND)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _taken() -> int:
    """Bytes of address space that this process has; OSError where there is no /proc."""
    file = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(file, 32).split()[0]) * resource.getpagesize()
    finally:
        os.close(file)
