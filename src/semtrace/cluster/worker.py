"""What a Dask worker does with a chunk of items: a process beside it checks that it may, and works.

That process is started plainly, not by multiprocessing: it has one thread, so it forks the bounded workers of
``parallel.in_processes`` in milliseconds, and what kills one of them costs an item, never the Dask worker. Nor does it
matter that Dask runs its workers as daemons, which may have no children of multiprocessing.
"""

from __future__ import annotations

import functools
import os
import platform
import queue
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from typing import Any

from semtrace.cluster.same_view import describe_path
from semtrace.io.code_digest import package_digest
from semtrace.parallel.processes import in_processes

_PACKAGES = ("semtrace", "numpy", "scipy", "numba", "Pillow", "tifffile", "imagecodecs", "dask", "distributed")
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_START = "import sys; from semtrace.cluster.worker import serve; serve(int(sys.argv[1]))"


@dataclass(frozen=True)
class Chunk:
    """Items for one task, and what must be so on the machine that works on them.

    Attributes:
        function: applied to every item; module-level, as for ``map_images``.
        items: none where only the machine is to be checked.
        size: items per task of the bounded worker there.
        prepare: as for ``map_images``.
        root: the client's working folder; relative paths are meant from there.
        about: the client's ``about()``.
        seen: paths and the client's ``look`` at each.
    """

    function: Callable[[Any], Any] | None
    items: Sequence[Any]
    size: int
    prepare: Callable[[], object] | None
    root: str
    about: Mapping[str, str]
    seen: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """What became of a chunk: its results, or the error that ends the map, or why this worker must not do it."""

    results: Sequence[Any] = ()
    error: Exception | None = None
    unfit: str = ""
    worker: str = ""


@functools.cache
def about() -> dict[str, str]:
    """What results may depend on: interpreter, machine, versions, and a digest of this package's sources."""
    found = {"Python": platform.python_version(), "machine": platform.machine(), "code of semtrace": package_digest()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def work(chunk: Chunk) -> Answer:
    """The Dask task: ``check`` that says which worker answered."""
    from distributed import get_worker

    return replace(check_and_work(chunk), worker=get_worker().address)


def check_and_work(chunk: Chunk) -> Answer:
    """Have a chunk done by a process beside this one; a dead one is replaced once."""
    for _ in range(2):
        try:
            line = _idle.get_nowait()
        except queue.Empty:
            line = _start()
        try:
            line.send(chunk)
            answer: Answer = line.recv()
        except (EOFError, OSError):
            line.close()
            continue
        _idle.put(line)
        return answer
    return Answer(unfit="the process that works beside it died twice; is its memory enough?")


_idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()  # one process for each thread of this Dask worker


def _start() -> Connection:
    ours, theirs = socket.socketpair()
    with theirs:
        # Its end is the only other one: it reads to the end of our connection, and ends, when this worker does.
        subprocess.Popen(  # noqa: S603  (this very program)
            [sys.executable, "-P", "-c", _START, str(theirs.fileno())], pass_fds=[theirs.fileno()],
            env={**os.environ, **_ONE_THREAD}, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    return Connection(ours.detach())


def serve(descriptor: int) -> None:
    """Answer chunks until the connection ends; runs in the process beside the Dask worker."""
    with Connection(descriptor) as line:
        while True:
            try:
                answer = _answer(line.recv())
            except EOFError:
                return
            except (ImportError, AttributeError) as error:  # a function that is not in this version
                answer = Answer(unfit=f"cannot load the work: {error}")
            try:
                line.send(answer)
            except BrokenPipeError:
                return


def _answer(chunk: Chunk) -> Answer:
    try:
        if unfit := _unlike(chunk):
            return Answer(unfit=unfit)
        if chunk.function is None:
            return Answer()
        found = in_processes(chunk.function, chunk.items, workers=1, chunk=chunk.size, prepare=chunk.prepare)
        results = list(found)
        # Again: a folder that went away meanwhile must not pass for unreadable images.
        return Answer(unfit=unfit) if (unfit := _unlike(chunk)) else Answer(results)
    except Exception as error:
        return Answer(error=error)


def _unlike(chunk: Chunk) -> str:
    """What is not here as it is at the client; empty where all is."""
    here = about()
    differing = [f"{name} {here.get(name)} (here {of})" for name, of in chunk.about.items() if here.get(name) != of]
    if differing:
        return "it has " + ", ".join(differing)
    try:
        os.chdir(chunk.root)
    except OSError as error:
        return f"it cannot enter {chunk.root} ({error.strerror})"
    for path, wanted in chunk.seen.items():
        if (found := describe_path(path)) != wanted:
            return f"it sees of {path}: {found} (here {wanted})"
    return ""
