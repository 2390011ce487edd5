"""What an address text says beside street and number: brackets, a flat's box, a road, a village."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from hydrants import reference
from hydrants.reference.place_names import Village, villages
from hydrants.reference.street_keys import street_key

EDGES = " ,;:.-–/"
LETTERS = re.compile(r"[^\W\d_]{2}")

_DIGIT = re.compile(r"\d")
_BRACKETS = re.compile(r"\(([^)]*)\)?")
_BOX = re.compile(r"[ ,]*\b(?:bus|bte|box)\b\.? ?(?:\d+ ?[a-z]?|[a-z])\b", re.IGNORECASE)
_KM = (
    re.compile(r"[ ,]*\b(?:km|kilometer)[ -]?(?:paal|punt|p)?[.:]? ?(\d+(?:[.,]\d+)?)", re.IGNORECASE),
    re.compile(r"[ ,]*\b(\d+(?:[.,]\d+)?) ?(?:km|kilometer)\b", re.IGNORECASE),
)
_ROAD = re.compile(r"(?<![\w.])(?:([NRAE])[ -]?|([nrae]))(\d{1,3}[a-z]?)(?!\w)")
_ROAD_WITH_KM = re.compile(r"(?<![\w.])([NRAE])[ -]?()(\d{1,3}[a-z]?)(?!\w)", re.IGNORECASE)
_FOUR_DIGITS = re.compile(r"\d{4}")
_POSTCODE = re.compile(r"(?:^|(?<=[\s,]))(?:B-)?([1-9]\d{3})(?!\w)")
_HOUSE_BEHIND_NAME = re.compile(r"(?<=[^\W\d_][ .,])\s*(\d{1,4})[a-z]?(?!\w)", re.IGNORECASE)
_LONGEST_NAME = 4  # words: "Beveren aan de IJzer"
_NOT_BEFORE_A_VILLAGE = {
    *("richting", "kant", "naar", "van", "tot", "en", "met", "x", "grens", "hoek", "kruispunt", "tussen"),
}
_BEFORE_A_VILLAGE = {"te", "in"}


class Asides(NamedTuple):
    """What stands beside street and number, see `Reading`."""

    postcode: str | None = None
    nis: str | None = None
    road: str | None = None
    km: float | None = None


NOTHING = Asides()


def without_asides(text: str) -> tuple[str, Asides]:
    """Cut off what is neither street nor number nor relation.

    Args:
        text: with single spaces.

    Returns:
        The rest, and what the part that was cut off told. Of brackets only a place, a road or,
        where there is no other, a number counts.
    """
    plain, found = text, NOTHING
    if plain.isalpha():
        return plain, found
    if "(" in plain:
        plain, found = _without_brackets(plain)
    if "b" in plain or "B" in plain:
        plain = _BOX.sub(" ", plain)
    km = _km(plain)
    if km is not None:
        plain = f"{plain[: km.start()]} {plain[km.end() :]}"
        found = found._replace(km=float(km[1].replace(",", ".")))
    road = (_ROAD if km is None else _ROAD_WITH_KM).search(plain)
    if road is not None and (km is not None or _is_road(road)):
        plain = f"{plain[: road.start()]} {plain[road.end() :]}".strip(EDGES)
        found = found._replace(road=_road_name(road))
    else:
        plain = plain.strip(EDGES) or text.strip("()")
    plain, place = _without_postcode(plain)
    return plain, found if place is None else found._replace(postcode=place.postcode, nis=place.nis)


def without_village(text: str) -> tuple[str, Village | None, str]:
    """Cut off the name of a gemeente or deelgemeente at either end, where a name is left over.

    A direction ("richting Ieper") is no place.

    Returns:
        The rest, the place, and the name that was cut off; empty where there is none.
    """
    words = text.replace(",", " , ").split() if "," in text else text.split()
    if len(words) < 2:
        return text, None, ""
    starts, ends = _edges_of_names()
    if words[0][:2].casefold() in starts:
        for count in range(min(_LONGEST_NAME, len(words) - 1), 0, -1):
            village = _village(words[:count])
            if village and LETTERS.search(shorter := _joined(words[count:])):
                return shorter, village, " ".join(words[:count])
    if words[-1][-2:].casefold() in ends:
        for count in range(min(_LONGEST_NAME, len(words) - 1), 0, -1):
            village, rest = _village(words[-count:]), words[:-count]
            if village and rest[-1].casefold().strip(EDGES) not in _NOT_BEFORE_A_VILLAGE:
                if rest[-1].casefold() in _BEFORE_A_VILLAGE:
                    rest.pop()
                if LETTERS.search(shorter := _joined(rest)):
                    return shorter, village, " ".join(words[-count:])
    return text, None, ""


def has_village(name: str) -> bool:
    """Whether a name opens or ends with that of a gemeente or deelgemeente, or is one."""
    words = name.split()
    starts, ends = _edges_of_names()
    counts = range(1, min(_LONGEST_NAME, len(words)) + 1)
    return (words[0][:2].casefold() in starts and any(_village(words[:count]) for count in counts)) or (
        words[-1][-2:].casefold() in ends and any(_village(words[-count:]) for count in counts)
    )


@lru_cache
def _edges_of_names() -> tuple[frozenset[str], frozenset[str]]:
    """The first and the last two letters of places: most words have others."""
    return frozenset(key[:2] for key in villages()), frozenset(key[-2:] for key in villages())


def _joined(words: list[str]) -> str:
    return " ".join(words).replace(" ,", ",").strip(EDGES)


def _village(words: list[str]) -> Village | None:
    return villages().get(street_key(" ".join(words)))


def _without_brackets(text: str) -> tuple[str, Asides]:
    found = NOTHING
    outside = _BRACKETS.sub(" ", text)
    for inside in _BRACKETS.findall(text):
        village, road = _village(inside.split()), _ROAD.fullmatch(inside.strip())
        if village is not None:
            found = found._replace(postcode=village.postcode, nis=village.nis)
        elif road is not None:
            found = found._replace(road=_road_name(road))
        elif _km(inside) or (_DIGIT.search(inside) and not _has_number(outside)):
            outside = f"{outside} {inside}"
    return (" ".join(outside.split()), found) if LETTERS.search(outside) else (text, found)


def _km(text: str) -> re.Match[str] | None:
    return (_KM[0].search(text) or _KM[1].search(text)) if "k" in text or "K" in text else None


def _has_number(text: str) -> bool:
    """Whether a house number stands behind a name."""
    return any(number not in reference.nis_by_postcode() for number in _HOUSE_BEHIND_NAME.findall(text))


def _is_road(road: re.Match[str]) -> bool:
    """Whether it is a road, not a house number with a letter or a mark before it."""
    return road.start() == 0 or road[1] in ("N", "R")


def _road_name(road: re.Match[str]) -> str:
    return ((road[1] or road[2]) + road[3]).upper()


def _without_postcode(text: str) -> tuple[str, Village | None]:
    """Cut off the postcode and the place name that goes with it."""
    if not _FOUR_DIGITS.search(text):
        return text, None
    known = reference.nis_by_postcode()
    match = next((m for m in _POSTCODE.finditer(text) if m[1] in known), None)
    if match is None:
        return text, None
    place = Village(known[match[1]], match[1])
    before, after = text[: match.start()].strip(EDGES), text[match.end() :].strip(EDGES)
    words = after.replace(",", " ").split()
    for count in range(min(_LONGEST_NAME, len(words)), 0, -1):
        village = _village(words[:count])
        if village is not None and village.nis == place.nis:
            place = Village(place.nis, village.postcode or place.postcode)
            after = " ".join(after.split(" ")[count:]).strip(EDGES)
            break
    if not LETTERS.search(before):
        return after, place
    is_told_after = _DIGIT.search(after) and not _DIGIT.search(before)
    return (f"{before} {after}" if is_told_after else before), place
