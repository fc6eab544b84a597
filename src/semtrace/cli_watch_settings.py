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

    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from semtrace.params import composed, parse
    from semtrace.provenance.common import InputError
    from semtrace.watch.settings import PRESETS, Settings

    if wrong := [word for word in overrides if not word.startswith(("watch=", "watch."))]:
        raise InputError(f"{wrong[0]!r}: not a setting of the watcher; write watch=loose or watch.threshold=9")
    if Path("conf/watch").is_dir() and Path("conf/config.yaml").is_file():
        found: Settings = parse(composed(Path("conf"), overrides), "conf/").section("watch")
        return found
    name = ["default", *(word.removeprefix("watch=") for word in overrides if word.startswith("watch="))][-1]
    if name not in PRESETS:
        raise InputError(f"watch={name}: not known; choose one of {', '.join(PRESETS)}")
    changes = OmegaConf.from_dotlist([word for word in overrides if word.startswith("watch.")]).get("watch") or {}
    try:
        values = OmegaConf.merge(OmegaConf.structured(Settings), asdict(PRESETS[name]), changes)
        return OmegaConf.to_object(values)  # type: ignore[return-value]
    except (OmegaConfBaseException, ValueError) as error:
        raise InputError(str(error).splitlines()[0]) from error
