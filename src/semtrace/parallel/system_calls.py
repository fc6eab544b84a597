"""All that only some operating systems have; where a call is missing, the work is done without it.

Linux has all of it. macOS lacks what stands in ``/proc`` and some calls of Linux. Windows lacks the rest too: locks on
folders, bounds for one process, opening a path folder by folder. ``missing_calls`` says what this system lacks.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_FICLONE = 0x40049409  # linux/fs.h: share the extents of one file with another (reflink)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_AT_FDCWD, _NOREPLACE, _EXCHANGE = -100, 1, 2  # linux/fcntl.h, linux/fs.h
_SYNC_FILE_RANGE_WRITE = 2  # linux/fs.h
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
_BINARY = getattr(os, "O_BINARY", 0)
# Only Linux has O_PATH: it asks for no read permission.
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_STEPWISE = hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
"""Whether a path can be opened folder by folder, so that no link that is swapped in meanwhile is followed."""


def missing_calls() -> list[str]:
    """What this system lacks, in words for people; empty on Linux."""
    missing = {
        "locks, so do not start two runs of one project at once": fcntl is None,
        "a bound for the time and memory that a damaged file may take": resource is None or sys.platform != "linux",
        "workers that end when their parent is killed": sys.platform != "linux",
        "protection against links that are swapped in while a path is opened": not _STEPWISE,
    }
    return [words for words, absent in missing.items() if absent]


@cache
def c_library() -> Any:
    """The C library of this process, each of whose calls may be missing (``AttributeError``); None on Windows."""
    try:
        return ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):
        return None


# --- locks


def open_for_its_state(path: Path) -> int | None:
    """A descriptor of a file or folder, to lock or sync it; None where a folder cannot be opened (Windows)."""
    try:
        return os.open(path, os.O_RDONLY)
    except PermissionError:
        if fcntl is None and path.is_dir():
            return None
        raise


def advisory_lock(descriptor: int | None, *, shared: bool = False, wait: bool = False) -> bool | None:
    """Hold an open file or folder until it is closed; False where another process holds it.

    None where nothing is held, because the system or the file system has no such locks: Windows, some network shares.
    """
    if fcntl is None or descriptor is None:
        return None
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


# --- files


def share_extents(source: int, target: int) -> bool:
    """Let an open new file share the bytes of another (Btrfs, XFS); False where that cannot be done."""
    if fcntl is None:
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def hard_link(source: Path | str, target: Path | str, *, follow: bool = False) -> None:
    """Make a hard link; ``follow``: to what ``source`` leads to, where it is a symbolic link."""
    try:
        os.link(source, target, follow_symlinks=follow)
    except NotImplementedError:  # Windows knows one way only
        os.link(source, target)


def open_without_links(path: Path | str, *, folder: bool = False) -> int:
    """Open a file or folder for reading; no symbolic link is followed anywhere in ``path``.

    Where the system can, folder by folder (``openat``, ``O_NOFOLLOW``), so ``path`` may also be longer than the system
    allows. Elsewhere each part is looked at before, and one that is swapped in between is followed.

    Raises:
        OSError: ``ELOOP`` where a part is a symbolic link, or what opening raises.
    """
    path = Path(path)
    flags = os.O_RDONLY | (os.O_DIRECTORY if folder else getattr(os, "O_NONBLOCK", 0) | _BINARY)
    try:
        return _stepwise(path, flags) if _STEPWISE else _looked_at(path, flags)
    except OSError as error:
        error.filename = str(path)
        raise


def _stepwise(path: Path, flags: int) -> int:
    *folders, last = path.relative_to(path.anchor).parts
    here = os.open(path.anchor or ".", _FOLDER)
    try:
        for name in folders:
            inner = _enter(here, name, _FOLDER)
            os.close(here)
            here = inner
        return _enter(here, last, flags)
    finally:
        os.close(here)


def _enter(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:  # what O_DIRECTORY says of a link
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise


def _looked_at(path: Path, flags: int) -> int:
    for part in (*reversed(path.parents), path):
        if part != Path(path.anchor) and stat.S_ISLNK(part.lstat().st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(part))
    if not stat.S_ISREG(path.lstat().st_mode):  # it must not be waited for
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return os.open(path, flags)


def list_folder(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder, and whether each is a folder itself; no symbolic link is followed.

    Raises:
        OSError: as ``open_without_links``.
    """
    if not _STEPWISE:
        for part in (*reversed(folder.parents), folder):
            if part.is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
        with os.scandir(folder) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    descriptor = open_without_links(folder, folder=True)
    try:
        with os.scandir(descriptor) as entries:
            return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    finally:
        os.close(descriptor)


def pump(source: int, target: int) -> None:
    """Copy what can be copied without passing through this process; the caller copies the rest."""
    with contextlib.suppress(OSError, AttributeError):
        while os.sendfile(target, source, None, 1 << 30):
            pass


def begin_storing(descriptor: int) -> None:
    """Let the kernel begin to write a file back while we work on, so that the folder's sync finds little to do."""
    with contextlib.suppress(AttributeError):  # not Linux
        c_library().sync_file_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _SYNC_FILE_RANGE_WRITE)


def sync_files_below(folder: Path) -> None:
    """Bring every file below ``folder`` to the disk; OSError if that fails."""
    try:
        call = c_library().syncfs
    except AttributeError:  # not Linux
        if hasattr(os, "sync"):
            os.sync()
            return
        for file in folder.rglob("*"):
            if file.is_file():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if call(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(descriptor)


def exchange_names(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where that cannot be done."""
    call = _renameat2()
    return call is not None and call(str(one), str(other), _EXCHANGE) == 0


def rename_without_overwriting(source: str, target: str) -> bool:
    """Rename in one step if ``target`` is free; False where the system has no such call.

    Raises:
        OSError: ``EEXIST`` where ``target`` is taken, or what renaming raises.
    """
    if os.name == "nt":
        os.rename(source, target)  # noqa: PTH104  (refuses to overwrite there)
        return True
    if (call := _renameat2()) is None:
        return False
    number = call(source, target, _NOREPLACE)
    if number and number not in _NOT_HERE:
        raise OSError(number, os.strerror(number), source, None, target)
    return number == 0


@cache
def _renameat2() -> Callable[[str, str, int], int] | None:
    """Linux's renaming with flags: gives 0 or an error number. None where there is no such call."""
    try:
        function = c_library().renameat2
    except AttributeError:
        return None

    def call(source: str, target: str, flag: int) -> int:
        done = function(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flag)
        return 0 if done == 0 else ctypes.get_errno()

    return call


# --- processes


def process_runs(number: int) -> bool:
    """Whether a process of that number runs; True where nobody can tell."""
    if os.name == "nt":  # there a signal would reach it
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's
        pass
    return True


def end_with_parent() -> None:
    """Let the kernel end this process when its parent is killed; nothing where it cannot."""
    with contextlib.suppress(AttributeError, TypeError, OSError):  # not Linux
        c_library().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def thread_count() -> int | None:
    """Threads of this process, those of libraries too; None where the system does not say."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else None


def available_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


@contextlib.contextmanager
def limited(memory: int, seconds: float) -> Iterator[None]:
    """Bound what this process may take in the block; nothing is bounded where the system has no such bounds.

    Args:
        memory: bytes above what it has; beyond them allocations fail.
        seconds: of its own processor time; beyond them the kernel ends it (``SIGPROF``).
    """
    if resource is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    with contextlib.suppress(OSError, ValueError):  # no /proc: no Linux, and no bound for memory
        most = _address_space() + memory
        known = [limit for limit in (most, *before) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min(known), before[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)


def _address_space() -> int:
    """Bytes of address space that this process has; OSError where there is no /proc."""
    file = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(os.read(file, 32).split()[0]) * resource.getpagesize()
    finally:
        os.close(file)
