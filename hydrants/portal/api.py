"""The API: the same figures as the pages, for programs, read from the store and never written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from hydrants import store
from hydrants.errors import NothingPublished
from hydrants.portal import queries, tables
from hydrants.portal.forms import MaybeVisitor, house_of
from hydrants.portal.queries import Sort
from hydrants.portal.scope import NOTHING, Scope
from hydrants.portal.sessions import Visitor

router = APIRouter(prefix="/api")
_log = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000
_NOT_FOUND = "Niet gevonden, of niet voor u."
_AWAY = "De gegevens zijn nu niet te bereiken. Probeer het later opnieuw."
_NO_FIGURES = "Er is nog niets gepubliceerd."


class Refusal(BaseModel):
    """Why there is no answer, in Dutch."""

    detail: str


class Status(StrEnum):
    """ok: in order; failed: not in order; remaining: still to check."""

    ok = "ok"
    failed = "failed"
    remaining = "remaining"


class Line(BaseModel):
    """The progress of a water company in a gemeente; checked + remaining = registered."""

    operator: str
    nis: str
    gemeente: str
    contractor: str | None
    registered: int
    checked: int
    ok: int
    failed: int
    remaining: int


class Progress(BaseModel):
    """The progress table, of the gemeenten that the account may see."""

    snapshot_id: int
    as_of: date
    lines: list[Line]


class Hydrant(BaseModel):
    """A registered hydrant and its status; x_l72 and y_l72 are Lambert 72 (EPSG:31370), in metres."""

    hydrant_id: str
    operator: str
    nis: str
    contractor: str | None
    status: Status
    outcome: str | None
    inspected_on: date | None
    tried_on: date | None
    is_conflict: bool
    is_repaired: bool
    x_l72: float
    y_l72: float


class Hydrants(BaseModel):
    """Some of a gemeente's hydrants; `total` counts all that the filters let through."""

    snapshot_id: int
    as_of: date
    total: int
    hydrants: list[Hydrant]


class OneHydrant(Hydrant):
    """A hydrant, with what its register says of it."""

    snapshot_id: int
    as_of: date
    hydrant_type: str | None
    diameter_mm: int | None
    street_names: str | None


class Health(BaseModel):
    """Whether the portal can do its work."""

    is_healthy: bool


async def seen(visitor: MaybeVisitor) -> Visitor:
    """The visitor.

    Raises:
        HTTPException: 401 without a session.
    """
    if visitor is None:
        raise HTTPException(401, "Meld u eerst aan.")
    return visitor


Seen = Annotated[Visitor, Depends(seen)]
_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal} for status in (400, 401, 404, 422, 503)
}


@router.get("/progress", responses=_REFUSALS)
async def progress(request: Request, visitor: Seen) -> Progress:
    """The progress table."""
    scope = visitor.scope
    now, lines = await _asked(request, scope, partial(queries.progress, gemeenten=scope.gemeenten))
    return Progress(**now, lines=[Line(**line) for line in lines])


@router.get("/gemeenten/{nis}/hydrants", responses=_REFUSALS)
async def hydrants(
    request: Request,
    visitor: Seen,
    nis: Annotated[str, Path(pattern="^[0-9]{5}$", description="NIS code of a gemeente.")],
    status: Status | None = None,
    operator: Annotated[str | None, Query(pattern="^[a-z]{1,40}$", description="Water company.")] = None,
    sort: Sort = Sort.hydrant_id,
    limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Hydrants:
    """Hydrants of a gemeente; 404 for a gemeente that the account may not see."""
    if nis not in visitor.scope.gemeenten:
        await house_of(request).note(request, visitor.account.name, "geweigerd", request.url.path)
        raise HTTPException(404, _NOT_FOUND)
    ask = partial(
        queries.hydrants,
        gemeenten=visitor.scope.gemeenten,
        nis=nis,
        status=status and str(status),
        operator=operator,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    now, (total, rows) = await _asked(request, visitor.scope, ask)
    return Hydrants(**now, total=total, hydrants=[Hydrant(**row) for row in rows])


@router.get("/hydrants/{hydrant_id}", responses=_REFUSALS)
async def hydrant(
    request: Request,
    visitor: Seen,
    hydrant_id: Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")],
) -> OneHydrant:
    """A hydrant; 404 for one in a gemeente that the account may not see."""
    ask = partial(queries.hydrant, gemeenten=visitor.scope.gemeenten, hydrant_id=hydrant_id)
    now, row = await _asked(request, visitor.scope, ask)
    if row is None:
        await house_of(request).note(request, visitor.account.name, "geweigerd", request.url.path)
        raise HTTPException(404, _NOT_FOUND)
    return OneHydrant(**now, **row)


@router.get("/health", responses={503: {"model": Refusal}})
async def health(request: Request) -> Health:
    """Whether accounts, store and site can be read; says no more, for anybody may ask.

    Raises:
        HTTPException: 503 when not.
    """
    if not await anyio.to_thread.run_sync(_is_healthy, request):
        raise HTTPException(503, _AWAY)
    return Health(is_healthy=True)


async def _asked(
    request: Request, scope: Scope, ask: Callable[[sa.Connection, int], Any]
) -> tuple[dict[str, Any], Any]:
    """The current snapshot, and what a query says of it, in one transaction."""
    reader = house_of(request).reader

    def read() -> tuple[dict[str, Any], Any]:
        with reader.seeing(scope) as connection:
            now = queries.current(connection)
            if now is None:
                raise NothingPublished(_NO_FIGURES)
            return now, ask(connection, now["snapshot_id"])

    try:
        return await anyio.to_thread.run_sync(read)
    except NothingPublished as error:
        raise HTTPException(404, _NO_FIGURES) from error
    except SQLAlchemyError as error:
        _log.error("the store does not answer as it should: %s", error)  # without what was asked with
        raise HTTPException(503, _AWAY) from error


def _is_healthy(request: Request) -> bool:
    house = house_of(request)
    try:
        with store.read(house.engine) as connection:
            connection.execute(sa.select(tables.secret.c.name).limit(1)).all()
        with house.reader.seeing(NOTHING) as connection:
            now = queries.current(connection)
    except (SQLAlchemyError, NothingPublished):
        return False
    return now is not None and (house.site / "current" / "index.html").is_file()
