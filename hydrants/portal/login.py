"""Coming in and going out: by name and password, or by a one-time link."""

from __future__ import annotations

from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from hydrants import store
from hydrants.portal import accounts, audit, limits, passwords
from hydrants.portal.accounts import Account, Kind
from hydrants.portal.forms import MaybeVisitor, OwnForm, house_of
from hydrants.portal.house import House, address_of
from hydrants.portal.sessions import Visitor

router = APIRouter(include_in_schema=False)

_WRONG = "Naam of wachtwoord klopt niet."
_NO_LINK = "Deze link is niet (meer) geldig: hij werkt één keer, en niet eeuwig. Vraag een nieuwe."
_HASHES_AT_ONCE = anyio.CapacityLimiter(2)
"""argon2 takes 64 MB and a processor each; who tries many passwords waits in line, pages do not."""

Text = Annotated[str, Form()]


async def hashed(password: str) -> str:
    """The hash of a new password, without holding up anybody else."""
    return await anyio.to_thread.run_sync(passwords.hashed, password, limiter=_HASHES_AT_ONCE)


async def fits(password: str, known_hash: str | None) -> bool:
    """Whether a password belongs to a hash, without holding up anybody else."""
    return await anyio.to_thread.run_sync(passwords.fits, password, known_hash, limiter=_HASHES_AT_ONCE)


@router.get("/login")
async def login_page(request: Request, visitor: MaybeVisitor, next: str = "") -> Response:
    """The form; who is in already goes on."""
    house = house_of(request)
    if visitor is not None:
        return RedirectResponse(house.next_or_home(next, visitor), 303)
    return _form(house, request, next)


@router.post("/login", dependencies=[OwnForm])
async def login(
    request: Request,
    name: Text = "",
    password: Text = "",
    next: Text = "",
) -> Response:
    """Let in who knows the password of a name."""
    house, address = house_of(request), address_of(request)
    name = name.strip().casefold()[:64]
    account, wait_s = await anyio.to_thread.run_sync(_tried, house, name, address)
    if wait_s:
        return too_often(house, request, wait_s, next)
    if not await fits(password, account.password_hash if account else None) or account is None:
        await house.note(request, name, "aanmelden mislukt")
        return _form(house, request, next, status=401, alert=_WRONG, name=name)
    better = None
    if account.password_hash and passwords.is_outdated(account.password_hash):
        better = await hashed(password)
    return await come_in(house, request, account, "aangemeld", next, better)


def _tried(house: House, name: str, address: str) -> tuple[Account | None, int]:
    """The account of a name, if it may come in; and how long this login has to wait."""
    with store.write(house.engine, turn=limits.TURN) as connection:
        wait_s = limits.wait_s(connection, name, address)
        if wait_s:
            audit.note_seldom(connection, name, "te veel pogingen", address=address)
        found = accounts.find(connection, name)
    return (found if found and found.is_enabled else None), wait_s


async def come_in(
    house: House,
    request: Request,
    account: Account,
    how: str,
    next_place: str = "",
    better_hash: str | None = None,
) -> Response:
    """Start a session for an account, in place of the one the browser had.

    Args:
        how: what the log says.
        better_hash: of the same password, by today's parameters.
    """

    def start() -> str:
        with store.write(house.engine) as connection:
            limits.succeeded(connection, account.account_id, account.name, address_of(request))
            if better_hash:
                accounts.rehash(connection, account.account_id, better_hash)
            audit.note(connection, account.name, how, address=address_of(request))
            audit.forget_old(connection, house.settings.audit_days, house.sessions.longest_s)
            return house.sessions.start(connection, account, instead_of=house.session_token(request))

    token = await anyio.to_thread.run_sync(start)
    house.sessions.forget()
    visitor = Visitor(account, account.scope(), "", "")
    response = RedirectResponse(house.next_or_home(next_place, visitor), 303)
    house.let_in(request, response, token)
    return response


def too_often(house: House, request: Request, wait_s: int, next_place: str = "") -> Response:
    """Say that too much was tried, and when to come back."""
    alert = f"Te veel pogingen. Probeer het over {-(-wait_s // 60)} minuten opnieuw."
    response = _form(house, request, next_place, status=429, alert=alert)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _form(
    house: House, request: Request, next_place: str, *, status: int = 200, alert: str = "", name: str = ""
) -> Response:
    return house.page(
        request,
        "login.html.j2",
        status=status,
        next=next_place,
        alert=alert,
        name=name,
        oidc_name=house.settings.oidc_name if house.settings.oidc_issuer else "",
    )


@router.post("/logout", dependencies=[OwnForm])
async def logout(request: Request, visitor: MaybeVisitor) -> Response:
    """End the session, here and on the server."""
    house = house_of(request)

    def end(visitor: Visitor) -> None:
        with store.write(house.engine) as connection:
            house.sessions.end(connection, visitor.token_sha256)
            audit.note(connection, visitor.account.name, "afgemeld", address=address_of(request))

    if visitor is not None:
        await anyio.to_thread.run_sync(end, visitor)
        house.sessions.forget()
    response = RedirectResponse("/login", 303)
    house.let_out(request, response)
    if request.url.scheme == "https":
        response.headers["Clear-Site-Data"] = '"cache", "storage"'  # a screen that others use too
    return response


# -- one-time links ----------------------------------------------------------------------------


@router.get("/link/{token}")
async def link_page(request: Request, token: str) -> Response:
    """What the link is for. Looking does not use it up: programs that look through mail do that too."""
    house = house_of(request)
    found = await anyio.to_thread.run_sync(_behind, house, token)
    if found is None:
        return house.refused(request, 404, _NO_LINK)
    return _link_form(house, request, *found)


@router.post("/link/{token}", dependencies=[OwnForm])
async def link(request: Request, token: str, password: Text = "", again: Text = "") -> Response:
    """Use the link up: choose a password with it, or just come in."""
    house = house_of(request)
    found = await anyio.to_thread.run_sync(_behind, house, token)
    if found is None:
        return house.refused(request, 404, _NO_LINK)
    account, kind = found
    new_hash = None
    if kind is Kind.password:
        wrong = passwords.wrong_with(password, account.name)
        if wrong is None and password != again:
            wrong = "De twee wachtwoorden zijn niet gelijk."
        if wrong:
            return _link_form(house, request, account, kind, alert=wrong)
        new_hash = await hashed(password)
    if not await anyio.to_thread.run_sync(_use, house, token, account, new_hash):
        return house.refused(request, 404, _NO_LINK)
    house.sessions.forget()
    return await come_in(house, request, account, "aangemeld met link")


def _link_form(house: House, request: Request, account: Account, kind: Kind, alert: str = "") -> Response:
    status = 422 if alert else 200
    return house.page(request, "link.html.j2", status=status, account=account, kind=kind, alert=alert)


def _behind(house: House, token: str) -> tuple[Account, Kind] | None:
    with store.read(house.engine) as connection:
        return accounts.behind(connection, token)


def _use(house: House, token: str, account: Account, new_hash: str | None) -> bool:
    with store.write(house.engine) as connection:
        if not accounts.use(connection, token):
            return False
        if new_hash is not None:
            accounts.set_password(connection, account.account_id, new_hash)
            audit.note(connection, account.name, "wachtwoord gekozen")
    return True
