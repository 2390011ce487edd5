"""Coming in by OpenID Connect: the provider says who somebody is, an account here says what he may see.

The code flow with PKCE, state and nonce, by Authlib, which finds the provider's addresses and keys itself. An
account is found by the provider's own subject; the first time by its e-mail address, if the provider has
verified that, and from then on by the subject, so that an address given to somebody else opens nothing. Who
has no account gets in nowhere: none is ever made.
"""

from __future__ import annotations

import secrets
from typing import Any

import anyio.to_thread
import httpx
import sqlalchemy as sa
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hydrants import store
from hydrants.portal import accounts, tables
from hydrants.portal.accounts import Account
from hydrants.portal.forms import house_of
from hydrants.portal.house import House
from hydrants.portal.login import come_in

PLACE = "/login/oidc"
_PROVIDER = "provider"
_WAY_S = 600
_STRANGER = "U bent er bekend, maar hebt hier geen account. Vraag het de beheerder."
_FAILED = "Het aanmelden is niet gelukt. Probeer het opnieuw."
_AWAY = "De aanmelddienst antwoordt nu niet. Probeer het later opnieuw, of met naam en wachtwoord."


def create(house: House) -> Starlette:
    """The part of the portal below `PLACE`; what a login needs on its way is in a signed cookie."""
    settings = house.settings
    oauth = OAuth()
    oauth.register(
        _PROVIDER,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value() or None,
        server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": 10.0},
    )
    on_its_way = Middleware(
        SessionMiddleware,
        secret_key=_signing_key(house.engine),
        session_cookie="hydrants_oidc",
        max_age=_WAY_S,
        path=PLACE,
        same_site="lax",
        https_only=settings.portal_url.startswith("https://"),
    )
    part = Starlette(routes=[Route("/", _leave), Route("/back", _back)], middleware=[on_its_way])
    part.state.house, part.state.provider = house, getattr(oauth, _PROVIDER)
    return part


async def _leave(request: Request) -> Response:
    """Off to the provider."""
    house = house_of(request)
    request.session["next"] = request.query_params.get("next", "")[:500]
    try:
        response: Response = await request.app.state.provider.authorize_redirect(
            request, f"{house.settings.portal_url}{PLACE}/back"
        )
    except (httpx.HTTPError, AuthlibBaseError):
        return house.refused(request, 503, _AWAY)
    return response


async def _back(request: Request) -> Response:
    """Back from the provider, with a code that it exchanges for a signed word on who this is."""
    house = house_of(request)
    next_place = request.session.pop("next", "")
    try:
        token = await request.app.state.provider.authorize_access_token(request)
    except httpx.HTTPError:
        return house.refused(request, 503, _AWAY)
    except (AuthlibBaseError, JoseError, ValueError) as error:
        await house.note(request, "", "OpenID mislukt", type(error).__name__)
        return house.refused(request, 401, _FAILED)
    request.session.clear()
    claims: dict[str, Any] = token.get("userinfo") or {}
    account = await anyio.to_thread.run_sync(_account, house, claims)
    if account is None:
        await house.note(request, "", "OpenID zonder account", str(claims.get("email", "")))
        return house.refused(request, 403, _STRANGER)
    return await come_in(house, request, account, "aangemeld met OpenID", next_place)


def _account(house: House, claims: dict[str, Any]) -> Account | None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return None
    email = claims.get("email") if claims.get("email_verified") is True else None
    with store.write(house.engine) as connection:
        return accounts.by_identity(
            connection, f"{house.settings.oidc_issuer} {subject}", email if isinstance(email, str) else None
        )


def _signing_key(engine: sa.Engine) -> str:
    """The same for every process and after each start; made at the first."""
    own = tables.secret.c
    query = sa.select(own.value).where(own.name == "oidc state")
    with store.write(engine, turn="signing key") as connection:
        known = connection.scalar(query)
        if known is None:
            known = secrets.token_urlsafe(32)
            connection.execute(sa.insert(tables.secret).values(name="oidc state", value=known))
    return str(known)
