"""From a cell's text to a value, by the profile; what it does not know is refused, never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from hydrants import reference
from hydrants.reference.profile import Family, Field, Profile
from hydrants.reference.words import Vocabulary
from hydrants.validation.reasons import Refusal

Parser = Callable[[str], Any]
"""From a text without spaces around it to a value, or to a Refusal."""

BRUSSELS = ZoneInfo("Europe/Brussels")

MAX_ID_CHARACTERS = 100
MAX_ADDRESS_CHARACTERS = 500
MAX_TEXT_CHARACTERS = 32_767  # what one Excel cell can hold, so that a receipt can give it back

_CACHED_TEXTS = 20_000
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MANGLED_ID = re.compile(r"[0-9]+[.,][0-9]+E\+?[0-9]+|[0-9]+E\+[0-9]+|[0-9]+[.,]0+", re.IGNORECASE)
_TYPED_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WRITTEN_NUMBER = {
    ",": re.compile(r"[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?"),
    ".": re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?"),
}
_DIAMETER = re.compile(r"(?:DN|Ø)?\s*([0-9]{2,4})(?:[.,]0+)?\s*(?:mm)?", re.IGNORECASE)
_POSTCODE_AND_NAME = re.compile(r"([0-9]{4})\s+([^0-9\s][^0-9]*)")


def parsers(profile: Profile, family: Family, earliest_on: date, latest_on: date) -> dict[Field, Parser]:
    """How each field is parsed in files of one family.

    Args:
        earliest_on: an inspection before this day is refused.
        latest_on: an inspection after this day is refused.
    """
    decimal = profile.formats[family].decimal
    as_number = partial(parse_number, decimal=decimal, has_typed_numbers=family != "csv")
    as_id = partial(_text, limit=MAX_ID_CHARACTERS)
    patterns = tuple(profile.date_formats)

    def day(text: str) -> date | Refusal:
        return parse_day(text, patterns, earliest_on, latest_on)

    return {
        "record_ref": as_id,
        "revised_at": lru_cache(_CACHED_TEXTS)(partial(parse_moment, patterns=patterns)),
        "hydrant_ref": parse_id,
        "inspected_on": lru_cache(_CACHED_TEXTS)(day),
        "outcome": _word(profile.outcomes, "OUTCOME_UNKNOWN", "bekend resultaat"),
        "defects": lru_cache(_CACHED_TEXTS)(partial(_parse_defects, words=profile.defect_codes)),
        "is_reinspection": _word(profile.reinspections, "VALUE_UNKNOWN", "bekend antwoord"),
        "address": partial(_text, limit=MAX_ADDRESS_CHARACTERS),
        "gemeente": lru_cache(_CACHED_TEXTS)(parse_gemeente),
        "postcode": _parse_postcode,
        "x": as_number,
        "y": as_number,
        "hydrant_type": _word(profile.hydrant_types, "VALUE_UNKNOWN", "bekend type"),
        "diameter_mm": lru_cache(_CACHED_TEXTS)(_parse_diameter),
        "remark": partial(_text, limit=MAX_TEXT_CHARACTERS),
    }


def parse_number(text: str, decimal: str, has_typed_numbers: bool) -> float | Refusal:
    """A number with the declared decimal sign; groups of three may be set apart by the other sign.

    Args:
        has_typed_numbers: the format has numbers of its own, which reading writes with a "."
            and without groups; they are known beside the firm's writing.
    """
    number = math.inf
    if has_typed_numbers and _TYPED_NUMBER.fullmatch(text):
        number = float(text)
    elif _WRITTEN_NUMBER[decimal].fullmatch(text):
        number = float(text.replace("." if decimal == "," else ",", "").replace(decimal, "."))
    if math.isfinite(number):  # hundreds of digits are a number too large for any column
        return number
    sign = "een komma" if decimal == "," else "een punt"
    return Refusal("NUMBER_UNREADABLE", f"'{_short(text)}' is geen getal (met {sign} voor de decimalen).")


def parse_moment(text: str, patterns: Sequence[str]) -> datetime | Refusal:
    """Belgian time, to the second: ISO, or one of the firm's date patterns and perhaps a time of day."""
    moment = _iso(text) if _ISO_DAY.match(text) else _by_pattern(text, patterns)
    try:
        if moment is not None:
            return _in_belgian_seconds(moment, text)
    except OverflowError:  # at the very start or end of the calendar, another zone or second is outside it
        pass
    return Refusal("DATE_UNREADABLE", f"'{_short(text)}' is geen leesbare datum; schrijf ze als dd/mm/jjjj.")


def _in_belgian_seconds(moment: datetime, text: str) -> datetime | Refusal:
    """A moment as it was read, without zone.

    Raises:
        OverflowError: if that lies before the year 1 or after 9999.
    """
    if moment.tzinfo is not None:
        moment = moment.astimezone(BRUSSELS).replace(tzinfo=None)
    elif moment.hour == 2 and not _exists(moment):
        return Refusal(
            "DATE_UNREADABLE",
            f"Het tijdstip '{_short(text)}' bestaat niet: toen begon de zomertijd. Verbeter het uur.",
        )
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def parse_day(text: str, patterns: Sequence[str], earliest_on: date, latest_on: date) -> date | Refusal:
    """The day of an inspection, within the days that can be."""
    moment = parse_moment(text, patterns)
    if isinstance(moment, Refusal):
        return moment
    day = moment.date()
    if day > latest_on:
        return Refusal("DATE_IN_FUTURE", f"De datum {day:%d/%m/%Y} ligt in de toekomst; verbeter ze.")
    if day < earliest_on:
        start = f"{earliest_on:%d/%m/%Y}"
        return Refusal(
            "DATE_BEFORE_CAMPAIGN",
            f"De datum {day:%d/%m/%Y} ligt voor het begin van de campagne ({start}); verbeter ze of "
            "laat de rij weg.",
        )
    return day


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _by_pattern(text: str, patterns: Sequence[str]) -> datetime | None:
    for pattern in patterns:
        for clock in ("", " %H:%M", " %H:%M:%S"):
            try:
                return datetime.strptime(text, pattern + clock)  # noqa: DTZ007 - Belgian time, as written
            except ValueError:
                continue
    return None


def _exists(moment: datetime) -> bool:
    there_and_back = moment.replace(tzinfo=BRUSSELS).astimezone(UTC).astimezone(BRUSSELS)
    return there_and_back.replace(tzinfo=None) == moment


def parse_id(text: str) -> str | Refusal:
    """A hydrant number as it is written, "007" and "12E3" too; not what a spreadsheet made of one."""
    if _MANGLED_ID.fullmatch(text):
        return Refusal(
            "ID_MANGLED",
            f"Het nummer '{_short(text)}' is door het rekenblad vervormd; maak de kolom op als tekst en "
            "typ het nummer opnieuw in.",
        )
    return _text(text, MAX_ID_CHARACTERS)


def parse_gemeente(text: str) -> str | Refusal:
    """NIS code of a gemeente given by name, postcode ("8970"), both ("8970 Poperinge") or NIS code."""
    both = _POSTCODE_AND_NAME.fullmatch(text)
    found = {_gemeenten().get(part) for part in (both.groups() if both else (text,))}
    nis = found.pop()
    if nis is not None and not found:
        return nis
    return _unknown(_gemeenten(), "GEMEENTE_UNKNOWN", "bekende gemeente", text)


@lru_cache
def _gemeenten() -> Vocabulary[str]:
    return Vocabulary({nis: [row.name_nl, nis, *row.postcodes] for nis, row in reference.gemeenten().items()})


def _parse_postcode(text: str) -> str | Refusal:
    if text in reference.nis_by_postcode():
        return text
    return _unknown(_gemeenten(), "GEMEENTE_UNKNOWN", "bekende postcode", text)


def _parse_defects(text: str, words: Vocabulary[str]) -> list[str] | Refusal:
    """Defect codes, each once, in the order of the cell."""
    codes: dict[str, None] = {}
    for part in filter(None, map(str.strip, re.split(r"[,;/\n]", text))):
        code = words.get(part)
        if code is None:
            return _unknown(words, "DEFECT_UNKNOWN", "bekend gebrek", part)
        codes[code] = None
    return list(codes)


def _parse_diameter(text: str) -> int | Refusal:
    match = _DIAMETER.fullmatch(text)
    if match:
        return int(match[1])
    return Refusal("NUMBER_UNREADABLE", f"'{_short(text)}' is geen diameter in mm, zoals 80 of 100.")


def _word(words: Vocabulary[Any], code: str, what_nl: str) -> Parser:
    @lru_cache(_CACHED_TEXTS)
    def parse(text: str) -> Any:
        value = words.get(text)
        return _unknown(words, code, what_nl, text) if value is None else value

    return parse


def _unknown(words: Vocabulary[Any], code: str, what_nl: str, text: str) -> Refusal:
    nearest = words.nearest(text)
    advice = f"bedoelde u '{nearest}'?" if nearest else "kijk de schrijfwijze na."
    return Refusal(code, f"'{_short(text)}' is geen {what_nl}; {advice}")


def _text(text: str, limit: int) -> str | Refusal:
    if len(text) <= limit:
        return text
    return Refusal("TEXT_TOO_LONG", f"De tekst telt {len(text)} tekens; hoogstens {limit} wordt aanvaard.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
