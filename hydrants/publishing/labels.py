"""Dutch words for what is published."""

from __future__ import annotations

from datetime import date

from hydrants.reference.profile import defects

STATUS = {"ok": "in orde", "failed": "niet in orde", "remaining": "nog te controleren"}
OUTCOME = {"ok": "in orde", "failed": "niet in orde", "not_found": "niet gevonden"}
HYDRANT_TYPE = {
    "aboveground": "bovengronds",
    "underground": "ondergronds",
    "rising_point": "standpijp",
    "wall_mounted": "muurhydrant",
}
REPAIRED = "hersteld, te hercontroleren"
CONFLICT = "tegenstrijdig: zelfde dag ook in orde"

_MONTHS = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)
_SHORT_MONTHS = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")


def day(value: date) -> str:
    """31 december 2019."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def short_day(value: date) -> str:
    """31/12/2019."""
    return f"{value:%d/%m/%Y}"


def short_month(value: date) -> str:
    """dec."""
    return _SHORT_MONTHS[value.month - 1]


def number(value: int) -> str:
    """15.916."""
    return f"{value:,}".replace(",", ".")


def firm(contractor: str) -> str:
    """A firm's name, from its key."""
    return contractor.replace("_", " ").title()


def percent(part: int, whole: int) -> str:
    """72 %; never rounded up to 100 nor down to 0, which would hide the last few."""
    if whole == 0:
        return "-"
    rounded = round(100 * part / whole)
    if 0 < part < whole:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded} %"


REPAIRED_BY = {"gemeente": "gemeente", "operator": "waterbedrijf"}


def defect(code: str) -> str:
    """A defect in words; one that is known no longer stays as it is."""
    known = defects().get(code)
    return known.label_nl if known else code


def repaired_by(code: str) -> str:
    """Who mends a defect; empty for one that is known no longer."""
    known = defects().get(code)
    return REPAIRED_BY[known.repaired_by] if known else ""


def remark(*, is_conflict: bool, is_repaired: bool) -> str:
    """What a reader should know of a hydrant that is not in order; mostly nothing."""
    return "; ".join(text for text, holds in ((CONFLICT, is_conflict), (REPAIRED, is_repaired)) if holds)


def finding(outcome: str | None, codes: list[str] | None) -> str:
    """The deciding outcome and its defects: 'niet in orde: lek, verf'."""
    if outcome is None:
        return ""
    found = ", ".join(map(defect, codes or []))
    return f"{OUTCOME[outcome]}: {found}" if found else OUTCOME[outcome]
