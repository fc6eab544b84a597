"""A line of JSON for each decision, in files that do not grow for ever."""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

_BYTES, _FILES = 10_000_000, 5


class DecisionLog:
    """``<name>.jsonl`` and up to five older files of 10 MB beside it."""

    def __init__(self, path: Path) -> None:
        self._handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        self._handler.handleError = _ignore  # type: ignore[method-assign]  # a full disk must not stop the moves

    def write(self, row: dict[str, Any]) -> None:
        """Append one line."""
        text = json.dumps(row, ensure_ascii=False)
        self._handler.emit(logging.LogRecord("watch", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


def _ignore(record: logging.LogRecord) -> None:
    pass
