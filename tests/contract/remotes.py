"""Real servers on loopback that a DVC remote can lie on: SSH, WebDAV and S3."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Remote:
    """What `dvc remote add` and `dvc remote modify` are told, and what the environment must hold."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def serve(kind: str, root: Path) -> contextlib.AbstractContextManager[Remote]:
    """A remote that stores in ``root``, an empty folder; the test is skipped where its server or client is absent."""
    return {"ssh": _ssh, "webdav": _webdav, "s3": _s3}[kind](root)


@contextlib.contextmanager
def _ssh(root: Path) -> Iterator[Remote]:
    _need("dvc_ssh")
    sshd, port = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"), _free_port()
    if sshd is None:
        pytest.skip("no sshd here (Debian: openssh-server)")
    home, keys = root / "home/.ssh", {name: root / name for name in ("host", "user")}
    home.mkdir(parents=True)
    for name, key in keys.items():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
    public = {name: Path(f"{key}.pub").read_text() for name, key in keys.items()}
    (home / "known_hosts").write_text(f"[127.0.0.1]:{port} {public['host']}")
    (home / "authorized_keys").write_text(public["user"])
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where Debian's service would make it
    said = {
        "ListenAddress": f"127.0.0.1:{port}", "HostKey": keys["host"], "AuthorizedKeysFile": home / "authorized_keys",
        "PidFile": "none", "UsePAM": "no", "StrictModes": "no", "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password", "Subsystem": "sftp internal-sftp",
    }  # fmt: skip
    (root / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in said.items()))
    with _running([sshd, "-D", "-e", "-f", str(root / "sshd_config")], port, root):
        user = {"user": getpass.getuser(), "keyfile": str(keys["user"])}
        yield Remote(f"ssh://127.0.0.1:{port}{root}/store", user, {"HOME": str(root / "home")})


@contextlib.contextmanager
def _webdav(root: Path) -> Iterator[Remote]:
    _need("dvc_webdav", "wsgidav", "cheroot")
    (root / "store").mkdir()
    port = _free_port()
    command = [
        "-m",
        "wsgidav.server.server_cli",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--root",
        str(root / "store"),
    ]
    with _running([sys.executable, *command, "--auth", "anonymous", "--no-config"], port, root):
        yield Remote(f"webdav://127.0.0.1:{port}/")


@contextlib.contextmanager
def _s3(root: Path) -> Iterator[Remote]:
    _need("dvc_s3", "moto")
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    with _running([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, root):
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/store", method="PUT")).close()
        known = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        yield Remote("s3://store/dvc", {"endpointurl": endpoint}, known)


def _need(*modules: str) -> None:
    absent = [name for name in modules if find_spec(name) is None]
    if absent:
        pytest.skip(f"{', '.join(absent)} not installed: pip install -c constraints.txt '.[remotes]'")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def _running(command: Sequence[str], port: int, root: Path) -> Iterator[None]:
    """Run a server until the block ends; give the block to it when it answers."""
    with (root / "server.txt").open("wb") as said:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while not _answers(port):
            assert server.poll() is None, (root / "server.txt").read_text()[-3000:]
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
