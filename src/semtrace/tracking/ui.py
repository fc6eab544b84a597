"""`semtrace ui`: the MLflow UI of the local store, opened where the answer is, ended by Ctrl-C."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from semtrace.config import params
from semtrace.core.errors import InputError
from semtrace.tracking import landing, pipeline_run

_HOST = "127.0.0.1"
_OFTEN = 0.2  # seconds between two looks whether a person ended it
_PATIENCE = 10.0  # seconds; a server that has not ended by then is killed


def serve_ui(port: int) -> None:
    """Start the server and wait until it or a person ends it.

    Args:
        port: of this machine.

    Raises:
        InputError: the port is busy, or there is no store.
        OSError: the server ended with a fault.
    """
    check_free(port)
    tracking = params.load(Path("params.yaml")).tracking
    store = pipeline_run.connect(tracking)
    if store is None:
        raise InputError("tracking is off in params.yaml, so there is no store; compose it with tracking=local")
    landing.prepare(store)
    if store.uri.startswith(("http://", "https://")):
        print(f"MLFLOW_TRACKING_URI names a server that runs already: {landing.link(store, store.uri.rstrip('/'))}")
        return
    print("MLflow starts, which takes some seconds; Ctrl-C ends it", flush=True)
    opened = f"MLflow opens on the answer at\n  {landing.link(store, f'http://{_HOST}:{port}')}"
    if code := _serve(store.uri, tracking.artifacts, port, opened):
        raise OSError(errno.EIO, f"MLflow's server ended by itself, with exit code {code}", store.uri)


def check_free(port: int) -> None:
    """Refuse a port that something else listens on.

    Raises:
        InputError: it is busy, or none.
    """
    try:
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            asked.bind((_HOST, port))
    except (OSError, OverflowError) as error:
        raise InputError(
            f"port {port} of {_HOST} cannot be had ({error}); another MLflow may run there. "
            f"Choose another port: `semtrace ui --port {port + 1 if 0 < port < 65535 else 5001}`"
        ) from error


def _serve(uri: str, artifacts: str, port: int, opened: str) -> int:
    """Serve until a person ends it; ``opened`` is said once the server answers. The exit code of one that ends."""
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri, "--artifacts-destination", artifacts,
        "--host", _HOST, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level warning",
    ]  # fmt: skip
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    asked: list[int] = []  # to end; a handler that raises could strike before the server is known
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: asked.append(number))
    # A session of its own: Ctrl-C reaches this process alone, which ends the server and all that it started.
    with subprocess.Popen(command, env={**os.environ, **quiet}, start_new_session=True) as server:  # noqa: S603
        answers = False
        while not asked:
            with suppress(subprocess.TimeoutExpired):
                return server.wait(_OFTEN)
            if not answers and (answers := _answers(port)):
                print(opened, flush=True)
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
    print("\nMLflow has ended")
    return 0


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), _OFTEN).close()
    except OSError:
        return False
    return True
