"""What the watcher says: the lines of the document that asked for it, and its own where that had none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from semtrace.io.journal import Item
from semtrace.io.terminal import harmless
from semtrace.watch.picture import Unread
from semtrace.watch.settings import Settings


class Console:
    """Lines for people, harmless to a terminal whatever files are called."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._said: set[str] = set()

    def say(self, line: str) -> None:
        """Say one line."""
        self._write(harmless(line))

    def once(self, key: str, line: str) -> None:
        """Say a line of a state that lasts, once."""
        if key not in self._said:
            self._said.add(key)
            self.say(line)

    def forget(self, key: str, line: str) -> None:
        """Say that a state has ended, if it was said."""
        if key in self._said:
            self._said.remove(key)
            self.say(line)

    def watching(self, root: str) -> None:
        """The first line."""
        self.say(f"Watching folder: {root} for new folders...")

    def done(self, *, watching: bool) -> None:
        """The line after a round."""
        self.say("\nDone. Waiting for more folders..." if watching else "\nDone.")

    def decided(self, items: Sequence[Item], settings: Settings, unread: Sequence[Unread]) -> None:
        """A line for each picture that has its place, and for each file that gave none."""
        for item in items:
            if item.state in ("moved", "kept") and item.target:
                self.say(f"{item.decision.capitalize() + ':':<10} {item.path}{measure_of(item, settings)}")
        for one in sorted(unread, key=lambda one: one.path):
            self.say(f"Unreadable: {one.path}: {one.reason} ({one.detail}); it stays where it is")

    def noise(self, levels: Sequence[float], settings: Settings) -> None:
        """The noise of a folder where squared errors are compared, and whether the threshold fits it."""
        if settings.method != "mse" or not levels:
            return
        noise, threshold = median(levels), settings.mse_threshold
        self.say(f"Noise:     two empty frames would differ by {noise:.1f} squared grey levels (2 sigma²)")
        if threshold < noise:
            self.say(f"Warning: mse_threshold {threshold:g} is below that: repeats are not recognised")
        elif threshold > 3 * noise:
            self.say(f"Warning: mse_threshold {threshold:g} is above three times that: faint pictures may be lost")


def measure_of(item: Item, settings: Settings) -> str:
    """Words on how near a picture is to the one it repeats, such as `` to a.bmp (4 of 64 bits, likeness 0.93)``."""
    if not item.keeper:
        return ""
    if item.distance is None:
        return f" to {item.keeper}"
    if settings.method == "mse":
        return f" to {item.keeper} (squared error {item.distance:.1f})"
    alike = "" if item.likeness is None else f", likeness {item.likeness:.2f}"
    return f" to {item.keeper} ({item.distance:.0f} of {settings.size**2} bits{alike})"
