"""Which files of a folder make a volume: zarr stores, sections of one series, headers with their data, single files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from semtrace.core.errors import InputError
from semtrace.curation.sidecar import SIDECAR_NAME
from semtrace.curation.sources import section_series
from semtrace.io.files import open_regular, walk
from semtrace.io.video import is_video
from semtrace.io.volumes.nrrd import data_file, is_nrrd
from semtrace.io.volumes.pages import is_picture, is_tiff, page_facts
from semtrace.io.volumes.volume import UnreadableVolume
from semtrace.stage.inputs import unfit
from semtrace.stage.rejects import Reject, printable, why_unreadable

_STORES = ("zarr.json", ".zgroup", ".zarray")


@dataclass(frozen=True)
class Listed:
    """A file, store or series that may hold volumes: path relative to the root, kind, and how many files it has."""

    path: str
    kind: str
    files: int


@dataclass(frozen=True)
class Listing:
    """What lies below a root: every file is in one item or one reject; ``files`` counts them, the sidecar left out."""

    items: list[Listed]
    rejects: list[Reject]
    files: int


def list_sources(root: Path) -> Listing:
    """List what lies below ``root``, which is resolved; sorted by path.

    Raises:
        InputError: ``root`` itself is a zarr store.
    """
    found = [(relative, path) for relative, path in walk(root) if relative != SIDECAR_NAME]
    stores = _stores(relative for relative, _ in found)
    if "" in stores:
        raise InputError(f"{root}: this is a zarr store itself; name the folder that it lies in")
    rejects: list[Reject] = []
    of_store: dict[str, int] = defaultdict(int)
    pictures: dict[str, list[str]] = defaultdict(list)
    singles: dict[str, str] = {}
    data_files: dict[str, str] = {}
    for relative, path in found:
        store = next((above for above in _above(relative) if above in stores), None)
        if store is not None:
            of_store[store] += 1
            continue
        if (reason := unfit(relative, path)) is not None:
            rejects.append(Reject.of(printable(relative), "import", reason))
            continue
        try:
            kind, data = _kind(path)
        except OSError as error:
            rejects.append(Reject.of(relative, "import", why_unreadable(error)))
            continue
        if data is not None:
            data_files[data.relative_to(root).as_posix()] = relative
        if kind == "picture":
            pictures[relative.rpartition("/")[0]].append(relative)
        else:
            singles[relative] = kind
    items = [Listed(store, "volume", count) for store, count in of_store.items()]
    for folder, paths in pictures.items():
        here = root / folder if folder else root
        groups = section_series(here)
        grouped = {f"{folder}/{name}" if folder else name for names in groups.values() for name in names}
        for (before, after), names in groups.items():
            inside = folder if len(groups) == 1 and folder else f"{folder}/{before}*{after}".lstrip("/")
            items.append(Listed(inside, "folder", len(names)))
        said = "one picture and no volume: put it among the images, for `clean`"
        rejects += [Reject(path, "import", "single_picture", said) for path in paths if path not in grouped]
    for relative, kind in singles.items():
        if relative in data_files:
            rejects.append(Reject(relative, "import", "belongs_to", f"data of {data_files[relative]}"))
        else:
            items.append(Listed(relative, kind, 1))
    return Listing(sorted(items, key=lambda item: item.path), rejects, len(found))


def _stores(paths: Iterable[str]) -> set[str]:
    """Folders that are zarr stores and lie in no other."""
    apart = [relative.rpartition("/") for relative in paths]
    marked = {folder for folder, _, name in apart if name in _STORES}
    return {folder for folder in marked if not any(above in marked for above in _above(folder))}


def _above(path: str) -> list[str]:
    """The folders above a path, the highest ("") first."""
    parts = path.split("/")[:-1] if path else []
    return ["/".join(parts[:count]) for count in range(len(parts) + 1)] if path else []


def _kind(path: Path) -> tuple[str, Path | None]:
    """Kind of a plain file by its content, and the data file of a detached header."""
    with open_regular(path) as file:
        head = file.read(16)
    if is_nrrd(head):
        try:
            return "volume", data_file(path)
        except UnreadableVolume:
            return "volume", None
    if is_video(head):
        return "video", None
    if is_tiff(head):
        try:
            return ("stack" if page_facts(path).pages > 1 else "picture"), None
        except UnreadableVolume:
            return "picture", None
    return ("picture" if is_picture(head) else "volume"), None
