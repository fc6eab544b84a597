"""A review server that runs in a thread, and a client that speaks to it as a browser does, or as none would."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from semtrace.provenance.queue import Settings
from semtrace.review.app import make_app
from semtrace.review.desk import Desk, ReviewFolders
from semtrace.web.guard import Guard
from semtrace.web.pictures import PictureCache, PictureService
from semtrace.web.serve import listen
from tests.small_archive import Done

SETTINGS = Settings(weak_ssim=0.85, weak_margin=0.05, audit=4, seed=1, cache_mb=50)


@dataclass
class Live:
    """A server and a session with it."""

    port: int
    guard: Guard
    desk: Desk
    cookie: str = ""
    origin: str = field(init=False)

    def __post_init__(self) -> None:
        self.origin = f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[int, dict[str, str], bytes]:
        """One request; a header that is None is left out."""
        sent: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if method == "POST":
            sent |= {"Origin": self.origin, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if data is not None:
            sent.setdefault("Content-Length", str(len(data)))
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        said = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return said

    def get(self, path: str) -> Any:
        """What a GET that works gives."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and answer of a POST."""
        status, _, said = self.ask("POST", path, body)
        return status, json.loads(said)

    def begin(self) -> Live:
        """Let this client in."""
        status, headers, _ = self.ask("POST", "/session", {"token": self.guard.token})
        assert status == 200
        self.cookie = headers["set-cookie"].partition(";")[0]
        return self

    def answer(self, item: str, answer: str) -> tuple[int, Any]:
        """Look at an item, and answer it."""
        shown = self.get(f"/api/item/{item}")
        return self.post("/api/answer", {"item": item, "answer": answer, "state": shown["state"], "seconds": 1.5})


@contextmanager
def serving(desk: Desk, cache: Path) -> Iterator[Live]:
    """Serve a desk."""
    pictures = PictureService(PictureCache(cache, 50 * 10**6))
    with listen(0) as listening:
        port = listening.getsockname()[1]
        guard = Guard(make_app(desk, pictures), port)
        config = uvicorn.Config(guard, log_level="error", access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield Live(port, guard, desk)
        finally:
            server.should_exit = True
            thread.join(20)
            pictures.close()


def copy_of(done: Done, root: Path) -> ReviewFolders:
    """The folders of a run, results copied so that a test may change them."""
    shutil.copytree(done.work, root / "work")
    return ReviewFolders(done.archive, done.published, root / "verdicts", root / "work")
