"""`semtrace ui` where it cannot start, and where it starts and is ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from semtrace.cli import main
from semtrace.config.params import write_params
from semtrace.core.errors import InputError
from semtrace.tracking import ui

CONF = Path(__file__).resolve().parents[2] / "conf"
SERVER = """
import signal, sys, time
from semtrace.tracking import ui
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell leaves it to what runs in the background
ui.sys.executable = sys.argv[1]
sys.exit(ui._serve("sqlite:///none.db", "none", int(sys.argv[2]), "opened"))
"""
LATE = """#!{python}
import socket, sys, time
with socket.socket() as listening:
    listening.bind(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
    time.sleep(0.5)
    print("ready", flush=True)
    listening.listen()
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    write_params(CONF, tmp_path / "params.yaml", ["tracking=off"])
    monkeypatch.chdir(tmp_path)


def test_a_busy_port_is_told_with_another_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 cannot be had.*`semtrace ui --port "):
            ui.serve_ui(port)


def test_without_a_store_there_is_nothing_to_show(capsys):
    assert main.main(["ui", "--port", "0"]) == 2
    assert "tracking is off in params.yaml" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # MLflow's
def test_a_server_that_ends_by_itself_is_a_fault(tmp_path, monkeypatch):
    write_params(CONF, tmp_path / "params.yaml", [])
    monkeypatch.setattr(ui, "_serve", lambda *_: 1)
    with pytest.raises(OSError, match="MLflow's server ended by itself, with exit code 1"):
        ui.serve_ui(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_with_it_and_no_traceback(tmp_path, number):
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\necho $$ running\nexec sleep 60\n")
    server.chmod(0o755)
    command = [sys.executable, "-c", SERVER, str(server), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as started:
        running = started.stdout.readline().split()
        assert running[1] == "running"
        started.send_signal(number)
        said = started.communicate(timeout=30)[0]
    assert (started.returncode, said.strip()) == (0, "MLflow has ended")
    assert not Path("/proc", running[0]).exists()


def test_the_address_is_said_when_the_server_answers_and_not_before(tmp_path):
    server = tmp_path / "server"
    server.write_text(LATE.format(python=sys.executable))
    server.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(server), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as started:
        assert [started.stdout.readline() for _ in range(2)] == ["ready\n", "opened\n"]
        started.send_signal(signal.SIGINT)
        started.send_signal(signal.SIGTERM)
        assert started.communicate(timeout=30)[0].strip() == "MLflow has ended"
