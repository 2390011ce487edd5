"""The log of who did what: logins, refusals, downloads, and what admins did. No secret goes into it."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from hydrants.portal.tables import attempt, audit, session, ticket

COMMAND_LINE = "opdrachtregel"
_MAX_CHARACTERS = 300
_DAY_S = 86_400
_SELDOM_S = 60


def note(connection: sa.Connection, account: str, action: str, detail: str = "", address: str = "") -> None:
    """Write a line.

    Args:
        connection: of the accounts; the line stands if and only if its transaction does.
        account: name of who did it; of a login that failed, the name that was typed.
        address: where from; empty for the command line.
    """
    line = {"account": account, "address": address, "action": action, "detail": detail}
    connection.execute(
        sa.insert(audit),
        {"at": int(time.time()), **{key: text[:_MAX_CHARACTERS] for key, text in line.items()}},
    )


def note_seldom(
    connection: sa.Connection, account: str, action: str, detail: str = "", address: str = ""
) -> None:
    """Write a line of what anybody can do without an account, once a minute per address: it fills no disk."""
    own = audit.c
    lately = sa.select(own.audit_id).where(
        own.at > int(time.time()) - _SELDOM_S, own.action == action, own.address == address
    )
    if connection.execute(lately.limit(1)).first() is None:
        note(connection, account, action, detail, address)


def lines(connection: sa.Connection, limit: int) -> list[dict[str, Any]]:
    """The newest lines first: at (seconds since 1970), account, address, action, detail."""
    own = audit.c
    query = (
        sa.select(own.at, own.account, own.address, own.action, own.detail)
        .order_by(own.audit_id.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def forget_old(connection: sa.Connection, log_days: int, session_s: int) -> None:
    """Remove what has served: old lines, and sessions, links and failed logins that are over."""
    now = int(time.time())
    connection.execute(sa.delete(audit).where(audit.c.at < now - log_days * _DAY_S))
    connection.execute(sa.delete(session).where(session.c.created_at < now - session_s))
    connection.execute(sa.delete(ticket).where(ticket.c.expires_at < now))
    connection.execute(sa.delete(attempt).where(attempt.c.at < now - _DAY_S))
