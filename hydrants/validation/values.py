"""From a cell's text to a value, by the profile; what it does not know is refused, never guessed."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

from hydrants import reference
from hydrants.reference import degrees, units
from hydrants.reference.profile import Family, Field, Profile
from hydrants.reference.words import Vocabulary
from hydrants.validation.headings import Column
from hydrants.validation.moments import parse_day, parse_moment
from hydrants.validation.reasons import Refusal

Parser = Callable[[str], Any]
"""From a text without spaces around it to a value, to a Refusal, or to a value that is Remarked."""

PlainParser = Callable[[list[str], str], list[Any] | None]
"""From texts, and the same joined by line ends, to values where each is plain; else None."""

Typed = Literal["never", "first", "last"]

MAX_ID_CHARACTERS = 100
MAX_NAME_CHARACTERS = 100
MAX_ADDRESS_CHARACTERS = 500
MAX_TEXT_CHARACTERS = 32_767  # what one Excel cell can hold, so that a receipt can give it back

_CONVERTED_DECIMALS = 6  # 60 m3/h are 1000 l/min, not 1000.0000000000001
_MAX_PHOTOS = 20
_MANGLED_ID = re.compile(r"[0-9]+[.,][0-9]+E\+?[0-9]+|[0-9]+E\+[0-9]+|[0-9]+[.,]0+", re.IGNORECASE)
_TYPED_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WRITTEN_NUMBER = {
    ",": re.compile(r"[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?"),
    ".": re.compile(r"[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?"),
}
_PLAIN_NUMBERS = {sign: re.compile(rf"(?:[+-]?[0-9]{{1,12}}(?:[{sign}][0-9]+)?\n)*") for sign in ",."}
_ANY_MANGLED_ID = re.compile(rf"^(?:{_MANGLED_ID.pattern})$", re.IGNORECASE | re.MULTILINE)
_MEASURE = re.compile(r"(DN|Ø)?\s*([+-]?[0-9][0-9.,]*)\s*([^0-9\s].*)?", re.IGNORECASE | re.DOTALL)
_RANGES: dict[str, tuple[float, float]] = {
    "diameter_mm": (10, 2_000),
    "pressure_bar": (0, 40),
    "flow_l_per_min": (0, 20_000),
}
"""What a hydrant can have; beyond it is a slip of the pen, or of the unit."""

_FARTHEST_M = 1e12
"""No coordinate is larger, not even one in metres that lost its decimal sign."""

_GEOPOINT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s+([+-]?[0-9]+(?:\.[0-9]+)?)(?:\s+[+-]?[0-9.]+){0,2}")
_POSTCODE_AND_NAME = re.compile(r"([0-9]{4})\s+([^0-9\s][^0-9]*)")


class Point(NamedTuple):
    """A position that a phone measured, WGS84 degrees."""

    lon: float
    lat: float


def parser(
    field: Field,
    column: Column,
    profile: Profile,
    family: Family,
    earliest_on: date,
    latest_on: date,
    is_answer: bool = False,
) -> Parser:
    """How a column is parsed.

    Args:
        family: of the formats in which the rows were written first.
        is_answer: they come back in a receipt, a workbook.
        earliest_on: an inspection before this day is refused.
        latest_on: an inspection after this day is refused.
    """
    patterns = tuple(profile.date_formats)
    match field:
        case "record_ref":
            return partial(parse_text, limit=MAX_ID_CHARACTERS)
        case "revised_at":
            return partial(parse_moment, patterns=patterns)
        case "record_status":
            return _word(profile.record_statuses, "VALUE_UNKNOWN", "bekende toestand van een fiche")
        case "hydrant_ref":
            return parse_id
        case "inspected_on":
            return partial(parse_day, patterns=patterns, earliest_on=earliest_on, latest_on=latest_on)
        case "outcome":
            return _word(profile.outcomes, "OUTCOME_UNKNOWN", "bekend resultaat")
        case "defects":
            return partial(_parse_defects, words=profile.defect_codes)
        case "is_reinspection":
            return _word(profile.reinspections, "VALUE_UNKNOWN", "bekend antwoord")
        case "address":
            return partial(parse_text, limit=MAX_ADDRESS_CHARACTERS)
        case "gemeente":
            return parse_gemeente
        case "deelgemeente":
            return partial(parse_text, limit=MAX_NAME_CHARACTERS)
        case "postcode":
            return _parse_postcode
        case "geopoint":
            return _parse_geopoint
        case "hydrant_type":
            return _word(profile.hydrant_types, "VALUE_UNKNOWN", "bekend type")
        case "remark":
            return partial(parse_text, limit=MAX_TEXT_CHARACTERS)
        case "photos":
            return _parse_photos
        case "x" | "y" | "diameter_mm" | "pressure_bar" | "flow_l_per_min":
            unit = column.unit or profile.units.get(field) or units.STORE_UNIT[field]
            return partial(
                _parse_coordinate if field in ("x", "y") else parse_measure,
                field=field,
                unit=units.unit_of(field, unit) or unit,
                decimal=profile.formats[family].decimal,
                typed="first" if family != "csv" else "last" if is_answer else "never",
            )


def plain_parser(field: Field, column: Column, profile: Profile, family: Family) -> PlainParser | None:
    """How the plain texts of a column are parsed at once, to the same values as one by one.

    Only for columns whose texts are mostly different: texts that are alike are remembered.
    """
    match field:
        case "record_ref":
            return _plain_texts
        case "hydrant_ref":
            return _plain_ids
        case "x" | "y" if (column.unit or profile.units.get(field)) is None:
            sign = profile.formats[family].decimal if family == "csv" else "."
            return partial(_plain_numbers, sign=sign)
        case _:
            return None


def _plain_texts(texts: list[str], _joined: str) -> list[Any] | None:
    return texts if max(map(len, texts), default=0) <= MAX_ID_CHARACTERS else None


def _plain_ids(texts: list[str], joined: str) -> list[Any] | None:
    return None if _ANY_MANGLED_ID.search(joined) else _plain_texts(texts, joined)


def _plain_numbers(texts: list[str], joined: str, sign: str) -> list[Any] | None:
    if texts and _PLAIN_NUMBERS[sign].fullmatch(joined + "\n"):
        return list(map(float, joined.replace(sign, ".").split("\n")))
    return None


def parse_number(text: str, decimal: str, typed: Typed) -> float | Refusal:
    """A number with the declared decimal sign; groups of three may be set apart by the other sign.

    Args:
        typed: whether the format has numbers of its own, which reading writes with a "." and
            without groups, and whether they come before the firm's writing or after it.
    """
    number = math.inf
    is_typed = typed != "never" and _TYPED_NUMBER.fullmatch(text) is not None
    is_written = _WRITTEN_NUMBER[decimal].fullmatch(text) is not None
    if is_typed and (typed == "first" or not is_written):
        number = float(text)
    elif is_written:
        number = float(text.replace("." if decimal == "," else ",", "").replace(decimal, "."))
    if math.isfinite(number):  # hundreds of digits are a number too large for any column
        return number
    sign = "een komma" if decimal == "," else "een punt"
    return Refusal("NUMBER_UNREADABLE", f"'{_short(text)}' is geen getal (met {sign} voor de decimalen).")


def parse_id(text: str) -> str | Refusal:
    """A hydrant number as it is written, "007" and "12E3" too; not what a spreadsheet made of one."""
    if _MANGLED_ID.fullmatch(text):
        return Refusal(
            "ID_MANGLED",
            f"Het nummer '{_short(text)}' is door het rekenblad vervormd; maak de kolom op als tekst en "
            "typ het nummer opnieuw in.",
        )
    return parse_text(text, MAX_ID_CHARACTERS)


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


def _parse_defects(text: str, words: Vocabulary[str]) -> tuple[str, ...] | Refusal:
    """Defect codes, each once, in the order of the cell."""
    codes: dict[str, None] = {}
    for part in filter(None, map(str.strip, re.split(r"[,;/\n]", text))):
        code = words.get(part)
        # phone forms put spaces between several answers
        found = [code] if code is not None else [words.get(word) for word in part.split()]
        if None in found:
            return _unknown(words, "DEFECT_UNKNOWN", "bekend gebrek", part)
        codes |= dict.fromkeys(filter(None, found))
    return tuple(codes)


def parse_measure(text: str, field: Field, unit: str, decimal: str, typed: Typed) -> float | int | Refusal:
    """A measured number in the unit of the store: "80", "80 mm", "DN80", "12,5 m3/h".

    Args:
        unit: of a number that stands alone.
    """
    number = parse_number(text, decimal, typed)
    if isinstance(number, Refusal):
        parts = _MEASURE.fullmatch(text)
        if parts is None or not (parts[1] or parts[3]):
            return number
        number = parse_number(parts[2], decimal, typed)
        named = {units.unit_of(field, part) for part in (parts[1], parts[3]) if part}
        if isinstance(number, Refusal) or len(named) != 1 or None in named:
            known = ", ".join(units.units(field))
            return Refusal(
                "NUMBER_UNREADABLE", f"'{_short(text)}' is geen getal met een bekende eenheid ({known})."
            )
        unit = str(named.pop())
    factor = units.factor(field, unit)
    if factor != 1:
        number = round(number * factor, _CONVERTED_DECIMALS)
    low, high = _RANGES.get(field, (-_FARTHEST_M, _FARTHEST_M))
    if not low <= number <= high:
        return Refusal(
            "NUMBER_OUT_OF_RANGE",
            f"'{_short(text)}' kan niet: verwacht wordt {low:g} tot {high:g} {units.STORE_UNIT[field]}; "
            "kijk het getal en de eenheid na.",
        )
    if field != "diameter_mm":
        return number
    whole = round(number)
    if math.isclose(whole, number, abs_tol=1e-6):
        return whole
    return Refusal("NUMBER_UNREADABLE", f"'{_short(text)}' is geen diameter in hele mm, zoals 80 of 100.")


def _parse_coordinate(
    text: str, field: Field, unit: str, decimal: str, typed: Typed
) -> float | tuple[float, float] | Refusal:
    """A coordinate as a number or in degrees, minutes and seconds; so written, both may stand in one cell."""
    match degrees.parse(text):
        case (number,):
            return number
        case (first, second):
            return first, second
    return parse_measure(text, field, unit, decimal, typed)


def _parse_geopoint(text: str) -> Point | Refusal:
    found = _GEOPOINT.fullmatch(text)
    if found and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180:
        return Point(lon=float(found[2]), lat=float(found[1]))
    if len(pair := degrees.parse(text)) == 2:
        return Point(*pair)
    return Refusal(
        "NUMBER_UNREADABLE",
        f"'{_short(text)}' is geen plaats van een telefoon (breedte en lengte in graden, met een punt).",
    )


def _parse_photos(text: str) -> tuple[str, ...] | Refusal:
    """File names of pictures, without folders, each once."""
    names = dict.fromkeys(
        unicodedata.normalize("NFC", part.replace("\\", "/").rsplit("/", 1)[-1])
        for part in map(str.strip, re.split(r"[,;|\n]", text))
        if part
    )
    if len(names) > _MAX_PHOTOS:
        return Refusal("TEXT_TOO_LONG", f"Er staan {len(names)} foto's; hoogstens {_MAX_PHOTOS} per rij.")
    return tuple(names)


def _word(words: Vocabulary[Any], code: str, what_nl: str) -> Parser:
    def parse(text: str) -> Any:
        value = words.get(text)
        return _unknown(words, code, what_nl, text) if value is None else value

    return parse


def _unknown(words: Vocabulary[Any], code: str, what_nl: str, text: str) -> Refusal:
    nearest = words.nearest(text)
    advice = f"bedoelde u '{nearest}'?" if nearest else "kijk de schrijfwijze na."
    return Refusal(code, f"'{_short(text)}' is geen {what_nl}; {advice}", nearest)


def parse_text(text: str, limit: int) -> str | Refusal:
    """The text in Unicode's composed form, so that equal words are equal."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if len(text) <= limit:
        return text
    return Refusal("TEXT_TOO_LONG", f"De tekst telt {len(text)} tekens; hoogstens {limit} wordt aanvaard.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
