"""Dutch words of the portal's own pages."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hydrants import reference
from hydrants.portal.accounts import Account, today
from hydrants.portal.scope import Role

_BELGIUM = ZoneInfo("Europe/Brussels")

ROLE = {
    Role.gemeente: "gemeente",
    Role.zone: "brandweerzone",
    Role.contractor: "uitvoerder",
    Role.planner: "planner",
    Role.admin: "beheerder",
}


def subject(account: Account) -> str:
    """What an account is for, by name; its key when that is known no longer."""
    if account.role is Role.gemeente:
        known = reference.gemeenten().get(account.subject)
        return known.name_nl if known else account.subject
    if account.role is Role.zone:
        zone = reference.zones(today()).get(account.subject)
        return zone.name_nl if zone else account.subject
    if account.role is Role.contractor:
        return account.subject.replace("_", " ").title()
    return "alle gemeenten"


def moment(value: datetime) -> str:
    """31/12/2019 14:05, in Belgium."""
    return f"{value.astimezone(_BELGIUM):%d/%m/%Y %H:%M}"


def second(at: int) -> str:
    """31/12/2019 14:05:09, in Belgium, of seconds since 1970."""
    return f"{datetime.fromtimestamp(at, UTC).astimezone(_BELGIUM):%d/%m/%Y %H:%M:%S}"
