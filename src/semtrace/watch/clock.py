"""The times that the watcher goes by, in one place so that a test can be without waiting."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def monotonic(self) -> float:
        """Seconds that only go forward, for ages."""
        return time.monotonic()

    def now(self) -> str:
        """Date and time for people, UTC to the second."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def wait(self, seconds: float) -> None:
        """Wait, or until ``stop``."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        """Let the watcher end after the current file."""
        self._stop.set()

    def stopped(self) -> bool:
        """Whether it shall end."""
        return self._stop.is_set()
