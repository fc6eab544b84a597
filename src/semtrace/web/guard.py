"""Who may ask a local server, and how: one browser that was let in, from the server's own page.

A page on another port of this machine is of the same site, so a cookie alone proves nothing: each request must name
this server as its host, and each POST this server's page as its origin.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from semtrace.web.assets import POLICY

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MOST_BYTES = 64 * 1024  # of the body of a POST
_OPEN = ("/", "/assets/")  # what needs no cookie: it holds nothing of a run
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """An application behind its guard.

    Args:
        app: what is guarded.
        port: that the server listens on, at 127.0.0.1.

    Attributes:
        token: 256 bits that let a browser in; it stands in the fragment of the printed address, which no browser sends.
    """

    def __init__(self, app: App, port: int) -> None:
        self._app, self._port = app, port
        self.token = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._cookie = f"semtrace_{port}"
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    @property
    def address(self) -> str:
        """The address that lets a browser in."""
        return f"http://127.0.0.1:{self._port}/#token={self.token}"

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            return
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        guarded = _with_headers(send)
        hosts = headers.get("host", [])
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return await refuse(guarded, 400, "this server answers to its own address alone")
        if scope["method"] not in ("GET", "POST"):
            return await refuse(guarded, 405, "only GET and POST")
        if scope["method"] == "GET":
            path = scope["path"]
            if not (path == _OPEN[0] or path.startswith(_OPEN[1])) and not self._is_let_in(headers):
                return await refuse(guarded, 403, "open the address that was printed; it lets this browser in")
            return await self._app(scope, receive, guarded)
        if headers.get("origin") != [f"http://{hosts[0]}"]:
            return await refuse(guarded, 403, "only this server's own page may send this")
        if scope["path"] != "/session" and not self._is_let_in(headers):
            return await refuse(guarded, 403, "open the address that was printed; it lets this browser in")
        if [value.split(";")[0].strip().lower() for value in headers.get("content-type", [])] != ["application/json"]:
            return await refuse(guarded, 415, "the body must be JSON")
        body = await _body(receive, headers.get("content-length", []))
        if body is None:
            return await refuse(guarded, 413, f"the body must have at most {MOST_BYTES} bytes")
        if scope["path"] == "/session":
            return await self._begin(body, guarded)
        await self._app(scope, _replayed(body), guarded)

    async def _begin(self, body: bytes, send: Send) -> None:
        """Exchange the token for a cookie."""
        try:
            given = json.loads(body)["token"]
        except (ValueError, KeyError, TypeError):
            return await refuse(send, 400, "no token")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), self.token.encode()):
            return await refuse(send, 403, "not the token of this server; it was started again, perhaps")
        cookie = f"{self._cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"
        await answer(send, 200, b"{}", [(b"set-cookie", cookie.encode())])

    def _is_let_in(self, headers: dict[str, list[str]]) -> bool:
        found = [
            part.partition("=")[2].strip()
            for line in headers.get("cookie", [])
            for part in line.split(";")
            if part.partition("=")[0].strip() == self._cookie
        ]
        return len(found) == 1 and hmac.compare_digest(found[0].encode(), self._session.encode())


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """Send a JSON answer."""
    start = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, why: str) -> None:
    """Send a refusal with its reason."""
    await answer(send, status, json.dumps({"error": why}).encode())


async def _body(receive: Receive, length: list[str]) -> bytes | None:
    """The body of a request; None where it is too long, which is found out before it is read where it says so."""
    if length and not (length[0].isdecimal() and int(length[0]) <= MOST_BYTES):
        return None
    data = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return data
        data += bytes(message.get("body", b""))
        if len(data) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return data


def _replayed(body: bytes) -> Receive:
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return parts.pop() if parts else {"type": "http.disconnect"}

    return receive


def _with_headers(send: Send) -> Send:
    """Add what every answer says; what an answer says of its keeping stays, else nothing is kept."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message["headers"]}
            more = {**HEADERS, "cache-control": "no-store"}
            message["headers"] = [
                *message["headers"],
                *((name.encode(), value.encode()) for name, value in more.items() if name.encode() not in said),
            ]
        await send(message)

    return guarded
