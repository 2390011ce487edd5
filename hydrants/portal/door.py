"""The door of the published site: who may come in gets the file, everybody else the same "not found".

It stands in front of the router, because most of what is asked for passes here: a session that is looked up,
a path that is found on a list, and bytes that lie ready.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hydrants.portal import published, scope
from hydrants.portal.accounts import today
from hydrants.portal.files import Body, Ready
from hydrants.portal.house import House
from hydrants.portal.published import Kind
from hydrants.portal.sessions import Visitor

_PLACES = ("/current/", "/snapshots/", "/private/")
_STATIC = "/portal/static/"
_READS = {"GET", "HEAD"}
_MOST_MADE = 256


class Door:
    """An ASGI application in front of another, which answers what is no part of the published site."""

    def __init__(self, app: ASGIApp, house: House) -> None:
        """The door of a house; `app` answers the rest."""
        self._app, self._house = app, house
        self._made_before: dict[tuple[Path, scope.Scope], Body] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what lies behind the door."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (
            path.startswith(_PLACES) or path.startswith(_STATIC) or path == "/state.js"
        ):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = await self._answer(request, path) if scope["method"] in _READS else _only_reads()
        await answer(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Ready | Response:
        house = self._house
        if path.startswith(_STATIC):
            asset = _assets().get(path.removeprefix(_STATIC))
            return Ready(asset) if asset else house.not_found(request, None)
        visitor = await house.visitor(request)
        if visitor is None:
            return self._turned_away(request, path)
        found = await self._found(path, visitor)
        if found is None:
            await house.note(request, visitor.account.name, "geweigerd", path)
            return house.not_found(request, visitor)
        if found.is_download:
            await house.note(request, visitor.account.name, "download", path)
        try:
            return await self._answer_of(found, visitor)
        except FileNotFoundError:  # its snapshot was removed in this moment
            return house.not_found(request, visitor)

    async def _found(self, path: str, visitor: Visitor) -> published.Found | None:
        try:
            return published.find(self._house.site, path, visitor.scope)
        except (OSError, ValueError):  # a name that no file can have; a snapshot that is being removed
            return None

    async def _answer_of(self, found: published.Found, visitor: Visitor) -> Ready | Response:
        if found.kind is Kind.file:
            return await self._house.files.answer(found.path, is_download=found.is_download)
        if found.kind is Kind.state:
            return Ready(_state(found.path.read_text(encoding="utf-8"), visitor))
        key = (found.path, visitor.scope)
        body = self._made_before.get(key)
        if body is None:
            make = _overview if found.kind is Kind.overview else _progress
            body = await anyio.to_thread.run_sync(make, *key)
            if len(self._made_before) >= _MOST_MADE:
                self._made_before.clear()
            self._made_before[key] = body  # a snapshot never changes
        return Ready(body)

    def _turned_away(self, request: Request, path: str) -> Response:
        """To the login for who opens a page; a plain refusal for what pages fetch."""
        if path.endswith((".html", "/")):
            query = f"?next={quote(path)}" if path != "/current/index.html" else ""
            return RedirectResponse(f"/login{query}", status_code=303)
        return self._house.refused(request, 401, "Meld u eerst aan.")


def _only_reads() -> Response:
    return Response(status_code=405, headers={"Allow": "GET, HEAD"})


def _state(text: str, visitor: Visitor) -> Body:
    """The site's own word on how old it is, whose session it is read in, and which zones that may see."""
    zones = scope.zones(visitor.scope, today())
    said = {"name": visitor.account.name, "zones": [zone.zone for zone in zones]}
    account = json.dumps(said)  # ASCII, so that no character ends a string early
    told = f"{text}window.BRANDKRANEN_STATE.account = {account};\n"
    return Body.of(told.encode("utf-8"), ".js")


def _overview(overview: Path, seen: scope.Scope) -> Body:
    """The overview of what this scope includes."""
    from hydrants.publishing import pages  # lazy: the command line lists accounts without it

    return Body.of(pages.overview_html(overview.read_bytes(), seen.gemeenten).encode("utf-8"), ".html")


def _progress(progress: Path, seen: scope.Scope) -> Body:
    """The progress lines of what this scope includes; totals only for who sees all."""
    lines = orjson.loads(progress.read_bytes())
    is_whole = {line["nis"] for line in lines if line["nis"]} <= seen.gemeenten
    shown = [line for line in lines if is_whole or line["nis"] in seen.gemeenten]
    return Body.of(orjson.dumps(shown, option=orjson.OPT_INDENT_2), ".json")


@lru_cache(maxsize=1)
def _assets() -> dict[str, Body]:
    """The portal's own style and scripts, and those that it shares with the published pages."""
    from hydrants.publishing.pages import assets

    own = Path(__file__).parent / "static"
    files = [*own.iterdir(), *(assets.STATIC / name for name in ("page.css", "icon.svg"))]
    return {path.name: Body.of(path.read_bytes(), path.suffix) for path in files}
