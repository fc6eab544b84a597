"""Words of conf/ that YAML takes for something else: NO for false, 007 for 7, 1e3 for 1000."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

_KINDS = {bool: "the truth value", int: "the number", float: "the number", type(None): "nothing,", date: "the date"}


def misread_words(conf: Path, refused: Iterable[tuple[str, Any]]) -> list[str]:
    """A sentence for each word of ``conf`` that should be text and is not.

    Args:
        conf: folder of YAML files.
        refused: the parameters whose values must be text, each with a value that is none, as it was read.

    """
    said: dict[str, None] = {}
    for key, value in refused:
        taken = next((what for kind, what in _KINDS.items() if isinstance(value, kind)), None)
        if taken is None:  # a list or a mapping: not a matter of words
            continue
        shown = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        words = [
            f"{file.as_posix()} line {line}: {word or 'an empty value'} is {taken} {shown} to YAML: "
            f"write {word or 'it'!r} in quotes".replace("  ", " ")
            for file in sorted(conf.rglob("*.yaml"))
            for line, word in _words(file, key.rpartition(".")[2])
            if _same(_read(word), value)
        ]
        said |= dict.fromkeys(words or [f"{key}: a word was read as {taken} {shown}: write it in quotes"])
    return list(said)


def _words(file: Path, key: str) -> Iterator[tuple[int, str]]:
    """Unquoted words below the key ``key`` of a file, with their lines."""
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return
    for name, node in root.value if isinstance(root, yaml.MappingNode) else ():
        if name.value == key:
            yield from _plain(node)


def _plain(node: yaml.Node) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.ScalarNode):
        if node.style is None:
            yield node.start_mark.line + 1, node.value
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _plain(item)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _plain(name)
            yield from _plain(value)


def _read(word: str) -> Any:
    """What Hydra makes of a word; the word itself where it makes nothing of it."""
    from omegaconf import DictConfig, OmegaConf

    try:
        read = OmegaConf.create(f"word: {word}")
        return read.get("word") if isinstance(read, DictConfig) else word
    except (ValueError, yaml.YAMLError):
        return word


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other
