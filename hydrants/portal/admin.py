"""The page of admins: accounts, their links, and the log."""

from __future__ import annotations

from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from hydrants import reference, store
from hydrants.errors import NotFound, UnusableSetting
from hydrants.portal import accounts, audit
from hydrants.portal.accounts import Account, Kind
from hydrants.portal.forms import LoggedIn, OwnForm, house_of
from hydrants.portal.house import House, address_of
from hydrants.portal.login import Text
from hydrants.portal.scope import Role
from hydrants.portal.sessions import Visitor

router = APIRouter(include_in_schema=False)

_LINES = 200


async def admin_only(request: Request, visitor: LoggedIn) -> Visitor:
    """The visitor, an admin; for everybody else there is no such page.

    Raises:
        HTTPException: 404.
    """
    if visitor.account.role is not Role.admin:
        await house_of(request).note(request, visitor.account.name, "geweigerd", request.url.path)
        raise HTTPException(404)
    return visitor


Admin = Annotated[Visitor, Depends(admin_only)]


@router.get("/admin")
async def admin_page(request: Request, visitor: Admin) -> Response:
    """All accounts, and the newest lines of the log."""
    return await _page(request, visitor)


@router.post("/admin/add", dependencies=[OwnForm])
async def add(
    request: Request, visitor: Admin, name: Text = "", role: Text = "", subject: Text = "", email: Text = ""
) -> Response:
    """Make an account, and show the link by which its owner chooses a password."""
    house = house_of(request)

    def made() -> tuple[Account, str]:
        with store.write(house.engine) as connection:
            account = accounts.add(connection, name.strip(), Role(role), subject, email or None)
            detail = f"{account.name} ({account.role} {account.subject})".replace(" )", ")")
            audit.note(connection, visitor.account.name, "account gemaakt", detail, address_of(request))
            return account, accounts.link(connection, account, Kind.password)

    subject = subject.partition(" ")[0]
    if role not in set(Role):
        return await _page(request, visitor, status=422, alert="Kies een rol.")
    try:
        account, token = await anyio.to_thread.run_sync(made)
    except UnusableSetting as error:
        return await _page(request, visitor, status=422, alert=f"Dit kan niet: {error}")
    return await _page(request, visitor, link=_address(house, request, token), link_of=account.name)


@router.post("/admin/link", dependencies=[OwnForm])
async def new_link(request: Request, visitor: Admin, name: Text = "") -> Response:
    """A new one-time link for an account; it is shown once."""
    house = house_of(request)

    def made() -> str:
        with store.write(house.engine) as connection:
            account = accounts.named(connection, name)
            audit.note(connection, visitor.account.name, "link gemaakt", account.name, address_of(request))
            return accounts.link(connection, account, Kind.password)

    try:
        token = await anyio.to_thread.run_sync(made)
    except (NotFound, UnusableSetting) as error:
        return await _page(request, visitor, status=422, alert=f"Dit kan niet: {error}")
    return await _page(request, visitor, link=_address(house, request, token), link_of=name)


@router.post("/admin/enable", dependencies=[OwnForm])
async def enable(request: Request, visitor: Admin, name: Text = "", enabled: Text = "") -> Response:
    """Let an account in again, or out; an admin cannot shut himself out."""
    house, is_enabled = house_of(request), enabled == "yes"
    if name.casefold() == visitor.account.name:
        return await _page(request, visitor, status=422, alert="U kunt uzelf niet buitensluiten.")

    def changed() -> None:
        with store.write(house.engine) as connection:
            accounts.enable(connection, name, is_enabled=is_enabled)
            action = "account toegelaten" if is_enabled else "account geblokkeerd"
            audit.note(connection, visitor.account.name, action, name, address_of(request))

    try:
        await anyio.to_thread.run_sync(changed)
    except NotFound as error:
        return await _page(request, visitor, status=422, alert=f"Dit kan niet: {error}")
    house.sessions.forget()
    return RedirectResponse("/admin", 303)


def _address(house: House, request: Request, token: str) -> str:
    return f"{house.origin(request)}/link/{token}"


async def _page(
    request: Request,
    visitor: Visitor,
    *,
    status: int = 200,
    alert: str = "",
    link: str = "",
    link_of: str = "",
) -> Response:
    house = house_of(request)

    def read() -> tuple[list[Account], list[dict[str, object]]]:
        with store.read(house.engine) as connection:
            return accounts.everyone(connection), audit.lines(connection, _LINES)

    everyone, lines = await anyio.to_thread.run_sync(read)
    subjects = [
        *((nis, gemeente.name_nl) for nis, gemeente in reference.gemeenten().items()),
        *((key, zone.name_nl) for key, zone in reference.zones(accounts.today()).items()),
        *((firm, firm.replace("_", " ").title()) for firm in reference.contractors()),
    ]
    return house.page(
        request,
        "admin.html.j2",
        visitor,
        status,
        everyone=everyone,
        lines=lines,
        subjects=subjects,
        roles=list(Role),
        alert=alert,
        link=link,
        link_of=link_of,
    )
