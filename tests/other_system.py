"""A Python program that runs semtrace as on a system that has no fcntl, no resource, no libc and no openat."""

WITHOUT = """
import ctypes, importlib.abc, os, sys

ABSENT = ("fcntl", "resource", "pwd", "grp", "termios", "posix_ipc")

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in ABSENT:
            raise ModuleNotFoundError(f"{name} is not of this system", name=name)

for name in ABSENT:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Refuse())
for name in ("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH", "sched_getaffinity", "sync", "sendfile"):
    if hasattr(os, name):
        delattr(os, name)
link, real_open = os.link, os.open
def plain_link(source, target, *, follow_symlinks=None):
    if follow_symlinks is not None:
        raise NotImplementedError("follow_symlinks is not of this system")
    link(source, target)
def open_files(path, flags, *more, **places):
    if places:
        raise NotImplementedError("dir_fd is not of this system")
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", str(path))
    return real_open(path, flags, *more)
os.link, os.open = plain_link, open_files
os.supports_dir_fd = set()
library = ctypes.CDLL
def no_libc(name=None, *args, **options):
    if name is None:
        raise TypeError("Windows: no libc")
    return library(name, *args, **options)
ctypes.CDLL = no_libc

from semtrace.cli.main import main
code = 1
try:
    code = main(sys.argv[1:])
finally:
    print(sorted(set(ABSENT) & set(sys.modules)), code, file=sys.stderr)
sys.exit(code)
"""
