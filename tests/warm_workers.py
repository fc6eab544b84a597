"""What worker processes of the tests are forked from: a server that has loaded what stages use.

A process of pytest-xdist has several threads, so workers are forked from multiprocessing's server, not from it
(``semtrace.parallel.processes``). Each worker of each pool would import a stage's modules and load its kernels anew.
"""

from __future__ import annotations

import imagehash  # noqa: F401
import numpy as np
import skimage.metrics  # noqa: F401

from semtrace.io.images import decode, encode_jpeg
from semtrace.provenance import convert, inventory, reference_check  # noqa: F401
from semtrace.provenance.duplicates.likeness import likeness, shrink
from semtrace.provenance.fingerprint import HashSettings
from semtrace.provenance.tracing import crop_search, page_pictures  # noqa: F401
from semtrace.provenance.tracing.compare_pairs import load_kernels
from semtrace.provenance.tracing.prefetch import Hashes
from semtrace.stage import cached_map, decode_files  # noqa: F401

load_kernels()
Hashes(HashSettings(32)).prepare()
ramp = np.add.outer(np.arange(300), np.arange(300)).astype(np.uint8)
likeness(shrink(ramp), shrink(ramp))
decode(encode_jpeg(ramp))
