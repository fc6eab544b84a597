"""Who is let in, and what every answer says: each rule of docs/security.md on the page is a test."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from semtrace.review.desk import Desk
from semtrace.web import serve
from semtrace.web.guard import HEADERS, MOST_BYTES
from tests.review.live import SETTINGS, Live, copy_of, serving

DATA = ("/api/run", "/api/rows", "/api/queue", "/api/item/0", "/picture/0/thumb", "/map/0/0", "/nothing")


@pytest.fixture(scope="module")
def live(done, tmp_path_factory):
    root = tmp_path_factory.mktemp("guard")
    with serving(Desk(copy_of(done, root), SETTINGS, "ann"), root / "pictures") as served:
        yield served.begin()


def stranger(live: Live) -> Live:
    return Live(live.port, live.guard, live.desk)


def test_it_listens_on_this_machine_alone():
    with serve.listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.1:{port}.evil.example", "[::1]:{port}", "",
     None],
)  # fmt: skip
def test_another_host_is_refused(live, host):
    assert live.ask("GET", "/api/run", Host=host and host.format(port=live.port))[0] == 400


def test_both_names_of_this_machine_are_its_host(live):
    for name in ("127.0.0.1", "localhost"):
        assert live.ask("GET", "/api/run", Host=f"{name}:{live.port}")[0] == 200


@pytest.mark.parametrize("path", DATA)
def test_without_the_cookie_there_are_no_data_and_no_pictures(live, path):
    assert stranger(live).ask("GET", path)[0] == 403
    name = live.cookie.partition("=")[0]
    assert live.ask("GET", path, Cookie=f"{name}=wrong")[0] == 403
    assert live.ask("GET", path, Cookie=live.cookie + f"; {name}=wrong")[0] == 403


def test_the_page_and_its_scripts_hold_nothing_of_a_run(live):
    for path in ("/", "/assets/page.js", "/assets/page.css"):
        status, _, body = stranger(live).ask("GET", path)
        assert status == 200
        assert b"img_00" not in body


def test_the_token_has_256_bits_and_stands_in_the_fragment(live):
    assert len(live.guard.token) == 43
    assert re.fullmatch(rf"http://127\.0\.0\.1:{live.port}/#token=[\w-]{{43}}", live.guard.address)


def test_the_cookie_is_named_with_the_port_and_is_not_the_token(live):
    _, headers, _ = stranger(live).ask("POST", "/session", {"token": live.guard.token})
    cookie = headers["set-cookie"]
    assert re.fullmatch(rf"semtrace_{live.port}=[\w-]{{43}}; HttpOnly; SameSite=Strict; Path=/", cookie)
    assert live.guard.token not in cookie


@pytest.mark.parametrize("token", ["", "x" * 43, 7, None, ["x"], "ü"])
def test_another_token_is_refused(live, token):
    status, headers, _ = stranger(live).ask("POST", "/session", {"token": token})
    assert status == 403 or (token is None and status == 403)
    assert "set-cookie" not in headers


def test_a_session_without_a_token_is_refused(live):
    for body in (b"{}", b"[]", b"not JSON"):
        assert stranger(live).ask("POST", "/session", body)[0] == 400


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://localhost:{port}",
     "http://127.0.0.1:{port}/"],
)  # fmt: skip
def test_only_this_page_may_post(live, origin):
    origin = origin and origin.format(port=live.port)
    for path in ("/api/answer", "/api/undo"):
        assert live.ask("POST", path, {}, Origin=origin)[0] == 403
    assert stranger(live).ask("POST", "/session", {"token": live.guard.token}, Origin=origin)[0] == 403


def test_the_origin_follows_the_host(live):
    named = {"Host": f"localhost:{live.port}", "Origin": f"http://localhost:{live.port}"}
    assert live.ask("POST", "/api/undo", {}, **named)[0] == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_only_json_is_taken(live, kind):
    assert live.ask("POST", "/api/undo", {}, Content_Type=kind)[0] == 415


def test_a_post_without_the_cookie_is_refused(live):
    assert stranger(live).ask("POST", "/api/undo", {})[0] == 403


def test_64_kib_are_taken_and_no_byte_more(live):
    assert live.ask("POST", "/api/undo", b"{}".ljust(MOST_BYTES))[0] == 200
    assert live.ask("POST", "/api/undo", b"{}".ljust(MOST_BYTES + 1))[0] == 413
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [b" " * 40_000] * 2) + b"0\r\n\r\n"
    assert live.ask("POST", "/api/undo", chunked, Transfer_Encoding="chunked", Content_Length=None)[0] == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"])
def test_other_methods_are_refused(live, method):
    assert live.ask(method, "/api/queue")[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../guard.py", "/assets/%2e%2e/guard.py", "/assets/page.html", "/assets/guard.py", "/assets/",
        "/etc/passwd", "/picture/../../etc/passwd/thumb", "/picture/" + "0" * 32 + "/thumb",
        "/picture/{md5}/huge",
        "/picture/{path}/thumb",
        "/map/{md5}/{md5}", "/map/{md5}/" + "0" * 32, "/api/item/nothing", "/api/answer", "/api",
        "/docs", "/openapi.json",
    ],
)  # fmt: skip
def test_pictures_are_those_of_this_run_and_assets_those_of_a_list(live, path):
    row = live.get("/api/queue")[0]
    status, _, body = live.ask("GET", path.format(md5=row["jpeg"], path=row["path"]))
    assert status == 404
    assert b"import" not in body


@pytest.mark.parametrize("path", ["/", "/assets/page.js", "/api/run", "/nothing", "/picture/{md5}/thumb"])
def test_every_answer_has_the_headers(live, path):
    md5 = live.get("/api/queue")[0]["jpeg"]
    for client in (live, stranger(live)):
        status, headers, _ = client.ask("GET", path.format(md5=md5))
        for name, value in HEADERS.items():
            assert headers[name] == value
        kept = "private, immutable" if "picture" in path and status == 200 else "no-store"
        assert headers["cache-control"].startswith(kept)
    refused = live.ask("GET", "/", Host="evil.example")
    assert refused[1]["content-security-policy"] == HEADERS["content-security-policy"]


def test_the_policy_is_that_of_the_documentation():
    policy = HEADERS["content-security-policy"]
    page = (Path(__file__).resolve().parents[2] / "docs/security.md").read_text()
    assert policy in " ".join(page.split())
    assert "unsafe" not in policy


def test_the_file_that_opens_a_browser_is_this_users_alone(monkeypatch):
    seen = []

    def open_browser(address: str) -> None:
        file = Path(address.removeprefix("file://"))
        seen.append((stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode), file.read_text()))

    monkeypatch.setattr(serve.webbrowser, "open", open_browser)
    with serve.browser_opened("http://127.0.0.1:1/#token=abc"):
        pass
    ((mode, folder, text),) = seen
    assert (mode, folder) == (0o600, 0o700)
    assert "http://127.0.0.1:1/#token=abc" in text


def test_a_port_that_is_taken_is_named(live):
    with pytest.raises(serve.InputError, match=rf"port {live.port}: it is taken"):
        serve.listen(live.port)


SERVER = """
import sys
from semtrace.web.serve import listen, serve_page

async def app(scope, receive, send):
    raise RuntimeError("a fault of the page")

def ready(address):
    print(address, flush=True)

serve_page(app, listen(0), ready)
"""


def test_no_line_of_the_server_holds_the_token_or_the_cookie():
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port, token = re.match(r"http://127.0.0.1:(\d+)/#token=(\S+)", server.stdout.readline()).groups()
        sent = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json"}

        def ask(method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)) as connection:
                connection.request(method, path, body, {**sent, **headers})
                answer = connection.getresponse()
                answer.read()
                return answer

        begun = ask("POST", "/session", f'{{"token": "{token}"}}')
        cookie = begun.headers["set-cookie"].partition(";")[0]
        assert ask("GET", "/picture/0/thumb", Cookie=cookie).status == 500
        assert ask("POST", "/session", f'{{"token": "{token}x"}}').status == 403
        assert ask("GET", f"/api/run?token={token}").status == 403
        server.send_signal(signal.SIGTERM)
        said, complained = server.communicate(timeout=30)
    assert "a fault of the page" in complained
    for secret in (token, cookie.partition("=")[2]):
        assert secret not in said + complained
