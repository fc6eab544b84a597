"""The settings of the watcher from the command line: with a project's conf/, or with the package alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semtrace.watch.settings import Settings


def settings(overrides: list[str]) -> Settings:
    """Settings of the watcher: from conf/ where this is a project's root, else those of the package.

    Args:
        overrides: ``watch=<name>`` and ``watch.<key>=<value>``.

    Raises:
        InputError: an unknown name or key, or a value out of range.
    """
    from dataclasses import asdict

    import yaml

    from semtrace.core.errors import InputError
    from semtrace.watch.settings import PRESETS, Settings

    if wrong := [word for word in overrides if not word.startswith(("watch=", "watch."))]:
        raise InputError(f"{wrong[0]!r}: not a setting of the watcher; write watch=loose or watch.threshold=9")
    if Path("conf/watch").is_dir() and Path("conf/config.yaml").is_file():
        from semtrace.config.params import composed, parse_params

        return parse_params(composed(Path("conf"), overrides), "conf/").watch
    name = ["default", *(word.removeprefix("watch=") for word in overrides if word.startswith("watch="))][-1]
    if name not in PRESETS:
        raise InputError(f"watch={name}: not known; choose one of {', '.join(PRESETS)}")
    pairs = (word.removeprefix("watch.").partition("=") for word in overrides if word.startswith("watch."))
    changes = {key: yaml.safe_load(value) for key, _, value in pairs}
    return Settings.read({**asdict(PRESETS[name]), **changes})
