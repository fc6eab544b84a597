"""Where the work of a stage is done: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from semtrace.cluster.client import check_cluster, on_cluster
from semtrace.core.gpu.device import Device, choose
from semtrace.io.cache import frozen
from semtrace.parallel.processes import Crashed, map_images
from semtrace.stage.settings import Section, Whole

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Section, section="executor"):
    """Where the work is done; no result depends on it.

    Attributes:
        workers: processes on this machine; 0 means one per core.
        cache: file of the side cache.
        device: where the SSIM of many pairs is computed: ``cpu``, ``cuda``, or ``auto`` for CUDA where it is there.
        memory_mb: bound in 10^6 bytes for the pictures of one batch on a CUDA device, and for its working memory.
        address: of a Dask scheduler whose workers do what can be done image by image; empty: this machine does.

    """

    workers: Annotated[Whole, Field(ge=0, description="0: one per core")]
    cache: Path
    device: Device = "cpu"
    memory_mb: Annotated[Whole, Field(ge=1)] = 512
    address: Annotated[
        str, Field(pattern=r"^((tcp|tls)://[^\s/]+:\d+)?$", description="tcp:// or tls://host:port, or empty")
    ] = ""

    @model_validator(mode="after")
    def _there_is_a_device(self) -> Self:
        if self.device == "cuda":
            choose("cuda")  # said before any work starts
        return self

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        what: str,
        reads: Callable[[Item], Sequence[str]],
        chunk: int = 8,
        prepare: Callable[[], object] | None = None,
    ) -> Iterator[Result | Crashed]:
        """``map_images`` on this machine or ``on_cluster``, which says what ``reads`` is."""
        if self.address:
            where = self.address
            return on_cluster(function, items, address=where, what=what, reads=reads, chunk=chunk, prepare=prepare)
        return map_images(function, items, workers=self.workers, what=what, chunk=chunk, prepare=prepare)

    def on_this_machine(self) -> Executor:
        """The same without a cluster, for work on what only this machine has."""
        return replace(self, address="")

    @contextlib.contextmanager
    def cache_for_workers(self) -> Iterator[str]:
        """The file in which workers look up what is known: the side cache, or for other machines a copy of it."""
        if not self.address:
            yield str(self.cache)
            return
        with frozen(self.cache) as copy:
            yield str(copy)

    def check(self, folders: Sequence[Path], work_folder: Path) -> None:
        """Make sure, where a cluster is to work, that it can; raises ``ClusterError``."""
        if self.address:
            check_cluster(self.address, folders, work_folder)
