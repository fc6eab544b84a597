"""One way to apply a function to many images: ``map_images``, in this process or in several."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TypeVar

from tqdm import tqdm

from semtrace.parallel.system_calls import end_with_parent, thread_count

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_LOG_SECONDS = 5.0
_ENDS: dict[int, str] = {
    int(getattr(signal, name)): text
    for name, text in {
        "SIGPROF": "it takes more processor time than a file of its size may",
        "SIGSEGV": "the decoder crashed (segmentation fault)",
        "SIGABRT": "the decoder crashed (abort)",
        "SIGKILL": "the worker process was killed, as it is when memory runs out",
    }.items()
    if hasattr(signal, name)  # Windows has few signals
}


@dataclass(frozen=True)
class Crashed:
    """Stands for the result of an item whose worker process died: a fault in a decoder, or more than it may take."""

    detail: str


def map_images(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    workers: int,
    what: str,
    chunk: int = 8,
    prepare: Callable[[], object] | None = None,
) -> Iterator[_Result | Crashed]:
    """Yield ``function(item)`` for every item, in the order of ``items``, showing progress.

    Args:
        function: a module-level function; an exception it raises ends the map.
        items: what to work on; they and the results travel between processes by pickle.
        workers: processes beside this one; 0 means one per available core.
        what: the words beside the progress bar.
        chunk: items per task. The result does not depend on it, nor on ``workers``.
        prepare: run here before workers are forked: what it loads (compiled kernels, decoders) they inherit.

    Yields:
        A result, or ``Crashed`` for an item that kills its worker; the other items are not lost.

    """
    if not items:  # no empty bar
        return
    yield from progress(in_processes(function, items, workers=workers, chunk=chunk, prepare=prepare), len(items), what)


def in_processes(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    workers: int,
    chunk: int = 8,
    prepare: Callable[[], object] | None = None,
) -> Iterator[_Result | Crashed]:
    """As ``map_images``, without a word about the progress."""
    if not items:
        return
    if prepare is not None:
        prepare()
    chunks = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    yield from _in_processes(function, chunks, workers or available_cores())


def available_cores() -> int:
    """Cores this process may run on (the affinity mask, not the machine's total)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(
    function: Callable[[_Item], _Result], chunks: list[Sequence[_Item]], workers: int
) -> Iterator[_Result | Crashed]:
    context = context_for(function)
    done = 0
    while done < len(chunks):
        with ProcessPoolExecutor(workers, context, die_with_parent, (forking(context),)) as pool:
            # Few chunks in flight: memory stays flat however many items there are.
            waiting: list[Future[list[_Result]]] = []
            upcoming = iter(chunks[done:])
            try:
                while True:
                    while len(waiting) < 4 * workers and (following := next(upcoming, None)) is not None:
                        waiting.append(pool.submit(_apply, function, following))
                    if not waiting:
                        return
                    yield from waiting[0].result()
                    waiting.pop(0)
                    done += 1
            except BrokenProcessPool:
                pass
        # The pool cannot say which item killed a worker: run the oldest unfinished chunk one item at a time.
        for item in chunks[done]:
            yield _alone(function, item, context)
        done += 1


def context_for(function: Callable[..., object]) -> multiprocessing.context.BaseContext:
    """Fork from this process where that is safe, it has no other thread; else from a server that has none either.

    A fork starts in milliseconds with everything imported; a server must import the function's module first.
    """
    if sys.platform == "win32":
        return _SpawnContext()
    if _has_one_thread():
        return multiprocessing.get_context("fork")
    context = _ServerContext()
    context.set_forkserver_preload([function.func.__module__ if isinstance(function, partial) else function.__module__])
    return context


class _WithoutScript(BaseProcess):
    """A process that is started anew, without the script that runs here.

    Python would run that script again in each worker. One without ``if __name__ == "__main__"``, as people write for
    themselves, would start workers there, and each would die. A function of ours needs nothing of it.
    """

    def start(self) -> None:
        """Start it."""
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            super().start()
        finally:
            sys.modules["__main__"] = script


class _SpawnProcess(_WithoutScript, SpawnProcess):
    pass


class _SpawnContext(SpawnContext):
    Process = _SpawnProcess


if sys.platform != "win32":
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class _ServerProcess(_WithoutScript, ForkServerProcess):
        pass

    class _ServerContext(ForkServerContext):
        Process = _ServerProcess


def _has_one_thread() -> bool:
    if thread_count() is None:
        return False
    for _ in range(50):  # one that was joined just now, of the last pool, may take a moment to be gone
        if thread_count() == 1:
            return True
        if threading.active_count() > 1:
            break
        time.sleep(0.001)
    return False


def _apply(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    return [function(item) for item in items]


def forking(context: multiprocessing.context.BaseContext) -> int:
    """The process that forks the workers; 0 where it is the server, which ends with us."""
    return os.getpid() if context.get_start_method() == "fork" else 0


def die_with_parent(parent: int) -> None:
    """Let the kernel end this worker when its parent is killed: it would wait for ever, or write into the next run."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a pool ends its workers so, whatever their parent makes of it
    end_with_parent()
    if parent not in (0, os.getppid()):  # it was killed before this line
        os._exit(1)


def _alone(
    function: Callable[[_Item], _Result], item: _Item, context: multiprocessing.context.BaseContext
) -> _Result | Crashed:
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(forking(context), sending, function, item))  # type: ignore[attr-defined]
    process.start()
    sending.close()
    with receiving, contextlib.suppress(EOFError):
        result, error = receiving.recv()
        process.join()
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]
    process.join()
    return Crashed(how_it_ended(process.exitcode))


def how_it_ended(code: int | None) -> str:
    """What the exit code of a process that did not answer says."""
    return _ENDS.get(-(code or 0)) or f"the process ended by itself, with exit code {code}"


def _send(parent: int, sending: Connection, function: Callable[[_Item], _Result], item: _Item) -> None:
    die_with_parent(parent)
    try:
        answer: tuple[_Result | None, Exception | None] = function(item), None
    except Exception as error:
        answer = None, error
    sending.send(answer)


def progress(results: Iterable[_Result], total: int, what: str, unit: str = "image") -> Iterator[_Result]:
    """Pass on ``results``, showing how far it is: a tqdm bar on a terminal, one line every few seconds in a log."""
    if sys.stderr.isatty():
        yield from tqdm(results, total=total, desc=what, unit=unit)
        return
    start = last = time.monotonic()
    for done, result in enumerate(results, 1):
        yield result
        now = time.monotonic()
        if now - last > _LOG_SECONDS:
            last, rate = now, done / (now - start)
            print(
                f"{what}: {done}/{total}, {rate:.1f} {unit}s/s, {(total - done) / rate:.0f} s left",
                file=sys.stderr,
            )
