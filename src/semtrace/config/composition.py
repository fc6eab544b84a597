"""What params.yaml was composed from, as its second line records it, and whether conf/ still says the same.

The line has a digest of the values that conf/ gave, with and without overrides, and the overrides. `dvc exp run -S`
keeps the line, so values that DVC has set are no difference. A file in the side cache has the digest of the values for
that of the files, so that Hydra is not needed where nothing has changed, and the values, to name those that have.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from semtrace.io.files import write_atomic

_MEMO = Path(".cache/conf.json")  # beside conf/
_RECORD = re.compile(r"^# Composed from conf/ \(values ([0-9a-f]{12})\) with overrides (\[.*\])$", re.MULTILINE)
_SHOWN = 8  # keys; more are counted


@dataclass(frozen=True)
class Drift:
    """How conf/ differs from params.yaml since that was composed, a line for each key.

    Attributes:
        differing: keys that a run would take from conf/, and does not.
        overridden: keys that an override holds at another value than conf/ has.
    """

    differing: tuple[str, ...]
    overridden: tuple[str, ...]

    def __str__(self) -> str:
        keys = [*self.differing, *self.overridden]
        more = [f"and {len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
        return (
            "conf/ has changed since params.yaml was composed, and stages read params.yaml: "
            f"{'; '.join(keys[:_SHOWN] + more)}. `semtrace params` with your overrides composes it again, "
            "`semtrace repro` or `make run` does so and runs the pipeline"
        )


def record_line(body: str, plain: str, overrides: Sequence[str]) -> str:
    """The line of params.yaml.

    Args:
        body: the values with overrides, as YAML.
        plain: the values without.
        overrides: in Hydra's syntax.
    """
    return f"# Composed from conf/ (values {_digest(body, plain)}) with overrides {json.dumps(list(overrides))}\n"


def remember_composition(conf: Path, text: str, plain: str) -> None:
    """Keep what a params.yaml was composed from, which its text has with overrides and ``plain`` without."""
    values, overrides = _recorded(text)
    _save(conf, {**_seen(conf, values, overrides), "composed": {"values": values, "text": text, "plain": plain}})


def drift(conf: Path, params_file: Path) -> Drift | None:
    """Compare ``conf`` with the params.yaml that was composed from it; None where they agree or either is absent.

    Raises:
        ParamsError: conf/ has changed and composes no more.
    """
    if not (conf / "config.yaml").is_file() or not params_file.is_file():
        return None
    values, overrides = _recorded(params_file.read_text(encoding="utf-8", errors="replace"))
    memo = _load(conf)
    if values and _seen(conf, values, overrides).items() <= memo.items():
        return None
    from semtrace.config import params

    text = params.composed(conf, overrides)
    _save(conf, memo | _seen(conf, _recorded(text)[0], overrides))
    if _recorded(text)[0] == values:
        return None
    plain = _values(params.plain(conf, files_digest(conf)))
    there, here, old = flat(params.load(params_file).tree), _values(text), memo.get("composed", {})
    # Without the old values of conf/ all that differs may have changed.
    old_here, old_plain = (
        (_values(old["text"]), _values(old["plain"])) if old.get("values") == values and values else ({}, {})
    )
    differing = [key for key in sorted(there.keys() | here.keys()) if _differ(key, there, here)]
    named = {word.lstrip("+~").partition("=")[0] for word in overrides} & there.keys() - set(differing)
    overridden = [key for key in sorted(named) if _differ(key, there, plain) and _differ(key, old_plain, plain)]
    drifted = Drift(
        tuple(_line(key, there, here) for key in differing if _differ(key, old_here, here)),
        tuple(f"{_line(key, there, plain)} (an override of that run)" for key in overridden),
    )
    return drifted if drifted.differing or drifted.overridden else None


def recorded_overrides(params_file: Path) -> list[str]:
    """The overrides that a params.yaml was composed with; empty where it records none."""
    return _recorded(params_file.read_text(encoding="utf-8", errors="replace"))[1]


def run_again(params_file: Path, verb: Literal["repro", "params"] = "repro") -> str:
    """The command that runs the pipeline, or only composes, with the overrides of the last composition."""
    return shlex.join(["semtrace", verb, *recorded_overrides(params_file)])


def _recorded(text: str) -> tuple[str, list[str]]:
    """Digest of values and overrides; an empty digest where nothing is recorded."""
    found = _RECORD.search(text)
    return (found[1], json.loads(found[2])) if found else ("", [])


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _seen(conf: Path, values: str, overrides: Sequence[str]) -> dict[str, Any]:
    return {"files": files_digest(conf), "overrides": list(overrides), "values": values}


def _load(conf: Path) -> dict[str, Any]:
    try:
        memo = json.loads((conf.parent / _MEMO).read_bytes())
    except (OSError, ValueError):
        return {}
    return memo if isinstance(memo, dict) else {}


def _save(conf: Path, memo: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):  # it only saves time
        (conf.parent / _MEMO).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(conf.parent / _MEMO, json.dumps(memo).encode())


def _values(text: str) -> dict[str, Any]:
    return flat(yaml.safe_load(text))


def files_digest(conf: Path) -> str:
    """Digest of names and bytes of the files of ``conf``."""
    whole = hashlib.sha256()
    for path in sorted(conf.rglob("*.yaml")):
        whole.update(f"{path.relative_to(conf).as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _differ(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return key not in one or key not in other or bool(one[key] != other[key])


def _line(key: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    return f"{key} is {there.get(key, 'missing')!r} in params.yaml and {here.get(key, 'missing')!r} in conf/"


def flat(tree: Mapping[str, Any], prefix: str = "", *, joined: str = ".") -> dict[str, Any]:
    """Values under dotted names, or names with another sign in place of the dot."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        found |= flat(value, f"{name}{joined}", joined=joined) if isinstance(value, dict) else {name: value}
    return found
