"""shard: all that can be known of one folder of the archive by itself, for ``join``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from semtrace.core.errors import InputError
from semtrace.provenance import convert, fingerprint, inventory
from semtrace.provenance.tracing.prefetch import Hashes
from semtrace.stage.executor import Executor


def run(
    folder: Path,
    out: Path,
    settings: convert.Settings,
    size: fingerprint.HashSettings,
    selection: fingerprint.Selection,
    executor: Executor,
    *,
    part: str,
    exclude: Sequence[str] = (),
) -> list[Any]:
    """Write ``inventory/``, ``convert/`` and ``fingerprint/tiff/`` of ``folder`` to ``out``; return their summaries.

    ``folder`` is ``part`` of the archive, a POSIX path. What ``exclude`` names is left out, see ``list_inputs``.

    Raises:
        InputError: ``folder`` is missing, or a sample of the whole archive is asked for.

    """
    if selection.sample_tiff is not None:
        raise InputError("fingerprint.sample_tiff draws from the whole archive, not from a shard; set it to null")
    # A side cache of its own: shards may run at the same time on several machines, and one machine writes a cache.
    executor = replace(executor, cache=executor.cache.with_name(f"shard-{out.name}-{executor.cache.name}"))
    listing = out / "inventory/inventory.csv"
    return [
        inventory.run(folder, out / "inventory", executor, ahead=[Hashes(size)], exclude=exclude, part=part),
        convert.run(folder, listing, out / "convert", settings, executor),
        fingerprint.tiffs(folder, listing, out / "fingerprint/tiff", size, selection, executor),
    ]
