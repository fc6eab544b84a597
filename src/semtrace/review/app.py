"""The review page as an application: addresses, and what each answers. Who may ask is the guard's affair."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from semtrace.core.errors import SemtraceError
from semtrace.io.tables import TableError
from semtrace.io.verdict_store import ConflictError
from semtrace.review.answers import AnswerError
from semtrace.review.desk import Desk, StaleError
from semtrace.web.assets import ASSET_TYPES, SCRIPTS, asset, asset_names, page_html
from semtrace.web.pictures import TYPES, PictureService, Unavailable

_SOURCE = "server.js"
_KEPT = "private, immutable, max-age=31536000"  # a digest names one picture for ever


def make_app(desk: Desk, pictures: PictureService) -> Starlette:
    """The application.

    Args:
        desk: what is shown and taken.
        pictures: makes the pictures.
    """

    def page(_: Request) -> Response:
        scripts = [f"assets/{name}" for name in (*SCRIPTS[:-1], _SOURCE, SCRIPTS[-1])]
        return Response(page_html("semtrace review", scripts, mode="server"), media_type="text/html")

    def assets(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in asset_names():
            return _error(404, "there is no such file")
        return Response(asset(name), media_type=ASSET_TYPES[name[name.rindex(".") :]])

    def item(request: Request) -> Response:
        found = desk.item(request.path_params["item"])
        return _error(404, "there is no such item in this run") if found is None else _json(found)

    def picture(request: Request) -> Response:
        md5, size = request.path_params["md5"], request.path_params["size"]
        file = desk.file(md5)
        if file is None or size not in ("thumb", "view", "full"):
            return _error(404, "there is no such picture in this run")
        return _picture(pictures.picture(file, md5, size), TYPES[size])

    def ssim_map(request: Request) -> Response:
        task = desk.map_task(request.path_params["jpeg"], request.path_params["tiff"])
        if task is None:
            return _error(404, "there is no such pair in this run")
        return _picture(pictures.map(task), TYPES["map"])

    async def give(request: Request) -> Response:
        body = _parsed(await request.body())
        item, answer, state, seconds = (body.get(name) for name in ("item", "answer", "state", "seconds"))
        if not (isinstance(item, str) and isinstance(answer, str) and isinstance(state, str) and _is_time(seconds)):
            return _error(400, "an answer names item, answer and state")

        def save() -> Any:
            return desk.answer(item, answer, state, seconds)

        return await run_in_threadpool(_saved, save)

    async def undo(_: Request) -> Response:
        return await run_in_threadpool(_saved, desk.undo)

    routes = [
        Route("/", page), Route("/assets/{name}", assets),
        Route("/api/run", _read(desk.run)), Route("/api/rows", _read(desk.rows)),
        Route("/api/queue", _read(desk.queue)),
        Route("/api/item/{item}", item), Route("/picture/{md5}/{size}", picture), Route("/map/{jpeg}/{tiff}", ssim_map),
        Route("/api/answer", give, methods=["POST"]), Route("/api/undo", undo, methods=["POST"]),
    ]  # fmt: skip
    return Starlette(routes=routes, exception_handlers={404: _absent, 405: _absent})


async def _absent(_: Request, __: Exception) -> Response:
    return _error(404, "there is nothing here")


def _read(give: Callable[[], Any]) -> Callable[[Request], Response]:
    def answer(_: Request) -> Response:
        try:
            return _json(give())
        except (SemtraceError, OSError) as error:
            return _error(503, _words(error))

    return answer


def _saved(save: Callable[[], Any]) -> Response:
    """The answer to what was to be saved; every way in which it was not has its status."""
    try:
        done = save()
    except (StaleError, ConflictError) as error:
        return _error(409, str(error))
    except AnswerError as error:
        return _error(400, str(error))
    except TableError as error:
        return _error(422, str(error))
    except SemtraceError as error:
        return _error(422, str(error))
    except OSError as error:
        return _error(507, _words(error))
    return _error(404, "there is no such question in this run") if done is None else _json(done)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _picture(made: bytes | Unavailable, media_type: str) -> Response:
    if isinstance(made, Unavailable):
        return _error(404, f"{made.reason}: {made.detail}")
    return Response(made, media_type=media_type, headers={"cache-control": _KEPT})


def _json(value: Any, status: int = 200) -> Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode(), status, media_type="application/json")


def _error(status: int, why: str) -> Response:
    return _json({"error": why}, status)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6)
