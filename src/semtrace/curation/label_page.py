"""The page on which a person labels patches, as an application. Who may ask is the guard's affair."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from semtrace.core.errors import SemtraceError
from semtrace.curation.label import LabelDesk
from semtrace.web.assets import ASSET_TYPES, asset, asset_names, page_html

_SCRIPTS = ("say.js", "keys.js", "sheet.js", "server.js", "label.js")
_KEPT = "private, immutable, max-age=31536000"  # a digest names one picture for ever


def label_app(desk: LabelDesk) -> Starlette:
    """The application."""

    def page(_: Request) -> Response:
        html = page_html("semtrace curate label", [f"assets/{name}" for name in _SCRIPTS], mode="server")
        return Response(html, media_type="text/html")

    def assets(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in asset_names():
            return _error(404, "there is no such file")
        return Response(asset(name), media_type=ASSET_TYPES[name[name.rindex(".") :]])

    def screen(_: Request) -> Response:
        return _said(desk.screen())

    def picture(request: Request) -> Response:
        size = request.path_params["size"]
        made = desk.picture(request.path_params["md5"], size)
        if made is None:
            return _error(404, "there is no such patch, or its source cannot be read any more")
        kind = "image/png" if size == "thumb" else "image/webp"
        return Response(made, media_type=kind, headers={"cache-control": _KEPT})

    async def label(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            digests, word = body["patches"], body["label"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return _error(400, "an answer names patches and a label")
        if not isinstance(digests, list) or not all(isinstance(one, str) for one in [*digests, word]):
            return _error(400, "an answer names patches and a label")

        def save() -> dict[str, Any]:
            return {"labelled": desk.label(digests, word)}

        return await _saved(save)

    async def undo(_: Request) -> Response:
        def take_back() -> dict[str, Any]:
            return {"taken_back": desk.undo()}

        return await _saved(take_back)

    routes = [
        Route("/", page), Route("/assets/{name}", assets), Route("/api/screen", screen),
        Route("/picture/{md5}/{size}", picture), Route("/api/label", label, methods=["POST"]),
        Route("/api/undo", undo, methods=["POST"]),
    ]  # fmt: skip
    return Starlette(routes=routes)


async def _saved(work: Any) -> Response:
    try:
        return _said(await run_in_threadpool(work))
    except SemtraceError as error:
        return _error(422, str(error))
    except OSError as error:
        return _error(507, f"{error.strerror}: {error.filename}" if error.filename else str(error))


def _said(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False).encode(), status, media_type="application/json")


def _error(status: int, why: str) -> Response:
    return _said({"error": why}, status)
