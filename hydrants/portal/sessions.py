"""Sessions: a random token in a cookie, its hash in the database; an end by idleness, by age and by logout.

A session is looked up at each request; for a second the answer is remembered in this process, and what this
process ends it forgets at once. So what is ended elsewhere, by the command line say, is out within a second.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import anyio.to_thread
import sqlalchemy as sa

from hydrants import store
from hydrants.portal import accounts, tables
from hydrants.portal.accounts import Account
from hydrants.portal.scope import Scope

REMEMBERED_S = 1.0
_SEEN_EVERY_S = 60
_MOST_REMEMBERED = 10_000

_own = tables.session.c


class Visitor(NamedTuple):
    """Who asks: an account, what it may see now, and the hash of its session's token.

    Args:
        csrf: what its forms must send along.
    """

    account: Account
    scope: Scope
    token_sha256: str
    csrf: str


def csrf_of(token: str) -> str:
    """What a form must send along with the cookie that holds `token`: nobody can tell it without that."""
    return hashlib.sha256(b"form " + token.encode()).hexdigest()


class Sessions:
    """The sessions of a portal."""

    def __init__(
        self,
        engine: sa.Engine,
        idle_s: int,
        longest_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Sessions of the accounts in `engine`.

        Args:
            idle_s: a session that asks nothing for so long is over.
            longest_s: and one that is so old.
            clock: seconds since 1970.
        """
        self.longest_s = longest_s
        self._engine, self._idle_s, self._clock = engine, idle_s, clock
        self._remembered: dict[str, tuple[float, Visitor]] = {}
        self._forgotten = 0

    def start(self, connection: sa.Connection, account: Account, instead_of: str | None = None) -> str:
        """Let an account in; the token for its cookie is always a new one.

        Args:
            instead_of: token that the browser came with; that session ends. `forget` when it is committed.
        """
        if instead_of:
            self.end(connection, accounts.token_hash(instead_of))
        token, now = secrets.token_urlsafe(32), int(self._clock())
        connection.execute(
            sa.insert(tables.session).values(
                token_sha256=accounts.token_hash(token),
                account_id=account.account_id,
                created_at=now,
                seen_at=now,
            )
        )
        connection.execute(
            sa.update(tables.account)
            .where(tables.account.c.account_id == account.account_id)
            .values(last_login_at=now)
        )
        return token

    async def visitor(self, token: str | None) -> Visitor | None:
        """Who asks with this token; None when nobody who may."""
        if not token:
            return None
        key = accounts.token_hash(token)
        known = self._remembered.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        return await anyio.to_thread.run_sync(partial(self._look_up, token, key))

    def end(self, connection: sa.Connection, token_sha256: str) -> None:
        """End a session; `forget` when it is committed."""
        connection.execute(sa.delete(tables.session).where(_own.token_sha256 == token_sha256))

    def forget(self) -> None:
        """Look every session up anew at its next request, also those that are being looked up just now."""
        self._forgotten += 1
        self._remembered.clear()

    def _look_up(self, token: str, key: str) -> Visitor | None:
        now, forgotten = self._clock(), self._forgotten
        query = (
            sa.select(tables.account, _own.seen_at.label("seen_at"))
            .join(tables.account, tables.account.c.account_id == _own.account_id)
            .where(
                _own.token_sha256 == key,
                _own.created_at > now - self.longest_s,
                _own.seen_at > now - self._idle_s,
                tables.account.c.is_enabled,
            )
        )
        with store.read(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if row.seen_at < now - _SEEN_EVERY_S:
            with store.write(self._engine) as connection:
                connection.execute(
                    sa.update(tables.session).where(_own.token_sha256 == key).values(seen_at=int(now))
                )
        found = accounts.of_row(row)
        visitor = Visitor(found, found.scope(), key, csrf_of(token))
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        if forgotten == self._forgotten:
            self._remembered[key] = (now + REMEMBERED_S, visitor)
        return visitor
