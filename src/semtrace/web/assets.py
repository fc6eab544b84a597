"""The scripts, the style sheet and the frame of every page: a fixed list, read from the package."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

STATIC = Path(__file__).with_name("static")
STYLE, ICON = "page.css", "icon.svg"
SCRIPTS = ("say.js", "keys.js", "table.js", "compare.js", "sheet.js", "page.js")
"""What every page loads, in this order; a page adds its source of data before the last."""

ASSET_TYPES: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@cache
def asset(name: str) -> bytes:
    """The bytes of an asset by its name; KeyError where there is none of that name."""
    if name not in asset_names():
        raise KeyError(name)
    return (STATIC / name).read_bytes()


@cache
def asset_names() -> frozenset[str]:
    """The names of all assets."""
    return frozenset(path.name for path in STATIC.iterdir() if path.suffix in ASSET_TYPES)


def data_script(name: str, value: Any) -> str:
    """A script that gives ``value`` to the page as ``window.<name>``; nothing in it can end the script's element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"window.{name} = {text.translate(_ESCAPED)};\n"


def page_html(title: str, scripts: Sequence[str], *, policy: str = "", mode: str) -> str:
    """The page around its scripts.

    Args:
        title: of the page.
        scripts: addresses of the scripts in their order.
        policy: Content-Security-Policy for the page itself; empty: the server sends it.
        mode: ``file`` or ``server``.
    """
    return _template().render(title=title, scripts=scripts, policy=policy, mode=mode, style=f"assets/{STYLE}")


def single_html(title: str, scripts: Sequence[str]) -> str:
    """The page with all its scripts and its style inside, whose policy allows these by their digests alone.

    Args:
        title: of the page.
        scripts: their texts in order.
    """
    style = asset(STYLE).decode()
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_source, scripts))}; style-src {_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    return _template().render(title=title, inline=scripts, policy=policy, mode="file", inline_style=style)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template() -> Template:
    loader = FileSystemLoader(STATIC)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("page.html")
