"""What a crew's words say about a place: pure text, no address table.

`readings` gives every way to read a text, the likeliest first; the resolver keeps the
first one that the address table knows. One is always the whole text as a street name,
for streets such as "11 Novemberstraat" and "Kromme Hoek".
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from hydrants.geocoding.asides import EDGES, LETTERS, NOTHING, Asides, without_asides, without_village


class Relation(StrEnum):
    """How the hydrant stands to what the text names."""

    AT = "at"  # "14", "voor nr 14"
    OPPOSITE = "opposite"  # "t.o. 14"
    NEAR = "near"  # "thv nr 14", "naast 14"
    BETWEEN = "between"  # "tussen 14 en 18", "14-18"
    CORNER = "corner"  # "hoek Kerkstraat / Markt"
    ALONG = "along"  # a street alone


class Reading(NamedTuple):
    """One way to read an address text. Names are the crew's own, numbers like "12A".

    `postcode` and `nis` are of the place that the text names, `road` and `km` of a numbered road
    ("N8 km 3,2"): where the text names no other street, `street` is that road.
    """

    street: str
    relation: Relation
    number: str | None = None
    second_number: str | None = None
    cross_street: str | None = None
    postcode: str | None = None
    nis: str | None = None
    road: str | None = None
    km: float | None = None


def _words(*patterns: str) -> re.Pattern[str]:
    # a number may follow at once, "thv14"; a letter may not
    return re.compile(rf"(?<![\w.])(?:{'|'.join(patterns)})(?![^\W\d])", re.IGNORECASE)


_RELATIONS = (
    (Relation.BETWEEN, _words(r"tussen", r"tss\.?")),
    (Relation.OPPOSITE, _words(r"(?:schuin |recht )?tegenover", r"rechtover", r"t\.? ?/?o\.?(?: ?v\.?)?",
                               r"tgo\.?")),
    (Relation.NEAR, _words(r"t\.? ?h\.? ?v\.?", r"ter hoogte(?: van)?", r"nabij", r"naast", r"achter",
                           r"links van", r"rechts van", r"omgeving", r"over(?= (?:nr|nummer|huis|\d))")),
    (Relation.AT, _words(r"v[oó][oó]r", r"aan", r"bij", r"v/h", r"(?:huis|woning)(?= ?\d)")),
)  # fmt: skip
_ANY_RELATION = _words(*(pattern.pattern for _, pattern in _RELATIONS))
_CORNER = _words(r"(?:op (?:de )?)?hoek(?: van)?", r"hk\.?", r"kruispunt(?: van)?", r"kruising(?: van)?")
_CORNER_SEPARATORS = (
    re.compile(r"\s*/\s*"),
    re.compile(r"\s+(?:met|x|&|\+)\s+", re.IGNORECASE),
    re.compile(r"\s+(?:en|-|–)\s+", re.IGNORECASE),
    re.compile(r"\s*,\s*"),
)
_SLASH = re.compile(r"(?<=[^\W\d])\s*/\s*(?=[^\W\d]{3})")

_NUMBER = r"(?:[a-mo-z](?=\d{1,3}\b))?\d{1,4}(?:_\w{1,4}| ?[a-z](?![\w.'’]))?(?: ?bis\b)?(?!\w)"
_MARK = r"(?:huis|h)?(?:nrs?|nummers?)\b[ .:]*|(?:huis)?nrs?\.?(?=\d)|n[°º][ .:]*|n\.?(?=\d)|#\s*"
_HOUSE = re.compile(
    rf"(?<!\w)(?P<mark>{_MARK})?(?P<first>{_NUMBER})(?(mark)|(?! ?(?:e|de|ste)[ -]+[a-z]))(?!,\d)"
    rf"(?: ?/ ?\w{{1,4}}(?!\w))?(?:\s*(?:-|–|tot|t/m|en|&|\+)\s*(?:nr\.? ?)?(?P<second>{_NUMBER}))?",
    re.IGNORECASE,
)
_NOT_IN_NUMBER = re.compile(r"bis|\W", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:(?:in|op|langs|aan|t/h)(?: de| het| den)?|de|het|straat:|adres:)\s+", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")


def readings(text: str) -> tuple[Reading, ...]:
    """Every way to read an address text, the likeliest first.

    Args:
        text: such as "Dorpsstr. t.o. 14", "thv nr 12A bus 3 Dorpsstraat" or "hoek Kerkstraat / Markt".

    Returns:
        Distinct readings that each name a street or a numbered road; empty when the text names none.
    """
    plain, aside = without_asides(with_single_spaces(text))
    whole = _told(Reading(plain, Relation.ALONG), aside)
    shorter, village, name = without_village(plain)
    if village is None:
        parsed = [_told(reading, aside) for reading in _parse(plain)]
    else:
        in_village = aside._replace(postcode=village.postcode or aside.postcode, nis=village.nis)
        # a street may end in the name of a village; then the text says nothing of one
        uncut = [_told(reading, aside) for reading in _parse(plain) if _holds(reading.street, name)]
        cut = [Reading(shorter, Relation.ALONG)] if not _DIGIT.search(shorter) else []
        parsed = [*uncut, *(_told(reading, in_village) for reading in (*cut, *_parse(shorter)))]
    # few streets hold a number, as "11 Novemberstraat" does
    found = [*parsed, whole] if _DIGIT.search(plain) else [whole, *parsed]
    distinct = dict.fromkeys(reading for reading in found if LETTERS.search(reading.street))
    if aside.road is not None:
        numbered = next((reading for reading in parsed if reading.number), whole)
        distinct[_told(Reading(aside.road, *numbered[1:4]), aside)] = None
    return tuple(distinct)


def with_single_spaces(text: str) -> str:
    """A text as it is read: letters with their accents, one space between words, none around."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if text.isprintable() and "  " not in text:  # then it has no other space than a plain one
        return text.strip()
    return " ".join(text.split())


def _holds(street: str, name: str) -> bool:
    """Whether a street opens or ends with the words of a name and has more to it."""
    padded = f" {street} ".replace("-", " ").replace(",", " ")
    return len(street) > len(name) and f" {name} ".replace("-", " ") in (
        padded[: len(name) + 2],
        padded[-len(name) - 2 :],
    )


def _told(reading: Reading, aside: Asides) -> Reading:
    return reading if aside is NOTHING else Reading(*reading[:5], *aside)


def _parse(place: str) -> list[Reading]:
    corner = _corner(place)
    relation, before, after = _relation(place)
    text, house = after, _house(after)
    if house is None and relation is not None:
        text, house = before, _house(before)
    if house is None:
        streets = _street_texts(before) if LETTERS.search(before) else _street_texts(after)
        return [*corner, *(Reading(street, Relation.ALONG) for street in streets)]

    if relation in (None, Relation.BETWEEN):
        relation = Relation.BETWEEN if house["second"] else Relation.AT
    left, right = text[: house.start()], text[house.end() :]
    sides = [left, right] if text is before else [before, left, right]
    side = next((side for side in sides if LETTERS.search(side)), "")
    # "Watou, Dorpsstraat 14": nearest to the number first
    streets = _street_texts(side, is_last_first=side is not right)
    first, second = _canonical(house["first"]), _canonical(house["second"])
    along = [Reading(street, relation or Relation.AT, first, second) for street in streets]
    return [*along, *corner] if LETTERS.search(left) else [*corner, *along]


def _corner(place: str) -> list[Reading]:
    """Two streets that meet: around "hoek", or around a slash between names."""
    mark = _CORNER.search(place)
    if mark is None and not ("/" in place and _SLASH.search(place)):
        return []
    left, right = (place[: mark.start()], place[mark.end() :]) if mark else ("", place)
    sides = [left, right]
    if not LETTERS.search(left):
        sides = next(
            (parts for s in _CORNER_SEPARATORS if len(parts := s.split(right, maxsplit=1)) == 2), [right]
        )
    names = [_without_house(side).strip(EDGES) for side in sides]
    if len(names) != 2 or not all(LETTERS.search(name) for name in names):
        return []
    return [Reading(names[0], Relation.CORNER, cross_street=names[1])]


def _relation(place: str) -> tuple[Relation | None, str, str]:
    """The first word of relation, and the texts before and after it."""
    if _ANY_RELATION.search(place):
        for relation, pattern in _RELATIONS:
            match = pattern.search(place)
            if match:
                return relation, place[: match.start()].strip(EDGES), place[match.end() :].strip(EDGES)
    return None, place, place


def _house(text: str) -> re.Match[str] | None:
    """The house number: one that is announced, else one after a name, else one in front."""
    found = list(_HOUSE.finditer(text)) if _DIGIT.search(text) else []
    if len(found) < 2:
        return found[0] if found else None
    announced = [match for match in found if match["mark"]]
    after_name = [match for match in found if LETTERS.search(text[: match.start()])]
    return [*announced, *after_name, *found][0]


def _without_house(text: str) -> str:
    house = _house(text)
    return text if house is None else text[: house.start()] or text[house.end() :]


def _canonical(number: str | None) -> str | None:
    return _NOT_IN_NUMBER.sub("", number).upper() if number else None


def _street_texts(text: str, is_last_first: bool = False) -> list[str]:
    """The names in a text, as separated by commas; each also without "in de"."""
    parts = text.split(",") if "," in text else [text]
    names = [name for part in parts if LETTERS.search(name := part.strip(EDGES))]
    if is_last_first:
        names.reverse()
    return list(dict.fromkeys(variant for name in names for variant in (name, _LEADING.sub("", name))))
