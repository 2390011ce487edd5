"""What a visitor may see: a set of gemeenten, and a set of firms."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from hydrants import reference
from hydrants.errors import UnusableSetting
from hydrants.reference import Zone


class Role(StrEnum):
    """What an account is for; its scope names which one."""

    gemeente = "gemeente"
    zone = "zone"
    contractor = "contractor"
    planner = "planner"
    admin = "admin"


class Scope(NamedTuple):
    """What may be seen.

    Args:
        gemeenten: NIS codes; what is published of them may be seen.
        firms: whose lists and receipts may be seen.
        is_region: whether what speaks of the region as a whole may be seen.
    """

    gemeenten: frozenset[str]
    firms: frozenset[str]
    is_region: bool


NOTHING = Scope(frozenset(), frozenset(), is_region=False)


def of(role: Role, subject: str, on: date) -> Scope:
    """The scope of an account.

    Args:
        role: what the account is for.
        subject: the gemeente (NIS code), fire zone or firm that it is for; "" for planner and admin.
        on: the day: contracts and zones change. A firm sees a gemeente while it has a contract there.

    Raises:
        UnusableSetting: when there is no such gemeente, zone or firm.
    """
    everywhere = frozenset(reference.gemeenten())
    if role in (Role.planner, Role.admin):
        return Scope(everywhere, frozenset(reference.contractors()), is_region=True)
    known = {
        Role.gemeente: tuple(reference.gemeenten()),
        Role.zone: tuple(reference.zones(on)),
        Role.contractor: reference.contractors(),
    }[role]
    if subject not in known:
        raise UnusableSetting(f"there is no {role} {subject!r}; there are {', '.join(known)}")
    if role is Role.gemeente:
        return Scope(frozenset({subject}), frozenset(), is_region=False)
    if role is Role.zone:
        seen = reference.zones(on)[subject].gemeenten
        return Scope(seen, frozenset(), is_region=seen >= everywhere)
    contracted = {
        row.nis
        for row in reference.contracts()
        if row.contractor == subject and row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)
    }
    return Scope(frozenset(contracted), frozenset({subject}), is_region=False)


def zones(seen: Scope, on: date) -> list[Zone]:
    """The fire zones, as they are on a day, all of whose gemeenten may be seen."""
    return [zone for zone in reference.zones(on).values() if zone.gemeenten <= seen.gemeenten]
