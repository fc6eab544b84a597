"""``Beside``: one further process that does what it is given, task by task, while this one goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from semtrace.parallel import context_for, die_with_parent, forking

Task = Callable[[], Any]
_Answer = tuple[Any, Exception | None]


class Beside:
    """A further process, for the time of a ``with``.

    Where this process fails meanwhile, the other is interrupted, as by Ctrl-C, and waited for.

    Args:
        alone: there may be no further process: a task is then done at once, in this one.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self._alone = alone
        self._names, self._answers = deque[str](), deque[_Answer]()
        if not alone:
            context = context_for(_serve)
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(forking(context), self._pipe, theirs))  # type: ignore[attr-defined]
            self._process.start()
            theirs.close()

    def begin(self, name: str, task: Task) -> None:
        """Have a task done after those begun before; it is pickled, and named in an error."""
        self._names.append(name)
        if self._alone:
            self._answers.append((task(), None))
        else:
            with contextlib.suppress(BrokenPipeError):  # it died: to be said by result()
                self._pipe.send(task)

    def result(self) -> Any:
        """What the first task of those not asked for yet returned; waits for it.

        Raises:
            OSError: the process died.
            Exception: what the task raised.

        """
        name = self._names.popleft()
        try:
            value, error = self._answers.popleft() if self._alone else self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            raise OSError(errno.ECHILD, f"{name}: its process died ({self._process.exitcode})") from None
        if error is not None:
            raise error
        return value

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alone:
            return
        if error is not None and self._process.is_alive():
            os.kill(self._process.pid, signal.SIGINT)
        self._pipe.close()
        self._process.join()


def _serve(parent: int, theirs: Connection, mine: Connection) -> None:
    die_with_parent(parent)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt_once)
    theirs.close()  # else this process would hold open what it waits for to be closed
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            task: Task = mine.recv()
            try:
                answer: _Answer = task(), None
            except Exception as error:
                answer = None, error
            mine.send(answer)


def _interrupt_once(*_: object) -> None:
    """Raise KeyboardInterrupt; a second one, from the terminal and from our parent, must not break off the clearing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
