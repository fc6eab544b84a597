"""A background process that runs tasks one at a time, while this process continues."""

from __future__ import annotations

import contextlib
import copy
import errno
import signal
import traceback
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from semtrace.parallel.processes import context_for, die_with_parent, forking, how_it_ended

BackgroundTask = Callable[[], Any]
_Answer = tuple[Any, Exception | None]
_PATIENCE = 10.0  # seconds to clear up in


class BackgroundProcess:
    """A further process, for the time of a ``with``.

    Where this process fails meanwhile, the other is interrupted, as by Ctrl-C; one that does not heed it is killed.

    Args:
        alone: there may be no further process: a task is then done at once, in this one.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._names, self._answers = deque[str](), deque[_Answer]()
        if not alone:
            context = context_for(_serve)
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(forking(context), theirs))  # type: ignore[attr-defined]
            self._process.start()
            theirs.close()

    def begin(self, name: str, task: BackgroundTask) -> None:
        """Have a task done after those begun before; it is pickled, and named in an error."""
        self._names.append(name)
        if self._alone:
            self._answers.append((task(), None))
        else:
            self._send(task)

    def result(self) -> Any:
        """What the first task of those not asked for yet returned; waits for it.

        Raises:
            OSError: ``ECHILD`` where the process died.
            KeyboardInterrupt: it was interrupted.
            Exception: what the task raised.

        """
        name = self._names.popleft()
        try:
            value, error = self._answers.popleft() if self._alone else self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            if self._process.exitcode == 0:
                raise KeyboardInterrupt from None
            why = f"{name}: its process died: {how_it_ended(self._process.exitcode)}"
            raise OSError(errno.ECHILD, f"{why}. Run it again, with fewer --workers if memory ran out") from None
        if error is not None:
            raise error
        return value

    def __enter__(self) -> BackgroundProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alone:
            return
        if error is not None:
            self._process.terminate()
        self._send(None)  # closing the pipe would not end it: our own workers may hold copies of our end
        self._pipe.close()
        self._process.join(None if error is None else _PATIENCE)
        self._process.kill()
        self._process.join()

    def _send(self, task: BackgroundTask | None) -> None:
        with contextlib.suppress(BrokenPipeError):  # it died: to be said by result()
            self._pipe.send(task)


def _serve(parent: int, pipe: Connection) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGTERM, _interrupt_once)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt_once)
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while (task := pipe.recv()) is not None:
            pipe.send(_answer(task))


def _answer(task: BackgroundTask) -> _Answer:
    try:
        return task(), None
    except Exception as error:
        error.add_note(f"\nIn the second process:\n{traceback.format_exc()}")
        try:
            copy.copy(error)  # made again as it will be on the other side; not each can be
        except Exception:
            return None, RuntimeError(f"{type(error).__name__}: {error}")
        return None, error


def _interrupt_once(*_: object) -> None:
    """Raise KeyboardInterrupt; a second one, from the terminal and from our parent, must not break off the clearing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
