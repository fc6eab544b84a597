"""``map_images`` on a Dask cluster: same results in the same order, whatever becomes of the workers.

Dask's cost per task is milliseconds, so a task is a chunk of at least 100 items. Only this process writes tables and
the side cache; workers read images and send results. What a worker must have (this code, these versions, the same
folders) is checked on all of them before the work, and by each chunk, since workers come and go.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import sys
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from semtrace.cluster.same_view import any_file, describe_path, token
from semtrace.cluster.worker import Answer, Chunk, about, check_and_work, work
from semtrace.core.errors import InputError
from semtrace.parallel.processes import Crashed, progress

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

SMALLEST, LARGEST = 100, 1000  # items per task: Dask's own cost is small beside it, and a lost one soon done again
CONNECT = 10.0  # connection timeout, seconds
PATIENCE = 60.0  # seconds without any worker
_TRIES = 3  # each of them is as many deaths of a worker as the scheduler's allowed-failures


class ClusterError(InputError):
    """The cluster cannot do this work; nothing was begun. The message says why and what to do."""


def on_cluster(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    *,
    address: str,
    what: str,
    reads: Callable[[_Item], Sequence[str]],
    chunk: int = 8,
    prepare: Callable[[], object] | None = None,
) -> Iterator[_Result | Crashed]:
    """Yield ``function(item)`` for every item, in the order of ``items``, as ``map_images`` does.

    Args:
        function: a module-level function; an exception it raises ends the map.
        items: what to work on.
        address: of the Dask scheduler.
        what: the words beside the progress bar.
        reads: files that the work on an item reads. Those of a chunk's first and last item must look alike here and on
            its worker, before and after, or another worker does it: a missing folder is not a set of unreadable images.
        chunk: items per task inside a worker.
        prepare: run in every worker first.

    Raises:
        ClusterError: no scheduler, no worker, or one that is unlike this process.
        OSError: the scheduler or all fit workers were lost during the work.

    """
    if not items:
        return
    with _connected(address) as cluster:
        slots = cluster.ready(())
        size = min(max(len(items) // (8 * slots), SMALLEST), LARGEST)
        print(f"{what}: {len(items)} images, {size} a task, {cluster}", file=sys.stderr)

        def chunks() -> Iterator[Chunk]:
            for start in range(0, len(items), size):
                part = items[start : start + size]
                files = dict.fromkeys([*reads(part[0]), *reads(part[-1])])
                yield Chunk(
                    function,
                    part,
                    chunk,
                    prepare,
                    str(Path.cwd()),
                    about(),
                    {file: describe_path(file) for file in files},
                )

        yield from progress(cluster.run(chunks(), ahead=4 * slots), len(items), what)


def check_cluster(address: str, folders: Sequence[Path], work_folder: Path) -> None:
    """Make sure that a cluster can do what will be asked of it: it answers, has this code, and sees these folders.

    Args:
        address: of the Dask scheduler.
        folders: input folders; of each a file is looked at. One that is missing here is not looked for there.
        work_folder: the stages' folder; a file is made in it for a moment.

    Raises:
        ClusterError: it cannot.

    """
    paths = [folder for folder in folders if folder.is_dir()]
    paths += [path for folder in paths if (path := any_file(folder)) is not None]
    with _connected(address) as cluster, token(work_folder) as made:
        cluster.ready([str(path) for path in (work_folder, made, *paths)])


class _Task:
    """A chunk on its way through the cluster."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk, self.tries = chunk, 1
        self.future: Any = None
        self.only: set[str] = set()  # the workers that may do it; empty: any


class _Cluster:
    """A connection to a scheduler."""

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self._run = uuid.uuid4().hex[:8]
        self._unfit: dict[str, str] = {}  # address of a worker -> why
        self._deserted = 0.0  # when there was a fit worker at last

    def __str__(self) -> str:
        try:
            link = self.client.dashboard_link
        except KeyError:  # the scheduler has none
            link = "none: `pip install bokeh` where the scheduler runs"
        return f"{len(self._workers())} workers at {self.address}, dashboard {link}"

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return workers

    def ready(self, paths: Sequence[str]) -> int:
        """Check all workers; how many tasks they do at a time. Raises ``ClusterError`` where one is unfit."""
        try:
            self.client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise ClusterError(
                f"{self.address}: no worker for {PATIENCE:g} s; start some with `dask worker {self.address}`"
            ) from error
        probe = Chunk(None, (), 1, None, str(Path.cwd()), about(), {path: describe_path(path) for path in paths})
        answers = self.client.run(check_and_work, probe, on_error="return")
        unfit = {
            worker: answer.unfit or str(answer.error) if isinstance(answer, Answer) else f"it answers {answer!r}"
            for worker, answer in answers.items()
            if not isinstance(answer, Answer) or answer.unfit or answer.error
        }
        if unfit:
            first, why = min(unfit.items())
            raise ClusterError(
                f"{self.address}: {len(unfit)} of {len(answers)} workers cannot do this work; {first}: {why}. "
                "Workers need the same environment and the same folders at the same paths; mend it and start them again"
            )
        return sum(worker["nthreads"] for worker in self._workers().values()) or 1

    def run(self, chunks: Iterator[Chunk], *, ahead: int) -> Iterator[Any]:
        """Results of the chunks in their order, with few chunks in flight: memory stays flat."""
        waiting: deque[_Task] = deque()
        while True:
            while len(waiting) < ahead and (chunk := next(chunks, None)) is not None:
                waiting.append(task := _Task(chunk))
                self._submit(task)
            if not waiting:
                return
            yield from self._results(waiting[0])
            waiting.popleft()

    def _submit(self, task: _Task) -> None:
        task.only = self._fit() if self._unfit else set()
        if self._unfit and not task.only:
            raise OSError(errno.ENOLINK, f"no fit worker is left; {'; '.join(self._unfit.values())}", self.address)
        key, only = f"semtrace-{self._run}-{uuid.uuid4().hex}", sorted(task.only) or None
        task.future = self.client.submit(work, task.chunk, key=key, workers=only, pure=False)

    def _fit(self) -> set[str]:
        return set(self._workers()) - set(self._unfit)

    def _results(self, task: _Task) -> Sequence[Any]:
        from distributed import CancelledError, KilledWorker

        self._deserted = time.monotonic()
        while True:
            try:
                answer: Answer = task.future.result(timeout=1.0)
            except TimeoutError:
                if not self._is_stranded(task):
                    continue
            except KilledWorker as error:
                if task.tries == _TRIES:
                    raise OSError(errno.ENOLINK, f"each worker that took a task died: {error}", self.address) from error
                task.tries += 1
            except CancelledError as error:
                raise OSError(errno.ENOLINK, "the scheduler was lost; run it again", self.address) from error
            else:
                if answer.error is not None:
                    raise answer.error
                if not answer.unfit:
                    return answer.results
                if answer.worker not in self._unfit:
                    print(f"semtrace: worker {answer.worker} is left out: {answer.unfit}", file=sys.stderr)
                self._unfit[answer.worker] = answer.unfit
            self._submit(task)

    def _is_stranded(self, task: _Task) -> bool:
        """Whether all workers that may do a task are gone and others are there; OSError where there are none."""
        now, fit = time.monotonic(), self._fit()
        if fit:
            self._deserted = now
        elif now - self._deserted > PATIENCE:
            raise OSError(errno.ENOLINK, f"all workers are gone for {PATIENCE:g} s; run it again", self.address)
        return bool(fit and task.only and not task.only & fit)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[_Cluster]:
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError as error:
        raise ClusterError("executor.address needs Dask: pip install 'semtrace[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it logs as a traceback is said here in a line
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # it is said more clearly, and stops us, in ready()
        try:
            client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"{address}: no Dask scheduler answers within {CONNECT:g} s ({error}). Start one (`dask scheduler`), "
                "or name another with executor.address, or work here with executor=local"
            ) from error
    with client:
        yield _Cluster(client, address)
