"""What a crew's words say about a place: pure text, no address table.

`readings` gives every way to read a text, the likeliest first; the resolver keeps the
first one that the address table knows. One is always the whole text as a street name,
for streets such as "11 Novemberstraat" and "Kromme Hoek".
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from hydrants import reference


class Relation(StrEnum):
    """How the hydrant stands to what the text names."""

    AT = "at"  # "14", "voor nr 14"
    OPPOSITE = "opposite"  # "t.o. 14"
    NEAR = "near"  # "thv nr 14", "naast 14"
    BETWEEN = "between"  # "tussen 14 en 18", "14-18"
    CORNER = "corner"  # "hoek Kerkstraat / Markt"
    ALONG = "along"  # a street alone


class Reading(NamedTuple):
    """One way to read an address text. Names are the crew's own, numbers like "12A"."""

    street: str
    relation: Relation
    number: str | None = None
    second_number: str | None = None
    cross_street: str | None = None
    postcode: str | None = None


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.])(?:{'|'.join(patterns)})(?![\w])", re.IGNORECASE)


_RELATIONS = (
    (Relation.BETWEEN, _words(r"tussen", r"tss\.?")),
    (Relation.OPPOSITE, _words(r"(?:schuin |recht )?tegenover", r"rechtover", r"t\.? ?/?o\.?(?: ?v\.?)?",
                               r"tgo\.?")),
    (Relation.NEAR, _words(r"t\.? ?h\.? ?v\.?", r"ter hoogte(?: van)?", r"nabij", r"naast", r"achter",
                           r"links van", r"rechts van", r"omgeving", r"over(?= (?:nr|nummer|huis|\d))")),
    (Relation.AT, _words(r"v[oó][oó]r", r"aan", r"bij", r"v/h", r"huis(?= ?\d)")),
)  # fmt: skip
_CORNER = _words(r"(?:op (?:de )?)?hoek(?: van)?", r"hk\.?", r"kruispunt(?: van)?", r"kruising(?: van)?")
_CORNER_SEPARATORS = (
    re.compile(r"\s*/\s*"),
    re.compile(r"\s+(?:met|x|&|\+)\s+", re.IGNORECASE),
    re.compile(r"\s+(?:en|-|–)\s+", re.IGNORECASE),
    re.compile(r"\s*,\s*"),
)
_SLASH = re.compile(r"(?<=[^\W\d])\s*/\s*(?=[^\W\d]{3})")

_NUMBER = r"\d{1,4}(?:_\w{1,4}| ?[a-z](?![\w.]))?(?: ?bis\b)?(?!\w)"
_HOUSE = re.compile(
    r"(?<![\w])(?P<mark>(?:huis)?(?:nrs?|nummers?)\b[ .:]*|n[°º][ .:]*|#\s*)?"
    rf"(?P<first>{_NUMBER})(?(mark)|(?! ?(?:e|de|ste)[ -]+[a-z]))(?!,\d)"
    rf"(?: ?/ ?\w{{1,4}}(?!\w))?(?:\s*(?:-|–|tot|t/m|en|&|\+)\s*(?:nr\.? ?)?(?P<second>{_NUMBER}))?",
    re.IGNORECASE,
)
_NOT_IN_NUMBER = re.compile(r"bis|\W", re.IGNORECASE)
_ASIDES = re.compile(
    r"\([^)]*\)?"  # in brackets
    r"|[ ,]*\b(?:bus|bte|box)\b\.? ?(?:\d+ ?[a-z]?|[a-z])\b"  # the box of a flat
    r"|[ ,]*\b(?:km|kilometer)(?:paal)?\b\.? ?\d+(?:[.,]\d+)?|\b\d+(?:[.,]\d+)? ?km\b",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^(?:(?:in|op|langs|aan|t/h)(?: de| het| den)?|de|het|straat:|adres:)\s+", re.IGNORECASE
)
_POSTCODE = re.compile(r"(?:^|(?<=[\s,]))(?:B-? ?)?([1-9]\d{3})(?![\w])")
_EDGES = " ,;:.-–/"
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]{2}")


def readings(text: str) -> tuple[Reading, ...]:
    """Every way to read an address text, the likeliest first.

    Args:
        text: such as "Dorpsstr. t.o. 14", "thv nr 12A bus 3 Dorpsstraat" or "hoek Kerkstraat / Markt".

    Returns:
        Distinct readings that each name a street; empty when the text names none.
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    plain = _ASIDES.sub(" ", plain).strip(_EDGES) or plain.strip("()")
    plain, postcode = _without_postcode(plain)
    whole = Reading(plain, Relation.ALONG, postcode=postcode)
    parsed = [reading for reading in _parse(_without_gemeente(plain), postcode) if reading != whole]
    # few streets hold a number, as "11 Novemberstraat" does
    found = [*parsed, whole] if _DIGIT.search(plain) else [whole, *parsed]
    return tuple(reading for reading in found if _LETTERS.search(reading.street))


def _parse(place: str, postcode: str | None) -> list[Reading]:
    corner = _corner(place, postcode)
    relation, before, after = _relation(place)
    text, house = after, _house(after)
    if house is None and relation is not None:
        text, house = before, _house(before)
    if house is None:
        streets = _street_texts(before) if _LETTERS.search(before) else _street_texts(after)
        return [*corner, *(Reading(street, Relation.ALONG, postcode=postcode) for street in streets)]

    if relation in (None, Relation.BETWEEN):
        relation = Relation.BETWEEN if house["second"] else Relation.AT
    left, right = text[: house.start()], text[house.end() :]
    sides = [left, right] if text is before else [before, left, right]
    side = next((side for side in sides if _LETTERS.search(side)), "")
    streets = _street_texts(side)
    if side is not right:
        streets.reverse()  # "Watou, Dorpsstraat 14": nearest to the number first
    first, second = _canonical(house["first"]), _canonical(house["second"])
    along = [Reading(street, relation or Relation.AT, first, second, None, postcode) for street in streets]
    return [*along, *corner] if _LETTERS.search(left) else [*corner, *along]


def _corner(place: str, postcode: str | None) -> list[Reading]:
    """Two streets that meet: around "hoek", or around a slash between names."""
    mark = _CORNER.search(place)
    if mark is None and not _SLASH.search(place):
        return []
    left, right = (place[: mark.start()], place[mark.end() :]) if mark else ("", place)
    sides = [left, right]
    if not _LETTERS.search(left):
        sides = next(
            (parts for s in _CORNER_SEPARATORS if len(parts := s.split(right, maxsplit=1)) == 2), [right]
        )
    names = [_without_house(side).strip(_EDGES) for side in sides]
    if len(names) != 2 or not all(_LETTERS.search(name) for name in names):
        return []
    return [Reading(names[0], Relation.CORNER, cross_street=names[1], postcode=postcode)]


def _relation(place: str) -> tuple[Relation | None, str, str]:
    """The first word of relation, and the texts before and after it."""
    for relation, pattern in _RELATIONS:
        match = pattern.search(place)
        if match:
            return relation, place[: match.start()].strip(_EDGES), place[match.end() :].strip(_EDGES)
    return None, place, place


def _house(text: str) -> re.Match[str] | None:
    """The house number: one that is announced, else one after a name, else one in front."""
    found = list(_HOUSE.finditer(text))
    if len(found) < 2:
        return found[0] if found else None
    announced = [match for match in found if match["mark"]]
    after_name = [match for match in found if _LETTERS.search(text[: match.start()])]
    return [*announced, *after_name, *found][0]


def _without_house(text: str) -> str:
    house = _house(text)
    return text if house is None else text[: house.start()] or text[house.end() :]


def _canonical(number: str | None) -> str | None:
    return _NOT_IN_NUMBER.sub("", number).upper() if number else None


def _street_texts(text: str) -> list[str]:
    """The names in a text, as separated by commas; each also without "in de"."""
    names = [name for part in text.split(",") if _LETTERS.search(name := part.strip(_EDGES))]
    return list(dict.fromkeys(variant for name in names for variant in (name, _LEADING.sub("", name))))


def _without_postcode(text: str) -> tuple[str, str | None]:
    """Cut off the postcode and the place name that goes with it."""
    known = reference.nis_by_postcode()
    match = next((m for m in _POSTCODE.finditer(text) if m[1] in known), None)
    if match is None:
        return text, None
    before, after = text[: match.start()].strip(_EDGES), text[match.end() :].strip(_EDGES)
    if _LETTERS.search(before):
        return before, match[1]
    return after.partition(",")[2].strip() or _without_gemeente(after), match[1]


def _without_gemeente(text: str) -> str:
    """Cut off the gemeente's name at either end, where a name is left over."""
    for pattern in _gemeente_at_either_end():
        shorter = pattern.sub("", text)
        if _LETTERS.search(shorter):
            text = shorter
    return text


@lru_cache
def _gemeente_at_either_end() -> tuple[re.Pattern[str], re.Pattern[str]]:
    names = "|".join(re.escape(row.name_nl) for row in reference.gemeenten().values())
    return (
        re.compile(rf"[\s,]+(?:te )?(?:{names})$", re.IGNORECASE),
        re.compile(rf"^(?:{names})[\s,]+", re.IGNORECASE),
    )
