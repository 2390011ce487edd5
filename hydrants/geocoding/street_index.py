"""The streets of one gemeente, found by what a crew wrote: exactly, shortened, or with slips of the pen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from hydrants.geocoding.near_names import ONE_TYPO_FROM, TWO_TYPOS_FROM, NearNames
from hydrants.geocoding.streets import Street
from hydrants.reference.street_keys import ENDINGS, street_key

_ABBREVIATED_FROM = 6  # letters of a name with its abbreviation
_SHORTENED_FROM = 6  # letters left of a name that was shortened
_FULL_ENDINGS = tuple(set(ENDINGS.values()))
_NOT_DIGITS = re.compile(r"\D+")
_ROAD_IN_NAME = re.compile(r"(?<!\w)([NRAE]) ?-?(\d{1,3}[a-z]?)(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"[^\s.]+")
_TELLING = {
    *(
        "oude",
        "nieuwe",
        "grote",
        "kleine",
        "lange",
        "korte",
        "hoge",
        "lage",
        "oud",
        "nieuw",
        "groot",
        "klein",
    ),
    *("noord", "oost", "zuid", "west", "eerste", "tweede", "derde", "sint", "st", "onze", "lieve"),
}
"""Opening words without which a name is another street's."""

Parts = Sequence[Street]
"""The streets of one key, one for each postcode and spelling."""


class Close(NamedTuple):
    """The names closest to one that the gemeente does not have; several when they are equally close."""

    typos: int
    groups: tuple[Parts, ...]


NOTHING = Close(0, ())


class StreetIndex:
    """The streets of one gemeente by key; complete before the first question."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[Street]] = {}
        self._close: dict[tuple[str, str | None], Close] = {}

    def add(self, key: str, street: Street) -> None:
        """Add a street under its `street_key`."""
        self._by_key.setdefault(key, []).append(street)

    def may_have(self, name: str) -> bool:
        """Whether a name can be that of a street here, judged by its digits only."""
        return (
            name.isalpha()
            or not (digits := _NOT_DIGITS.sub("", name))
            or digits in self._numbers
            or "_" in name  # of homonyms, which address lists number
        )

    def exact(self, key: str) -> Parts:
        """The streets of a key, in every village; empty when there is none."""
        return self._by_key.get(key, ())

    def shortened(self, key: str) -> tuple[Parts, ...]:
        """Streets of which the key leaves out first names or gives initials, an article, a road's number."""
        return tuple(self._by_key[full] for full in self._shortened.get(key, ()))

    def close(self, key: str, postcode: str | None) -> Close:
        """The streets within a typo or two of a key; those of the postcode if it has any as close."""
        asked = (key, postcode)
        found = self._close.get(asked)
        if found is None:
            found = self._close[asked] = self._closest(key, postcode)
        return found

    def close_in(self, key: str, postcode: str) -> tuple[Parts, ...]:
        """The streets of a postcode that are one typo away from a key."""
        return tuple(
            self._by_key[other]
            for typos, other in self._names.within(key, 1)
            if typos and any(part.postcode == postcode for part in self._by_key[other])
        )

    def opening(self, name: str) -> Parts:
        """The street that opens a text, followed by words of another kind: "Kerkstraat achterkant"."""
        words = name.split()
        for count in range(len(words) - 1, 0, -1):
            key = street_key(" ".join(words[:count]))
            if len(key) >= ONE_TYPO_FROM and (parts := self._by_key.get(key)):
                return parts
        return ()

    def of_road(self, road: str) -> tuple[Parts, ...]:
        """The streets whose name holds the number of a road, such as N8."""
        return tuple(self._by_key[key] for key in self._by_road.get(road, ()))

    @cached_property
    def _numbers(self) -> frozenset[str]:
        """The digits of streets such as "11 Novemberstraat"."""
        return frozenset(_NOT_DIGITS.sub("", key) for key in self._by_key)

    @cached_property
    def _shortened(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, parts in self._by_key.items():
            for short in _shorter_keys(part.name for part in parts):
                if short not in self._by_key and key not in found.setdefault(short, []):
                    found[short].append(key)
        return found

    @cached_property
    def _by_road(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for key, parts in self._by_key.items():
            for letter, number in dict.fromkeys(_ROAD_IN_NAME.findall(" ".join(part.name for part in parts))):
                found.setdefault((letter + number).upper(), []).append(key)
        return found

    def _closest(self, key: str, postcode: str | None) -> Close:
        close = self._names.within(key, 1)
        if not close and "ij" in key:
            key = key.replace("ij", "y")  # a y that was hit by mistake is no ij
            close = self._names.within(key, 1)
        if not close and len(key) >= TWO_TYPOS_FROM:
            close = self._names.within(key, 2)
        if not close and len(key) >= _ABBREVIATED_FROM and not key.endswith(_FULL_ENDINGS):
            # the typo is in an abbreviation, so that it could not be written out
            short = self._short_names.within(key, 1)
            close = [(typos, full) for typos, found in short for full in self._abbreviated[found]]
        if not close:
            return NOTHING
        fewest = min(close)[0]
        if len(close) > 1 and postcode is not None:
            here = [one for one in close if any(part.postcode == postcode for part in self._by_key[one[1]])]
            if here and min(here)[0] == fewest:
                close = here
        return Close(fewest, tuple(self._by_key[other] for typos, other in close if typos == fewest))

    @cached_property
    def _abbreviated(self) -> dict[str, list[str]]:
        """Keys by how they look when their ending is abbreviated: dorpsstr."""
        found: dict[str, list[str]] = {}
        for key in self._by_key:
            for short, ending in ENDINGS.items():
                if key.endswith(ending):
                    found.setdefault(key.removesuffix(ending) + short, []).append(key)
        return found

    @cached_property
    def _names(self) -> NearNames:
        return NearNames(self._by_key)

    @cached_property
    def _short_names(self) -> NearNames:
        return NearNames(self._abbreviated)


def _shorter_keys(names: Iterable[str]) -> set[str]:
    """Keys of a name without the number of its road, without its first names, or with initials."""
    found: set[str] = set()
    for name in names:
        if _ROAD_IN_NAME.search(name):
            found.add(street_key(_ROAD_IN_NAME.sub(" ", name)))
        *openings, last = _WORD.findall(name) or [""]
        if not openings or any(word.casefold() in _TELLING for word in openings):
            continue
        shorter = [""]
        for word in openings:
            shorter = [f"{start} {kept}" for start in shorter for kept in (word, word[0], "")]
        found.update(street_key(f"{start} {last}") for start in shorter)
    return {key for key in found if len(key) >= _SHORTENED_FROM}
