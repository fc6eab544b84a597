"""What a person most likely meant by a word that Hydra refuses: a parameter, a choice, a number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def slips(conf: Path, overrides: Sequence[str], keys: Collection[str]) -> list[str]:
    """A sentence for each override that names no parameter, no choice, or writes a number with a comma.

    Args:
        conf: the folder of groups.
        overrides: in Hydra's syntax.
        keys: the parameters that there are, dotted.
    """
    groups = {
        folder.relative_to(conf).as_posix(): sorted(file.stem for file in folder.glob("*.yaml"))
        for folder in conf.rglob("*")
        if folder.is_dir() and any(folder.glob("*.yaml"))
    }
    found = []
    for word in overrides:
        name, sign, value = word.partition("=")
        if name.startswith(("+", "~")):
            continue
        if not sign:
            found.append(f"{word!r} is no NAME=VALUE{_meant(word, [*keys, *groups])}")
        elif name in groups and name not in keys:
            if not re.search(r"[,\[(]", value) and value not in groups[name]:
                choices = ", ".join(groups[name])
                found.append(f"{word}: {name} is one of {choices}{_meant(value, groups[name], f'{name}=')}")
        elif name not in keys and not any(key.startswith(f"{name}.") for key in keys):
            found.append(f"there is no parameter {name!r}{_meant(name, [*keys, *groups])}")
        elif _DECIMAL_COMMA.fullmatch(value):
            found.append(f"{word}: decimals have a point, {name}={value.replace(',', '.')}")
    return found


def _meant(word: str, known: Iterable[str], prefix: str = "") -> str:
    known = list(known)
    last = [name for name in known if name.rpartition(".")[2] == word]
    near = last[:1] or get_close_matches(word, known, 1, 0.6)
    near = near or [name for name in known if get_close_matches(word, [name.rpartition(".")[2]], 1, 0.75)][:1]
    return f"; did you mean {prefix}{near[0]}?" if near else ""
