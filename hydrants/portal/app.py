"""The portal as one ASGI application."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from hydrants.portal import admin, api, login, own_account
from hydrants.portal.door import Door
from hydrants.portal.forms import LoginNeeded, house_of
from hydrants.portal.headers import Shell
from hydrants.portal.house import House
from hydrants.settings import Settings

_WHY = {
    404: "Deze pagina bestaat niet, of is niet voor u.",
    405: "Dit kan hier niet.",
    422: "Dit verzoek is niet volledig.",
}


def create(house: House) -> ASGIApp:
    """The portal of a house."""
    settings = house.settings
    app = FastAPI(title="Brandkranen", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.house = house
    for part in (login, own_account, admin, api):
        app.include_router(part.router)
    if settings.oidc_issuer:
        from hydrants.portal import openid  # lazy: most installations do without

        app.mount(openid.PLACE, openid.create(house))
    app.add_exception_handler(LoginNeeded, _to_login)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _incomplete)
    app.add_exception_handler(Exception, _broken)
    hosts = [urlsplit(settings.portal_url).hostname or ""] if settings.portal_url else []
    return Shell(Door(app, house), hosts, _tiles_host(settings))


def _tiles_host(settings: Settings) -> str:
    from hydrants.publishing.frame import Tiles

    return Tiles(settings.tiles_url, settings.tiles_attribution).host


async def _to_login(request: Request, _error: Exception) -> Response:
    query = f"?next={request.url.path}" if request.method == "GET" and request.url.path != "/" else ""
    return RedirectResponse(f"/login{query}", status_code=303)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    is_ours = str(error.detail) != HTTPStatus(error.status_code).phrase
    why = str(error.detail) if is_ours else _WHY.get(error.status_code, "Dit verzoek kan niet.")
    response = house_of(request).refused(request, error.status_code, why)
    response.headers.update(error.headers or {})
    return response


async def _incomplete(request: Request, error: Exception) -> Response:
    return house_of(request).refused(request, 422, _WHY[422])


async def _broken(request: Request, _error: Exception) -> Response:
    return house_of(request).refused(request, 500, "Er ging iets mis. De beheerder kan nazien wat.")
