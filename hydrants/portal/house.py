"""What all parts of the portal share: settings, accounts, sessions, files, and how a page is made."""

from __future__ import annotations

import secrets
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import jinja2
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hydrants import reference, store
from hydrants.portal import audit, words
from hydrants.portal.files import Files
from hydrants.portal.reading import Reader
from hydrants.portal.scope import Role
from hydrants.portal.sessions import Sessions, Visitor, csrf_of
from hydrants.settings import Settings

_NEXT_PLACES = ("/current/", "/snapshots/", "/private/", "/account", "/admin")
_FORM_S = 86_400


class House:
    """A portal's parts.

    Args:
        settings: of the installation.
        engine: the database of the accounts.
    """

    def __init__(self, settings: Settings, engine: sa.Engine) -> None:
        """A portal over SITE with these accounts."""
        self.settings, self.engine = settings, engine
        self.site = settings.site.resolve()
        self.files = Files()
        self.reader = Reader(settings)
        self.sessions = Sessions(engine, settings.session_idle_minutes * 60, settings.session_hours * 3_600)

    def close(self) -> None:
        """Let go of the store."""
        self.reader.close()

    # -- who asks --------------------------------------------------------------------------

    async def visitor(self, request: Request) -> Visitor | None:
        """Whose session a request belongs to."""
        return await self.sessions.visitor(self.session_token(request))

    def session_token(self, request: Request) -> str | None:
        """The token in the session's cookie."""
        return request.cookies.get(_cookie(request, "session"))

    def origin(self, request: Request) -> str:
        """Scheme, host and port that this portal goes by."""
        if self.settings.portal_url:
            return self.settings.portal_url
        return f"{request.url.scheme}://{request.headers.get('host', '')}"

    def let_in(self, request: Request, response: Response, token: str) -> None:
        """Give the browser its session."""
        self._set_cookie(request, response, "session", token, self.sessions.longest_s)

    def let_out(self, request: Request, response: Response) -> None:
        """Take the browser's session away; that it ended, the server knows too."""
        self._set_cookie(request, response, "session", "", 0)

    def _set_cookie(self, request: Request, response: Response, name: str, value: str, age_s: int) -> None:
        response.set_cookie(
            _cookie(request, name),
            value,
            max_age=age_s,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )

    # -- where to --------------------------------------------------------------------------

    def home(self, visitor: Visitor) -> str:
        """The page on which an account's work begins."""
        account, seen = visitor.account, visitor.scope
        if account.role is Role.contractor:
            place = f"/private/{account.subject}/index.html"
            return place if (self.site / place[1:]).is_file() else "/account"
        if account.role is Role.zone and seen.gemeenten:
            return f"/current/zones/{account.subject}/index.html"
        if len(seen.gemeenten) == 1:
            return f"/current/{next(iter(seen.gemeenten))}/index.html"
        return "/current/index.html" if seen.gemeenten else "/account"

    def next_or_home(self, asked: str, visitor: Visitor) -> str:
        """The place asked for, when it is one of this portal's; else home: never another site."""
        # by its first characters as they stand, before anything takes spaces or a host out of them
        is_ours = (
            asked.startswith(_NEXT_PLACES) and asked.isascii() and asked.isprintable() and "\\" not in asked
        )
        return asked if is_ours else self.home(visitor)

    # -- what is answered ------------------------------------------------------------------

    def page(
        self,
        request: Request,
        template: str,
        visitor: Visitor | None = None,
        status: int = 200,
        **values: Any,
    ) -> Response:
        """A page of the portal itself; its forms carry what shows that they are ours."""
        token = self.session_token(request) if visitor else request.cookies.get(_cookie(request, "form"))
        given = token or secrets.token_urlsafe(24)
        html = (
            _environment()
            .get_template(template)
            .render(visitor=visitor, csrf=csrf_of(given), home=visitor and self.home(visitor), **values)
        )
        response = HTMLResponse(html, status_code=status)
        if token is None and template != "error.html.j2":
            self._set_cookie(request, response, "form", given, _FORM_S)
        return response

    def expected_csrf(self, request: Request, visitor: Visitor | None) -> str | None:
        """What a form that this browser got from us sends along."""
        token = self.session_token(request) if visitor else request.cookies.get(_cookie(request, "form"))
        return csrf_of(token) if token else None

    def not_found(self, request: Request, visitor: Visitor | None) -> Response:
        """The same for what is not there and for what is somebody else's."""
        return self.refused(request, 404, "Deze pagina bestaat niet, of is niet voor u.", visitor)

    def refused(self, request: Request, status: int, why_nl: str, visitor: Visitor | None = None) -> Response:
        """An error in words, without any detail of how it came about."""
        path = request.url.path
        if path.startswith("/api/"):
            return JSONResponse({"detail": why_nl}, status_code=status)
        return self.page(request, "error.html.j2", visitor, status, why=why_nl)

    # -- what is kept ----------------------------------------------------------------------

    async def note(self, request: Request, account: str, action: str, detail: str = "") -> None:
        """Write a line into the log; of who has no account, `account` "", not each one."""
        await anyio.to_thread.run_sync(partial(self._note, address_of(request), account, action, detail))

    def _note(self, address: str, account: str, action: str, detail: str) -> None:
        write = audit.note if account else audit.note_seldom
        with store.write(self.engine) as connection:
            write(connection, account, action, detail, address)


def address_of(request: Request) -> str:
    """Where a request comes from; behind a proxy, what that says."""
    return request.client.host if request.client else ""


def _cookie(request: Request, name: str) -> str:
    """A cookie's name: over https one that no other host and no plain connection can set."""
    return f"__Host-hydrants_{name}" if request.url.scheme == "https" else f"hydrants_{name}"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": words.moment, "second": words.second}
    environment.globals |= {
        "subject_nl": words.subject,
        "role_nl": words.ROLE,
        "gemeenten": reference.gemeenten(),
    }
    return environment
