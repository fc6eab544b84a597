"""Real servers for tests, on loopback and in a folder of the test's own: PostgreSQL, and MLflow over any store."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

PATIENCE = 180.0  # seconds: an MLflow server takes half a minute to start on a busy machine


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextlib.contextmanager
def started(command: Sequence[str], folder: Path, name: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process with its log in ``folder``; it and its children are gone at the end."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    """Until ``ready``, a URL, answers; the log is shown where the server ends or takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(ready, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"{ready} does not answer:\n{log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A new PostgreSQL cluster with an empty database; its URI for SQLAlchemy. Skips where there is no PostgreSQL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    found = programs[-1] if programs else shutil.which("postgres")
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (pip install -e '.[server]')")
    bin_folder = Path(found).resolve().parent
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres")
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL refuses to run as root, and there is no setpriv to be another user")
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        os.chown(folder, user.pw_uid, user.pw_gid)
        for parent in folder.parents:  # pytest's folders are closed to others; this lets them pass, not look
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    port, data = free_port(), folder / "cluster"
    make = ["initdb", "-D", str(data), "-U", "semtrace", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run([*as_user, str(bin_folder / make[0]), *make[1:]], cwd=folder, check=True, capture_output=True)
    serve = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F"]
    with started([*as_user, str(bin_folder / "postgres"), *serve], folder, "postgresql") as process:
        import psycopg

        uri = f"postgresql://semtrace@127.0.0.1:{port}/postgres"
        end = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(uri).close()
                break
            except psycopg.OperationalError:
                if time.monotonic() > end or process.poll() is not None:
                    pytest.fail((folder / "postgresql.log").read_text(errors="replace")[-3000:])
                time.sleep(0.1)
        yield uri


@contextlib.contextmanager
def mlflow_server(folder: Path, store: str) -> Iterator[str]:
    """An MLflow tracking server over ``store``, with artifacts in ``folder`` served by it; its URL."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--host", "127.0.0.1",
        "--artifacts-destination", str(folder / "artifacts"), "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    with started(command, folder, "mlflow", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false") as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(process, f"{url}/health", folder / "mlflow.log")
        yield url
