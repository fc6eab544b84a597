"""A server for one person on this machine: it starts, says its address, and ends with Ctrl+C."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.web.guard import Guard

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """A socket that listens on this machine alone; port 0 is any that is free.

    Raises:
        InputError: the port is taken, or may not be used.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, port))
        made.listen(128)
    except (OSError, OverflowError) as error:
        made.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "it is taken by another program" if taken else str(error)
        raise InputError(f"port {port}: {why}; name another one (--port), or 0 for any that is free") from error
    return made


def serve_page(app: Any, listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Serve an application until Ctrl+C.

    Args:
        app: an ASGI application; a guard is put before it.
        listening: as from ``listen``.
        ready: called with the address that lets a browser in, once the server answers.
    """
    import uvicorn

    guard = Guard(app, listening.getsockname()[1])
    config = uvicorn.Config(
        guard, log_level="warning", access_log=False, lifespan="off", server_header=False, ws="none",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    # uvicorn raises a signal again after it has ended; then this ends the block instead of the process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ready(guard.address)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


@contextlib.contextmanager
def browser_opened(address: str) -> Iterator[None]:
    """Open a browser through a file that only this user can read: all users see the arguments of programs."""
    with tempfile.TemporaryDirectory(prefix="semtrace-") as folder:
        file = Path(folder) / "open.html"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as page:
            page.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(address, quote=True)}">\n')
        webbrowser.open(file.as_uri())
        yield
