"""What a form must show before it is listened to: that it is ours, and of the browser that sends it."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Form, HTTPException, Request

from hydrants.portal.house import House
from hydrants.portal.sessions import Visitor

FOREIGN = "Dit formulier kwam niet van deze website, of is te oud. Open de pagina opnieuw."


def house_of(request: Request) -> House:
    """The portal that a request came to."""
    house: House = request.app.state.house
    return house


async def visitor_or_none(request: Request) -> Visitor | None:
    """Whose session this is, if any."""
    return await house_of(request).visitor(request)


MaybeVisitor = Annotated[Visitor | None, Depends(visitor_or_none)]


class LoginNeeded(Exception):
    """A page that only who is logged in may see."""


async def visitor_or_login(visitor: MaybeVisitor) -> Visitor:
    """Whose session this is; who has none goes to the login."""
    if visitor is None:
        raise LoginNeeded
    return visitor


LoggedIn = Annotated[Visitor, Depends(visitor_or_login)]


async def own_form(request: Request, visitor: MaybeVisitor, csrf: Annotated[str, Form()] = "") -> None:
    """Refuse a form that another site made the browser send.

    Raises:
        HTTPException: 403.
    """
    house = house_of(request)
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_from_here = (site is None or site == "same-origin") and (
        origin is None or origin == house.origin(request)
    )
    expected = house.expected_csrf(request, visitor)
    is_known = expected is not None and hmac.compare_digest(expected.encode(), csrf.encode())
    if not (is_from_here and (site or origin) and is_known):
        await house.note(
            request, visitor.account.name if visitor else "", "vreemd formulier", request.url.path
        )
        raise HTTPException(403, FOREIGN)


OwnForm = Depends(own_form)
