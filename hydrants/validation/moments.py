"""Days and times as people write them; Belgian time, never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hydrants.validation.reasons import Refusal, Remarked

BRUSSELS = ZoneInfo("Europe/Brussels")

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_AND_CLOCK = re.compile(r"(.*\S)\s+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)")
_SHOWN_CHARACTERS = 40


def parse_moment(text: str, patterns: Sequence[str]) -> datetime | Remarked | Refusal:
    """Belgian time, to the second: ISO, or one of the firm's date patterns and perhaps a time of day."""
    moment = _iso(text) if _ISO_DAY.match(text) else _written(text, tuple(patterns))
    try:
        if moment is not None:
            return _in_belgian_seconds(moment, text)
    except OverflowError:  # at the very start or end of the calendar, another zone or second is outside it
        pass
    return Refusal("DATE_UNREADABLE", f"'{_short(text)}' is geen leesbare datum; schrijf ze als dd/mm/jjjj.")


def parse_day(
    text: str, patterns: Sequence[str], earliest_on: date, latest_on: date
) -> date | Remarked | Refusal:
    """The day of an inspection, within the days that can be."""
    moment = parse_moment(text, patterns)
    if isinstance(moment, Refusal):
        return moment
    day = (moment.value if isinstance(moment, Remarked) else moment).date()
    if day > latest_on:
        return Refusal("DATE_IN_FUTURE", f"De datum {day:%d/%m/%Y} ligt in de toekomst; verbeter ze.")
    if day < earliest_on:
        start = f"{earliest_on:%d/%m/%Y}"
        return Refusal(
            "DATE_BEFORE_CAMPAIGN",
            f"De datum {day:%d/%m/%Y} ligt voor het begin van de campagne ({start}); verbeter ze of "
            "laat de rij weg.",
        )
    return Remarked(day, moment.remark) if isinstance(moment, Remarked) else day


def _in_belgian_seconds(moment: datetime, text: str) -> datetime | Remarked | Refusal:
    """A moment as it was read, without zone.

    Raises:
        OverflowError: if that lies before the year 1 or after 9999.
    """
    if moment.tzinfo is not None:
        return _to_second(moment.astimezone(BRUSSELS).replace(tzinfo=None))
    if moment.hour != 2:  # Belgian clocks jump between two and three
        return _to_second(moment)
    if not _exists(moment):
        return Refusal(
            "DATE_UNREADABLE",
            f"Het tijdstip '{_short(text)}' bestaat niet: toen begon de zomertijd. Verbeter het uur.",
        )
    if _is_twofold(moment):
        note = f"Het tijdstip '{_short(text)}' kwam twee keer voor; het eerste (zomertijd) is genomen."
        return Remarked(_to_second(moment), Refusal("TIME_AMBIGUOUS", note))
    return _to_second(moment)


def _to_second(moment: datetime) -> datetime:
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0, fold=0)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _written(text: str, patterns: tuple[str, ...]) -> datetime | None:
    """By the firm's patterns; the time of day apart, since days repeat and times do not."""
    day = _day(text, patterns)
    if day is not None:
        return day
    split = _DAY_AND_CLOCK.fullmatch(text)
    day = _day(split[1], patterns) if split else None
    if split is None or day is None:
        return None
    try:
        return datetime.combine(day, time.fromisoformat(split[2].zfill(5 if split[2].count(":") == 1 else 8)))
    except ValueError:
        return None


@lru_cache(10_000)
def _day(text: str, patterns: tuple[str, ...]) -> datetime | None:
    for pattern in patterns:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - Belgian time, as written
        except ValueError:
            continue
    return None


def _exists(moment: datetime) -> bool:
    there_and_back = moment.replace(tzinfo=BRUSSELS).astimezone(UTC).astimezone(BRUSSELS)
    return there_and_back.replace(tzinfo=None, fold=0) == moment.replace(fold=0)


def _is_twofold(moment: datetime) -> bool:
    first, second = (moment.replace(tzinfo=BRUSSELS, fold=fold).utcoffset() for fold in (0, 1))
    return first != second


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
