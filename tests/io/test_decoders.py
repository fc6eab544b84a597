import gc
import io
import logging
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from semtrace.io.decoders import MAX_PIXELS, TooLargeError, by_tifffile, check_size, quiet_decoders


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_everything_a_decoder_says_is_dropped(capfd, caplog):
    with quiet_decoders():
        warnings.warn("Corrupt EXIF data", stacklevel=1)  # an error in these tests
        logging.getLogger("tifffile").error("invalid offset")
        os.write(2, b"Fax4Decode: Bad code word\n")
    assert capfd.readouterr().err == ""
    assert not caplog.records


def test_all_is_heard_again_afterwards_even_after_an_error(capfd, caplog):
    descriptors = open_descriptors()
    with pytest.raises(KeyError), quiet_decoders():
        raise KeyError
    os.write(2, b"heard\n")
    logging.getLogger("tifffile").error("heard")
    with pytest.warns(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)
    assert capfd.readouterr().err.startswith("heard")
    assert len(caplog.records) == 1
    # Many times over, for the garbage collector may close another test's file in between.
    for _ in range(50):
        with quiet_decoders():
            pass
    assert open_descriptors() < descriptors + 25


def test_a_setting_of_somebody_else_is_kept():
    logging.disable(logging.INFO)
    try:
        with quiet_decoders():
            pass
        assert logging.root.manager.disable == logging.INFO
    finally:
        logging.disable(logging.NOTSET)


def test_without_a_standard_error_it_still_works():
    saved = os.dup(2)
    os.close(2)
    try:
        with quiet_decoders():
            warnings.warn("Corrupt EXIF data", stacklevel=1)
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def test_the_limit_itself_is_allowed():
    check_size(MAX_PIXELS, 1)
    with pytest.raises(TooLargeError, match="the limit is 134217728"):
        check_size(MAX_PIXELS + 1, 1)


def test_a_file_does_not_live_on_where_no_garbage_is_looked_for():
    written = io.BytesIO()
    tifffile.imwrite(written, np.add.outer(np.arange(40.0), np.arange(50.0)))
    data = written.getvalue()
    before = sys.getrefcount(data)
    gc.disable()
    try:
        assert by_tifffile(data).gray.shape == (40, 50)
        assert sys.getrefcount(data) == before
    finally:
        gc.enable()
