"""A Dask scheduler and workers as processes, as `dask scheduler` and `dask worker` start them on machines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([*dict.fromkeys(path for path in sys.path if path), str(PROJECT)]),
    # A peer that is cut off is given up after 12 s, a worker that does not report after 15 s (docs/scale.md).
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "12s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "15s",
}


def free_port(host: str) -> int:
    with socket.socket() as bound:
        bound.bind((host, 0))
        return bound.getsockname()[1]


class Cluster:
    """A scheduler and its workers; each worker has a folder of its own, which is not the client's."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.folder, self.host = folder, host
        port = free_port(host)
        self.address = f"tcp://{host}:{port}"
        self.processes: list[subprocess.Popen] = []
        listening = ["--host", host, "--port", str(port), "--dashboard-address", f"{host}:0", "--no-show"]
        self.scheduler = self._start("scheduler", [*listening], ())

    def worker(self, name: str, before: Sequence[str] = (), *options: str) -> subprocess.Popen:
        more = ["--nthreads", "1", "--no-dashboard", "--death-timeout", "60", "--name", name, "--no-nanny", *options]
        return self._start("worker", [self.address, *more], before, name)

    def _start(self, what: str, more: Sequence[str], before: Sequence[str], name: str = "") -> subprocess.Popen:
        place = self.folder / (name or what)
        place.mkdir(parents=True)
        with (place / "said.txt").open("w") as said:
            process = subprocess.Popen(
                [*before, sys.executable, "-m", "dask", what, *more], cwd=place, env=ENVIRONMENT,
                stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def said(self) -> str:
        return "\n".join(f"{path}: {path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*/said.txt")))

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
