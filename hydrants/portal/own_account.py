"""An account's own page: who am I, what may I see, another password, log out."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from hydrants import reference, store
from hydrants.portal import accounts, audit, limits, passwords, scope
from hydrants.portal.forms import LoggedIn, OwnForm, house_of
from hydrants.portal.house import House, address_of
from hydrants.portal.login import Text, come_in, fits, hashed
from hydrants.portal.sessions import Visitor

router = APIRouter(include_in_schema=False)


@router.get("/")
async def front_door(request: Request, visitor: LoggedIn) -> Response:
    """To where this account's work begins."""
    return RedirectResponse(house_of(request).home(visitor), 303)


@router.get("/account")
async def account_page(request: Request, visitor: LoggedIn) -> Response:
    """Who is logged in, and what that opens."""
    return _page(house_of(request), request, visitor)


@router.post("/account/password", dependencies=[OwnForm])
async def change_password(
    request: Request, visitor: LoggedIn, current: Text = "", password: Text = "", again: Text = ""
) -> Response:
    """Take another password; every session of the account ends, and this browser gets a new one."""
    house, account = house_of(request), visitor.account
    wrong = passwords.wrong_with(password, account.name)
    if wrong is None and password != again:
        wrong = "De twee nieuwe wachtwoorden zijn niet gelijk."
    if wrong is None and account.password_hash is not None:
        wait_s = await anyio.to_thread.run_sync(_tried, house, account.name, address_of(request))
        if wait_s:
            response = _page(house, request, visitor, 429, "Te veel pogingen: wacht een kwartier.")
            response.headers["Retry-After"] = str(wait_s)
            return response
        if not await fits(current, account.password_hash):
            wrong = "Het huidige wachtwoord klopt niet."
    if wrong:
        return _page(house, request, visitor, 422, wrong)
    await anyio.to_thread.run_sync(_set, house, visitor, await hashed(password), address_of(request))
    house.sessions.forget()
    return await come_in(house, request, account, "opnieuw aangemeld", "/account")


def _page(house: House, request: Request, visitor: Visitor, status: int = 200, alert: str = "") -> Response:
    seen = visitor.scope
    named = sorted((reference.gemeenten()[nis].name_nl, nis) for nis in seen.gemeenten)
    zones = scope.zones(seen, accounts.today())
    firms = [firm for firm in sorted(seen.firms) if (house.site / "private" / firm / "index.html").is_file()]
    return house.page(
        request, "account.html.j2", visitor, status, named=named, zones=zones, firms=firms, alert=alert
    )


def _tried(house: House, name: str, address: str) -> int:
    with store.write(house.engine, turn=limits.TURN) as connection:
        return limits.wait_s(connection, name, address)


def _set(house: House, visitor: Visitor, new_hash: str, address: str) -> None:
    with store.write(house.engine) as connection:
        accounts.set_password(connection, visitor.account.account_id, new_hash)
        audit.note(connection, visitor.account.name, "wachtwoord gewijzigd", address=address)
