"""Digests of content."""

from __future__ import annotations

import hashlib


def md5(data: bytes) -> str:
    """The md5 of ``data`` as 32 hex digits: an identity of content, not a protection against forgery."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
