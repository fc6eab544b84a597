from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import tifffile

from semtrace.io.video import frames, is_video, write_stack
from semtrace.io.volumes.volume import UnreadableVolume

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "curation"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the case files of ../shared/cases are not here")


@pytest.fixture(scope="module")
def doubled():
    return np.kron(np.load(CASES / "truth_volume.npy"), np.ones((1, 2, 2), np.uint8))


@needs_cases
def test_lossless_grey_of_odd_size_is_what_was_recorded(doubled, tmp_path):
    written = write_stack(CASES / "21_gray_odd_size_ffv1.avi", tmp_path / "a.tif")
    assert written.shape == (6, 79, 117)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), doubled[:6, :79, :117])
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff


@needs_cases
def test_frames_come_once_in_display_order_whatever_the_rate(doubled):
    got = [frame.gray for frame in frames(CASES / "22_vfr_h264.mp4")]
    assert len(got) == 12
    errors = np.array([[np.abs(one.astype(int) - other).mean() for other in doubled] for one in got])
    assert errors.argmin(axis=1).tolist() == list(range(12))
    assert errors.min(axis=1).max() < 1.0


@needs_cases
def test_alpha_is_ignored_and_said(doubled, tmp_path):
    written = write_stack(CASES / "23_four_channels_png.avi", tmp_path / "a.tif")
    assert "alpha ignored" in written.notes
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), doubled[: written.shape[0]])


@needs_cases
def test_an_empty_file_says_so(tmp_path):
    with pytest.raises(UnreadableVolume, match="empty_file"):
        write_stack(CASES / "25_empty.avi", tmp_path / "a.tif")
    assert not list(tmp_path.iterdir())


def make(path, sizes, codec="ffv1", pix="gray"):
    """A lossless video with a frame of each size; every size after the first needs a container that allows it."""
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=5)
        stream.height, stream.width, stream.pix_fmt = *sizes[0], pix
        for size in sizes:
            frame = av.VideoFrame.from_ndarray(random.integers(0, 256, size, np.uint8), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_that_is_cut_off_is_refused_or_salvaged(tmp_path):
    whole = make(tmp_path / "whole.avi", [(48, 64)] * 12)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(UnreadableVolume, match=r"truncated|corrupt"):
        write_stack(cut, tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()
    written = write_stack(cut, tmp_path / "b.tif", salvage=True)
    assert 3 <= written.shape[0] < 12
    full = [frame.gray for frame in frames(whole)]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif")[:3], full[:3])


def test_a_size_that_changes_midway_is_refused(tmp_path):
    parts = [make(tmp_path / f"{side}.mjpeg", [(side, side)] * 2, "mjpeg", "yuvj420p") for side in (48, 64)]
    joined = tmp_path / "joined.mjpeg"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(UnreadableVolume, match="size_changes"):
        list(frames(joined))


def test_full_range_is_not_widened_again(tmp_path):
    steps = np.repeat(np.arange(0, 256, 4, dtype=np.uint8), 4)[None].repeat(64, 0)
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.height, stream.width, stream.pix_fmt = *steps.shape, "yuvj420p"
        stream.options = {"qscale": "1"}
        planes = np.concatenate([steps.ravel(), np.full(steps.size // 2, 128, np.uint8)])
        frame = av.VideoFrame.from_ndarray(planes.reshape(-1, steps.shape[1]), format="yuvj420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (got,) = frames(tmp_path / "a.avi")
    assert np.abs(got.gray.astype(int) - steps).mean() < 6
    assert got.gray.min() < 10
    assert got.gray.max() > 240


@pytest.mark.parametrize("data", [b"x" * 500, b"RIFF\0\0\0\0AVI " + b"\0" * 200, b"GIF89a" + b"\xff" * 50])
def test_nonsense_is_refused(data, tmp_path):
    (tmp_path / "a.avi").write_bytes(data)
    with pytest.raises(UnreadableVolume):
        list(frames(tmp_path / "a.avi"))


def test_is_video_looks_at_the_content():
    assert is_video(b"RIFF\0\0\0\0AVI LIST")
    assert is_video(b"\0\0\0\x20ftypisom")
    assert is_video(b"GIF89a......")
    assert not is_video(b"RIFF\0\0\0\0WAVEfmt ")
    assert not is_video(b"II*\0........")


def test_real_videos(shared, tmp_path):
    folder = shared / "volumes_video" / "imageio_stacks_video"
    written = write_stack(folder / "newtonscradle.gif", tmp_path / "a.tif")
    assert written.shape == (36, 150, 200)
    assert sum(1 for _ in frames(folder / "realshort.mp4")) == 36
