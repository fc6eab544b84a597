"""Pictures of the watched folder, read by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from semtrace.io.folders import path_in
from semtrace.parallel.processes import Crashed, in_processes
from semtrace.watch.picture import Picture, PictureJob, Unread, examine_picture
from semtrace.watch.scan import FileState, FolderState
from semtrace.watch.settings import Settings

Reader = Callable[[Sequence[PictureJob]], Iterable[Picture | Unread | Crashed]]
Pending = tuple[FolderState, str, FileState]


def picture_reader(settings: Settings) -> Reader:
    """Read pictures in worker processes: a file that kills its decoder harms nothing else."""
    return partial(in_processes, examine_picture, workers=settings.workers)


class PictureReading:
    """Files become pictures, or ``Unread``."""

    def __init__(
        self, root: str, settings: Settings, read: Reader, keep: Callable[[Picture], Picture] | None = None
    ) -> None:
        """Prepare to read; ``keep`` takes over what is too large to stay with each picture."""
        self._root, self._settings, self._read, self._keep = root, settings, read, keep

    def read(self, pending: Sequence[Pending], top: int = 255) -> Iterator[tuple[Pending, Picture | Unread]]:
        """Read files, in order; ``top`` is the least range of deep frames."""
        if not pending:
            return
        jobs = [self._job(folder, name, state, top) for folder, name, state in pending]
        for one, job, result in zip(pending, jobs, self._read(jobs), strict=True):
            if isinstance(result, Crashed):
                result = Unread(job.path, job.signature, "crashed", result.detail)
            elif isinstance(result, Picture) and self._keep is not None:
                result = self._keep(result)
            yield one, result

    def _job(self, folder: FolderState, name: str, state: FileState, top: int) -> PictureJob:
        path = folder.path_of(name)
        return PictureJob(path_in(self._root, path), path, state.signature, self._settings, top)
