"""Workers on machines of their own, made of namespaces: another file system view, a network that is cut."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed (the extra `dask`)")

from semtrace.cluster import client
from semtrace.cluster.client import ClusterError, check_cluster, on_cluster
from semtrace.provenance import convert, inventory
from tests.cluster.harness import Cluster
from tests.crash.harness import digests, until
from tests.pipeline import defaults
from tests.small_archive import save, scene

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="namespaces need root, and iproute2"),
]
NETWORK, BRIDGE, NAMES = "10.213.87", "semtrace0", ("semtrace-a", "semtrace-b")
IMAGES = 300


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def machines() -> Iterator[tuple[str, ...]]:
    """Two network namespaces on one bridge; the client and the scheduler are outside, at the bridge's address."""

    def clear() -> None:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)

    clear()
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network of one's own here: {error.stderr.decode().strip()}")
    ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    for number, name in enumerate(NAMES, 2):
        ip("netns", "add", name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", BRIDGE, "up")
        ip("-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
    yield NAMES
    clear()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    base = scene(1, 384, 512)
    for number in range(IMAGES):
        base[:2, :8] = number // 256, number % 256, *[0] * 6  # another content each time
        save(tmp_path / "archive" / f"{number % 7}" / f"{number:03}.tif", base)
    return tmp_path / "archive"


def test_a_worker_that_is_cut_off_costs_nothing(machines, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "SMALLEST", 10)
    serial, cluster = defaults(tmp_path / "one"), Cluster(tmp_path / "dask", f"{NETWORK}.1")
    inventory.run(archive, tmp_path / "inventory", serial.executor)
    listing = tmp_path / "inventory/inventory.csv"
    convert.run(archive, listing, tmp_path / "serial", serial.convert, serial.executor)
    for name in machines:
        cluster.worker(name, ["ip", "netns", "exec", name])
    far = defaults(tmp_path / "two", "executor=dask", f"executor.address={cluster.address}")
    cut = threading.Event()

    def cut_one_off() -> None:
        until(lambda: len(list((tmp_path / ".far.part/images").rglob("*.jpg"))) > IMAGES // 10)
        ip("link", "set", machines[1], "down")
        cut.set()

    thread = threading.Thread(target=cut_one_off)
    try:
        check_cluster(cluster.address, [archive], tmp_path)
        thread.start()
        begun = time.monotonic()
        convert.run(archive, listing, tmp_path / "far", far.convert, far.executor)
        print(f"{time.monotonic() - begun:.0f} s in all")
        assert cut.is_set()
        assert digests(tmp_path / "far") == digests(tmp_path / "serial")
        said = (tmp_path / "dask/scheduler/said.txt").read_text()
        assert f"tcp://{NETWORK}.3" in said[said.index("Remove") if "Remove" in said else 0 :], cluster.said()
    finally:
        cluster.close()
        thread.join()


# --- a worker that is on another machine, where another folder lies under the path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[Cluster, Path]]:
    """Two workers; one sees another folder under the path of the folder ``shared``."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "file").write_text("the file")
    (tmp_path / "other").mkdir()
    running = Cluster(tmp_path / "dask")
    mount = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    running.worker("a")
    running.worker(
        "b", ["unshare", "--mount", "sh", "-c", mount, "sh", str(tmp_path / "other"), str(tmp_path / "shared")]
    )
    yield running, tmp_path / "shared"
    running.close()


def read(file: str, _: int) -> str:
    return Path(file).read_text() if Path(file).exists() else "unreadable"


def test_a_worker_that_sees_another_folder_does_no_work(elsewhere, tmp_path, monkeypatch, capfd):
    cluster, shared = elsewhere
    monkeypatch.setattr(client, "SMALLEST", 5)
    monkeypatch.setattr(client._Cluster, "ready", lambda self, _: self.client.wait_for_workers(2) or 2)  # as if late
    file = str(shared / "file")
    results = on_cluster(
        partial(read, file), range(60), address=cluster.address, what="t", reads=lambda _: [file], chunk=2
    )
    assert list(results) == ["the file"] * 60
    assert "is left out: it sees of" in capfd.readouterr().err
    monkeypatch.undo()
    with pytest.raises(ClusterError, match=r"1 of 2 workers .* No such file"):
        check_cluster(cluster.address, [shared], tmp_path)
