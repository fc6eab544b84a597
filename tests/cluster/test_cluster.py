"""The main job on a scheduler and two workers: the bytes of a serial run, whatever happens to the workers."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed (the extra `dask`)")

from semtrace.cli.main import main
from semtrace.cluster import client
from semtrace.cluster.client import on_cluster
from semtrace.parallel.processes import Crashed
from semtrace.provenance import inventory
from tests.cluster.harness import PROJECT, Cluster
from tests.crash.harness import digests
from tests.pipeline import defaults, run_all
from tests.small_archive import Done, build


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A small archive after all stages in one process on this machine."""
    root = tmp_path_factory.mktemp("small")
    build(root)
    parts = root / "archive", root / "published", root / "known", root / "work"
    return Done(*parts, run_all(*parts, defaults(root)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("dask"))
    running.worker("a")
    running.worker("b")
    yield running
    running.close()


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch):
    monkeypatch.setattr(client, "SMALLEST", 5)  # so that few images are many tasks


def nothing(_: object) -> list[str]:
    return []


def mapped(cluster: Cluster, function, items, sees=nothing) -> list:
    return list(on_cluster(function, items, address=cluster.address, what="t", reads=sees, chunk=2))


def double(x: int) -> int:
    return 2 * x


def die_at_thirteen(x: int) -> int:
    if x == 13:
        os.kill(os.getpid(), signal.SIGSEGV)
    return x


def fail_at_three(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x


def kill_the_worker(mark: str, x: int) -> int:
    """At item 13, once: kill the Dask worker, the parent of this process's parent."""
    if x == 13 and not Path(mark).exists():
        Path(mark).touch()
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        os.kill(int(status.partition("PPid:")[2].split()[0]), signal.SIGKILL)
    return x


def test_the_main_job_has_the_bytes_of_a_serial_run(done: Done, cluster, tmp_path, capfd):
    run_all(done.archive, done.published, done.known, tmp_path / "work", defaults(tmp_path, *here(cluster)))
    assert digests(tmp_path / "work") == digests(done.work)
    said = capfd.readouterr().err
    for stage in ("inventory", "convert", "fingerprint tiff", "fingerprint jpeg", "compare"):
        assert f"{stage}: " in said
    assert f"2 workers at {cluster.address}, dashboard" in said
    assert [path.name for path in tmp_path.iterdir() if "cache" in path.name] == ["cache.sqlite"]


def test_relative_paths_are_meant_from_the_clients_folder(done, cluster, tmp_path, monkeypatch):
    shutil.copytree(done.archive, tmp_path / "archive", symlinks=True)
    monkeypatch.chdir(tmp_path)
    p = defaults(Path("cache"), *here(cluster))
    for _ in range(2):  # the second time with what is known
        inventory.run(Path("archive"), Path("work/inventory"), p.executor)
        assert digests(Path("work/inventory")) == digests(done.work / "inventory")


def here(cluster: Cluster) -> list[str]:
    return ["executor=dask", f"executor.address={cluster.address}"]


def test_results_come_in_order(cluster):
    assert mapped(cluster, double, range(137)) == list(range(0, 274, 2))
    assert mapped(cluster, double, []) == []


def test_an_item_that_crashes_its_decoder_costs_itself_and_no_worker(cluster):
    results = mapped(cluster, die_at_thirteen, range(40))
    assert isinstance(results[13], Crashed)
    assert "segmentation fault" in results[13].detail
    assert results[:13] + results[14:] == [x for x in range(40) if x != 13]
    assert all(process.poll() is None for process in cluster.processes)


def test_an_exception_ends_the_map(cluster):
    with pytest.raises(ValueError, match="three"):
        mapped(cluster, fail_at_three, range(40))


def test_a_killed_worker_costs_nothing(cluster, tmp_path):
    results = mapped(cluster, partial(kill_the_worker, str(tmp_path / "mark")), range(60))
    assert results == list(range(60))
    assert [process.poll() for process in cluster.processes].count(-signal.SIGKILL) == 1
    cluster.worker("c")


# --- said before any work starts


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    shutil.copytree(PROJECT / "conf", tmp_path / "conf")
    for name in ("archive", "published"):
        (tmp_path / "data/raw" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capfd, *words: str) -> str:
    capfd.readouterr()
    assert main(["inventory"]) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith("semtrace: error: ")
    for word in words:
        assert word in said
    return said


def test_a_scheduler_that_is_not_there(project, monkeypatch, capfd):
    monkeypatch.setattr(client, "CONNECT", 0.5)
    assert main(["params", "dataset=archive", "executor=dask", "executor.address=tcp://127.0.0.1:9"]) == 0
    refused(capfd, "tcp://127.0.0.1:9: no Dask scheduler answers", "`dask scheduler`", "executor=local")


def test_an_address_that_is_none(project, capfd):
    assert main(["params", "dataset=archive", "executor=dask", "executor.address=cluster:8786"]) == 2
    assert "tcp:// or tls://host:port" in capfd.readouterr().err


def test_a_scheduler_without_workers(project, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(client, "PATIENCE", 0.5)
    alone = Cluster(tmp_path / "alone")
    try:
        main(["params", "dataset=archive", "executor=dask", f"executor.address={alone.address}"])
        refused(capfd, "no worker for 0.5 s", f"`dask worker {alone.address}`")
    finally:
        alone.close()


def test_other_versions(project, cluster, monkeypatch, capfd):
    main(["params", "dataset=archive", *here(cluster)])
    about = client.about()
    monkeypatch.setattr(client, "about", lambda: {**about, "numpy": "1.0", "code of semtrace": "0"})
    refused(capfd, "2 of 2 workers", f"numpy {about['numpy']} (here 1.0)", "code of semtrace", "same environment")


def test_a_folder_that_workers_do_not_see(project, cluster, capfd):
    (project / "data/raw/archive/a.tif").write_bytes(b"a")
    opened = os.open(project / "data/raw/archive", os.O_RDONLY)
    try:  # a path that is this folder in this process, and nothing in another one
        main(["params", "dataset=archive", f"dataset.archive=/proc/self/fd/{opened}", *here(cluster)])
        refused(capfd, f"it sees of /proc/self/fd/{opened}: ", "same folders at the same paths")
    finally:
        os.close(opened)


# --- what cannot be mended is said, and ends the run


def kill(pid: int, x: int) -> int:
    if x == 13:
        os.kill(pid, signal.SIGKILL)
    return x


@pytest.mark.heavy
@pytest.mark.parametrize("what", ["scheduler", "worker"])
def test_without_scheduler_or_workers_the_run_fails_and_says_so(tmp_path, monkeypatch, what):
    monkeypatch.setattr(client, "PATIENCE", 5.0)
    running = Cluster(tmp_path / "dask")
    try:
        worker = running.worker("a")
        pid = worker.pid if what == "worker" else running.scheduler.pid
        said = "all workers are gone" if what == "worker" else "the scheduler was lost"
        with pytest.raises(OSError, match=f"{said}.*run it again"):
            mapped(running, partial(kill, pid), range(60))
    finally:
        running.close()
