"""How often a login may fail, by name and by address, in the database: all processes count together.

Three counts over a quarter of an hour: of a name from one address, of one address, and of a name from
addresses that its account never came in from. The last one slows down who guesses from many places, and does
not shut out the owner, who comes from where he came before.
"""

from __future__ import annotations

import ipaddress
import time

import sqlalchemy as sa

from hydrants.portal.tables import account, attempt, known_address

PERIOD_S = 900
TURN = "portal logins"
"""Counting takes turns, on a store that has more than one writer."""
OF_NAME_FROM_ADDRESS = 5
OF_ADDRESS = 50
OF_NAME_FROM_UNKNOWN = 20
_KNOWN_FOR_S = 90 * 86_400

_own = attempt.c


def counted(address: str) -> str:
    """What counts as one address: of IPv6 the network that one subscriber has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def wait_s(connection: sa.Connection, name: str, address: str) -> int:
    """Count a login as failed until `succeeded` says otherwise, or say how long to wait, in seconds; 0: none.

    Counted before the password is looked at, in a transaction that writes, in its `TURN`: many at once are no
    way around it.
    """
    name, address, now = name.casefold()[:64], counted(address), int(time.time())
    is_known = _is_known(connection, name, address, now)
    since = now - PERIOD_S
    rules = [
        (OF_NAME_FROM_ADDRESS, (_own.name == name) & (_own.address == address)),
        (OF_ADDRESS, _own.address == address),
    ]
    if not is_known:
        rules.append((OF_NAME_FROM_UNKNOWN, (_own.name == name) & ~_own.is_from_known))
    for most, which in rules:
        # the last `most` of them: when the oldest of these is out of the period, there is room again
        found = connection.scalars(
            sa.select(_own.at).where(which, _own.at > since).order_by(_own.at.desc()).limit(most)
        ).all()
        if len(found) == most:
            return max(1, found[-1] + PERIOD_S - now)
    connection.execute(sa.insert(attempt).values(name=name, address=address, is_from_known=is_known, at=now))
    return 0


def succeeded(connection: sa.Connection, account_id: int, name: str, address: str) -> None:
    """Forget the failures of a name from an address, and know that its account came in from there."""
    address = counted(address)
    connection.execute(sa.delete(attempt).where(_own.name == name.casefold(), _own.address == address))
    own = known_address.c
    connection.execute(
        sa.delete(known_address).where(
            own.account_id == account_id, (own.address == address) | (own.at < time.time() - _KNOWN_FOR_S)
        )
    )
    connection.execute(
        sa.insert(known_address).values(account_id=account_id, address=address, at=int(time.time()))
    )


def _is_known(connection: sa.Connection, name: str, address: str, now: int) -> bool:
    own = known_address.c
    query = (
        sa.select(own.at)
        .join(account, account.c.account_id == own.account_id)
        .where(account.c.name == name, own.address == address, own.at > now - _KNOWN_FOR_S)
    )
    return connection.execute(query).first() is not None
