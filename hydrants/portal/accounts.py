"""Accounts, and the one-time links by which their owners choose a password or come in."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants.errors import NotFound, UnusableSetting
from hydrants.portal import scope, tables
from hydrants.portal.scope import Role

FIRST_ADMIN = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_LINK_S = {"password": 7 * 86_400, "login": 3_600}
_BELGIUM = ZoneInfo("Europe/Brussels")

_own = tables.account.c


class Account(NamedTuple):
    """An account.

    Args:
        subject: the gemeente (NIS code), zone or firm that it is for; "" for planner and admin.
        password_hash: None until its owner chose a password.
        created_at, last_login_at: UTC; the latter None before the first.
    """

    account_id: int
    name: str
    role: Role
    subject: str
    password_hash: str | None
    email: str | None
    oidc_subject: str | None
    is_enabled: bool
    created_at: datetime
    last_login_at: datetime | None

    def scope(self) -> scope.Scope:
        """What it may see today; nothing when what it is for is no more."""
        try:
            return scope.of(self.role, self.subject, today())
        except UnusableSetting:
            return scope.NOTHING


class Kind(StrEnum):
    """What a one-time link is for."""

    password = "password"  # noqa: S105 - a kind of link
    login = "login"


def today() -> date:
    """The day it is in Belgium: contracts and zones change at its midnight."""
    return datetime.now(_BELGIUM).date()


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def of_row(row: Any) -> Account:
    """An account from a row of its table."""
    values = {name: getattr(row, name) for name in Account._fields}
    values["role"] = Role(row.role)
    for name in ("created_at", "last_login_at"):
        values[name] = values[name] and datetime.fromtimestamp(values[name], UTC)
    return Account(**values)


def add(
    connection: sa.Connection, name: str, role: Role, subject: str = "", email: str | None = None
) -> Account:
    """Make an account, without a password.

    Raises:
        UnusableSetting: when the name or address cannot be used or is taken, or there is no such subject.
    """
    name, email = name.casefold(), email.strip().casefold() if email else None
    if not _NAME.fullmatch(name):
        raise UnusableSetting(f"{name!r} is no name of letters, digits, dots, dashes and underscores")
    if email and not (_EMAIL.fullmatch(email) and len(email) <= 254):
        raise UnusableSetting(f"{email!r} is no mail address")
    if role in (Role.planner, Role.admin) and subject:
        raise UnusableSetting(f"a {role} sees everything: leave the scope out")
    scope.of(role, subject, today())
    if connection.execute(sa.select(_own.account_id).where(_own.name == name)).first():
        raise UnusableSetting(f"there is an account {name!r} already")
    if email and connection.execute(sa.select(_own.account_id).where(_own.email == email)).first():
        raise UnusableSetting(f"{email} belongs to another account already")
    values = {"name": name, "role": str(role), "subject": subject, "email": email}
    connection.execute(
        sa.insert(tables.account).values(**values, is_enabled=True, created_at=int(time.time()))
    )
    return named(connection, name)


def find(connection: sa.Connection, name: str) -> Account | None:
    """The account of a name, if there is one."""
    row = connection.execute(sa.select(tables.account).where(_own.name == name.casefold())).first()
    return None if row is None else of_row(row)


def named(connection: sa.Connection, name: str) -> Account:
    """The account of a name.

    Raises:
        NotFound: when there is none.
    """
    found = find(connection, name)
    if found is None:
        raise NotFound(f"there is no account {name!r}")
    return found


def by_identity(connection: sa.Connection, oidc_subject: str, email: str | None) -> Account | None:
    """The account of somebody whom an OpenID provider vouches for, if it may come in.

    Args:
        oidc_subject: issuer and subject; it belongs to an account from its first such login on.
        email: verified by the provider, or None: by it the account is found that first time.
    """
    may_come = sa.select(tables.account).where(_own.is_enabled)
    row = connection.execute(may_come.where(_own.oidc_subject == oidc_subject)).first()
    if row is not None:
        return of_row(row)
    if email is None:
        return None
    is_unbound = (_own.email == email.casefold()) & _own.oidc_subject.is_(None)
    row = connection.execute(may_come.where(is_unbound)).first()
    if row is None:
        return None
    connection.execute(
        sa.update(tables.account).where(_own.account_id == row.account_id).values(oidc_subject=oidc_subject)
    )
    return of_row(row)


def everyone(connection: sa.Connection) -> list[Account]:
    """All accounts, by name."""
    return [of_row(row) for row in connection.execute(sa.select(tables.account).order_by(_own.name))]


def first_admin(connection: sa.Connection) -> tuple[Account, bool]:
    """The admin who comes in by the link that `hydrants serve` prints, and whether it was made just now.

    Raises:
        UnusableSetting: when an account that bears its name is no admin, or is disabled.
    """
    query = sa.select(tables.account).where(_own.role == str(Role.admin), _own.is_enabled)
    row = connection.execute(query.order_by(_own.account_id)).first()
    if row is not None:
        return of_row(row), False
    return add(connection, FIRST_ADMIN, Role.admin), True


def enable(connection: sa.Connection, name: str, *, is_enabled: bool) -> Account:
    """Let an account in or not; who is in with it is out at once, and links to it end."""
    found = named(connection, name)
    connection.execute(
        sa.update(tables.account).where(_own.account_id == found.account_id).values(is_enabled=is_enabled)
    )
    if not is_enabled:
        _end_all(connection, found.account_id)
    return found._replace(is_enabled=is_enabled)


def remove(connection: sa.Connection, name: str) -> None:
    """Remove an account; its lines in the log stay."""
    found = named(connection, name)
    _end_all(connection, found.account_id)
    for table in (tables.known_address, tables.account):
        connection.execute(sa.delete(table).where(table.c.account_id == found.account_id))


def set_password(connection: sa.Connection, account_id: int, password_hash: str) -> None:
    """Keep a new password's hash; every session and link of the account ends."""
    _keep_hash(connection, account_id, password_hash)
    _end_all(connection, account_id)


def rehash(connection: sa.Connection, account_id: int, password_hash: str) -> None:
    """Keep a better hash of the same password."""
    _keep_hash(connection, account_id, password_hash)


def link(connection: sa.Connection, account: Account, kind: Kind) -> str:
    """A new one-time token for an account; earlier ones of its kind end.

    Raises:
        UnusableSetting: when the account is disabled.
    """
    if not account.is_enabled:
        raise UnusableSetting(f"account {account.name!r} is disabled")
    own = tables.ticket.c
    connection.execute(
        sa.delete(tables.ticket).where(own.account_id == account.account_id, own.kind == str(kind))
    )
    token = secrets.token_urlsafe(32)
    connection.execute(
        sa.insert(tables.ticket).values(
            token_sha256=token_hash(token),
            account_id=account.account_id,
            kind=str(kind),
            expires_at=int(time.time()) + _LINK_S[kind],
        )
    )
    return token


def behind(connection: sa.Connection, token: str) -> tuple[Account, Kind] | None:
    """Whose link a token is, and for what; None when it is not, was used, or is over."""
    own = tables.ticket.c
    row = connection.execute(
        sa.select(tables.account, own.kind)
        .join(tables.ticket, own.account_id == _own.account_id)
        .where(own.token_sha256 == token_hash(token), own.expires_at > int(time.time()), _own.is_enabled)
    ).first()
    return None if row is None else (of_row(row), Kind(row.kind))


def use(connection: sa.Connection, token: str) -> bool:
    """Use a link up; False when somebody else did just before."""
    own = tables.ticket.c
    used = connection.execute(sa.delete(tables.ticket).where(own.token_sha256 == token_hash(token)))
    return used.rowcount == 1


def _keep_hash(connection: sa.Connection, account_id: int, password_hash: str) -> None:
    connection.execute(
        sa.update(tables.account).where(_own.account_id == account_id).values(password_hash=password_hash)
    )


def _end_all(connection: sa.Connection, account_id: int) -> None:
    for table in (tables.session, tables.ticket):
        connection.execute(sa.delete(table).where(table.c.account_id == account_id))
