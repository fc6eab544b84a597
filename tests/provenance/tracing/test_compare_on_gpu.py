"""SSIM in batches on a torch device; here a device is the CPU."""

from __future__ import annotations

import pytest

from semtrace.cli.main import main
from semtrace.io.cache import Cache
from semtrace.provenance import match
from semtrace.provenance.tracing import compare_on_gpu, evidence
from semtrace.stage.executor import Executor
from tests.pipeline import defaults


@pytest.mark.parametrize("memory_mb", [1, 512])
def test_the_tables_are_those_of_the_workers(memory_mb, done, tmp_path, monkeypatch):
    fill, found = compare_on_gpu.precompute_ssim, []

    def on_the_cpu(tasks, executor, device):
        assert device == "cuda"
        fill(tasks, executor, "cpu")
        with Cache(executor.cache) as cache:
            found.extend(compare_on_gpu.has_similarities(task, cache) for task in tasks)

    monkeypatch.setattr(evidence, "choose_device", lambda device: "cuda")
    monkeypatch.setattr(compare_on_gpu, "precompute_ssim", on_the_cpu)
    hashes = done.work / "fingerprint"
    match.run(
        hashes / "tiff/hashes.csv", [hashes / "jpeg/hashes.csv"], tmp_path / "match", defaults(tmp_path).match,
        Executor(1, tmp_path / "c.sqlite", memory_mb=memory_mb), archive=done.archive, published=done.published,
        converted=done.work / "convert/converted.csv", verdicts=done.known / "verdicts.csv",
    )  # fmt: skip
    assert sum(found) > 3
    for name in ("jpeg_to_tiff.csv", "tiff_to_jpeg.csv", "rejects.csv"):
        assert (tmp_path / "match" / name).read_bytes() == (done.work / "match" / name).read_bytes()


def test_a_device_that_is_not_there_is_said_before_any_work(monkeypatch, tmp_path):
    monkeypatch.setattr("semtrace.core.gpu.device._driver_sees_a_device", lambda: False)
    with pytest.raises(ValueError, match="NVIDIA's driver"):
        Executor(1, tmp_path / "c", device="cuda")
    with pytest.raises(ValueError, match="auto, cpu or cuda"):
        Executor(1, tmp_path / "c", device="gpu")
    Executor(1, tmp_path / "c", device="auto")


def test_a_device_without_room_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    class OutOfMemoryError(RuntimeError):  # torch's has this name and base
        pass

    def full(*_: object) -> None:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 512.00 MiB")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("semtrace.cli.preconditions.begin", lambda given: None)  # there is no project here
    monkeypatch.setattr("semtrace.cli.stages.run_stage", full)
    assert main(["match"]) == 1
    assert capsys.readouterr().err.startswith("semtrace: error: the CUDA device has no room: lower executor.memory_mb")
