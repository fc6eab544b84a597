"""semtrace: trace published electron-microscope images back to their originals.

For notebooks: ``semtrace.fingerprint``, ``semtrace.compare`` and ``semtrace.open_results`` (docs/python.md). They are
loaded when they are first used, so that ``import semtrace`` is quick.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "fingerprint", "open_results"]
_NOTEBOOK = {
    "fingerprint": ("pictures", "fingerprint"),
    "compare": ("pictures", "compare_pictures"),
    "open_results": ("results", "open_results"),
}


def __getattr__(name: str) -> Any:
    if name not in _NOTEBOOK:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # Not an import statement: each stage depends on this file, and not on what a notebook uses.
    module, function = _NOTEBOOK[name]
    return getattr(import_module(f"{__name__}.notebook.{module}"), function)


def __dir__() -> list[str]:
    return [*globals(), *_NOTEBOOK]
