"""Address texts resolved against the address table: street within the gemeente, then number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from rapidfuzz import process
from rapidfuzz.distance import OSA

from hydrants.geocoding.parser import Reading, Relation, readings
from hydrants.geocoding.streets import Place, Street
from hydrants.reference.addresses import street_key
from hydrants.store import tables

_ONE_TYPO_FROM, _TWO_TYPOS_FROM = 5, 11  # letters of the key: a shorter name is too easily another's
_VILLAGE_M = 1_500.0  # a point this near to a street is in its village


class Resolution(NamedTuple):
    """What an address text leads to.

    `street` is a street of the table, `place` where the text points. When the gemeente has the
    street in several villages and neither postcode nor house number decides, there is no
    place; `alternatives` then holds one for each village.
    """

    street: str | None = None
    place: Place | None = None
    alternatives: tuple[Place, ...] = ()

    def near(self, x_l72: float, y_l72: float) -> Place | None:
        """The place; among alternatives, the one in the village around a point given besides.

        Villages lie kilometres apart, so that even a bad GPS position tells which is meant.
        NaN for a record without coordinates: then none of the alternatives.
        """
        if self.place is not None or not self.alternatives or math.isnan(x_l72):
            return self.place
        by_distance = sorted(
            (math.hypot(place.x_l72 - x_l72, place.y_l72 - y_l72), place) for place in self.alternatives
        )
        nearest_m, nearest = by_distance[0]
        next_m = by_distance[1][0] if len(by_distance) > 1 else math.inf
        return nearest if nearest_m <= _VILLAGE_M and next_m >= 2 * nearest_m else None


class Gazetteer:
    """The streets of some gemeenten, by key."""

    def __init__(self, connection: sa.Connection, nis_codes: Iterable[str]) -> None:
        self._streets: dict[str, dict[str, list[Street]]] = {nis: {} for nis in nis_codes}
        a = tables.address.c
        query = (
            sa.select(a.nis, a.street_key, a.postcode, a.street, a.house_number, a.x_l72, a.y_l72)
            .where(a.nis.in_(sorted(self._streets)))
            .order_by(a.address_id)
        )
        parts: dict[tuple[str, str | None, str], Street] = {}
        for nis, key, postcode, name, house_number, x_l72, y_l72 in connection.execute(query).all():
            street = parts.get((nis, postcode, name))
            if street is None:
                street = parts[nis, postcode, name] = Street(name, postcode)
                self._streets[nis].setdefault(key, []).append(street)
            if x_l72 is not None:
                street.add(house_number, x_l72, y_l72)

    def resolve(self, nis: str, text: str, postcode: str | None = None) -> Resolution:
        """Where a text points within a gemeente.

        Args:
            nis: gemeente; its streets must have been loaded.
            text: address as written down.
            postcode: as the row states it; one within the text goes before it.

        Returns:
            The street when it is named exactly or is the only one so close to what was
            written; a name that could be two streets gives none. The place when there is one only.
        """
        found = readings(text)
        streets = self._streets[nis]
        for reading in found:
            parts = streets.get(street_key(reading.street))
            if parts:
                return self._place(nis, parts, reading, postcode)
        return (
            self._by_likeness(nis, found, postcode)
            or self._by_first_words(nis, found, postcode)
            or Resolution()
        )

    def _by_likeness(self, nis: str, found: tuple[Reading, ...], postcode: str | None) -> Resolution | None:
        """By the reading whose street is a typo or two from one of the table, and from no other."""
        close = [(self._closest(nis, reading.street), reading) for reading in found]
        likely = [(typos, key, reading) for (typos, key), reading in close if key is not None]
        if not likely:
            return None
        _, key, reading = min(likely, key=lambda candidate: candidate[0])
        return self._place(nis, self._streets[nis][key], reading, postcode)

    def _by_first_words(
        self, nis: str, found: tuple[Reading, ...], postcode: str | None
    ) -> Resolution | None:
        """By a street that opens the text, followed by words of another kind: "Kerkstraat Watou"."""
        for reading in found:
            words = reading.street.split()
            for count in range(len(words) - 1, 0, -1):
                key = street_key(" ".join(words[:count]))
                parts = self._streets[nis].get(key) if len(key) >= _ONE_TYPO_FROM else None
                if parts:
                    return self._place(nis, parts, reading, postcode)
        return None

    def _closest(self, nis: str, name: str) -> tuple[int, str | None]:
        """The one street key within a typo or two of a name, and the number of typos."""
        key = street_key(name)
        allowed = (len(key) >= _ONE_TYPO_FROM) + (len(key) >= _TWO_TYPOS_FROM)
        if not allowed:
            return 0, None
        best = process.extract(
            key, self._streets[nis].keys(), scorer=OSA.distance, score_cutoff=allowed, limit=2
        )
        is_clear = len(best) == 1 or (len(best) == 2 and best[0][1] < best[1][1])
        # two typos, one of them in the first letter, make it another name: Oosthoek, Westhoek
        if not is_clear or (best[0][1] == 2 and best[0][0][0] != key[0]):
            return 0, None
        return int(best[0][1]), best[0][0]

    def _place(
        self, nis: str, parts: list[Street], reading: Reading, stated_postcode: str | None
    ) -> Resolution:
        postcode = reading.postcode or stated_postcode
        parts = [part for part in parts if part.postcode == postcode] or parts
        if reading.relation is Relation.CORNER and reading.cross_street is not None:
            _, key = self._closest_or_same(nis, reading.cross_street)
            corners = [
                (part, corner)
                for part in parts
                for other in self._streets[nis].get(key or "", [])
                if (corner := part.corner_with(other)) is not None
            ]
            if len(corners) == 1:
                return Resolution(corners[0][0].name, corners[0][1])
        meant = _meant(parts, reading)
        places = [_on_street(part, reading) for part in meant]
        if len(meant) == 1:
            return Resolution(meant[0].name, places[0])
        return Resolution(meant[0].name, None, tuple(place for place in places if place is not None))

    def _closest_or_same(self, nis: str, name: str) -> tuple[int, str | None]:
        key = street_key(name)
        return (0, key) if key in self._streets[nis] else self._closest(nis, name)


def _meant(parts: Sequence[Street], reading: Reading) -> Sequence[Street]:
    """Those of several streets of one name that can be meant: that have the house number."""
    number = reading.number
    if len(parts) == 1 or number is None:
        return parts
    having = [part for part in parts if part.has(number)] or [part for part in parts if part.spans(number)]
    return having or parts


def _on_street(street: Street, reading: Reading) -> Place | None:
    if reading.number is None:
        return street.middle
    if reading.second_number is not None:
        return street.between(reading.number, reading.second_number) or street.middle
    if street.has(reading.number):
        return street.at(reading.number)  # None when that number is in two places
    return street.at(reading.number) or street.middle
