"""Address texts resolved against the address table: street within the gemeente, then number."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding.parser import Reading, Relation, readings
from hydrants.geocoding.shorthand import Shorthand
from hydrants.geocoding.street_index import NOTHING, Parts, StreetIndex
from hydrants.geocoding.streets import Place, Street, new_tuple
from hydrants.reference.street_keys import street_key
from hydrants.store import tables

_VILLAGE_M = 1_500.0  # a point this near to a street is in its village


class Outcome(StrEnum):
    """Whether a text leads to a place."""

    FOUND = "found"  # to one
    AMBIGUOUS = "ambiguous"  # to one of several, and nothing tells which
    UNKNOWN = "unknown"  # to none


class Resolution(NamedTuple):
    """What an address text leads to.

    `street` is a street of the table, `place` where the text points. When several could be
    meant (a street of that name in two villages, a name as close to two streets, a number
    in two places, streets that meet twice) there is no place; `alternatives` then holds
    each. `reading` is how the text was read, None when it names no street at all.
    """

    street: str | None = None
    place: Place | None = None
    alternatives: tuple[Place, ...] = ()
    reading: Reading | None = None

    @property
    def outcome(self) -> Outcome:
        """Found, ambiguous or unknown."""
        if self.place is not None:
            return Outcome.FOUND
        return Outcome.AMBIGUOUS if self.alternatives else Outcome.UNKNOWN

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


_NOWHERE = Resolution()


class Gazetteer:
    """The streets of some gemeenten, by key."""

    def __init__(self, connection: sa.Connection, nis_codes: Iterable[str]) -> None:
        self._streets = {nis: StreetIndex() for nis in nis_codes}
        self._shorthand = {nis: Shorthand(nis, index) for nis, index in self._streets.items()}
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
                self._streets[nis].add(key, street)
            if x_l72 is not None:
                street.add(house_number, x_l72, y_l72)

    def resolve(self, nis: str, text: str, postcode: str | None = None) -> Resolution:
        """Where a text points within a gemeente.

        Args:
            nis: gemeente; its streets must have been loaded.
            text: address as written down.
            postcode: as the row states it; one within the text goes before it.

        Returns:
            The street when it is named exactly or is the only one so close to what was written, and
            the place when there is one only. A text that names a place in another gemeente, or a
            numbered road that no street bears, leads nowhere.
        """
        return self._of_readings(nis, readings(text), postcode)

    def resolve_all(
        self, nis_codes: Sequence[str], texts: Sequence[str], postcodes: Sequence[str | None]
    ) -> list[Resolution]:
        """`resolve` of many texts, many times faster.

        Args:
            nis_codes, texts, postcodes: of equal length, see `resolve`.
        """
        if not len(nis_codes) == len(texts) == len(postcodes):
            raise ValueError("nis_codes, texts and postcodes differ in length")
        positions: dict[str, list[int]] = {}
        for position, nis in enumerate(nis_codes):
            positions.setdefault(nis, []).append(position)
        found: list[Resolution] = [_NOWHERE] * len(texts)
        with store.in_bulk():
            for nis, of_nis in positions.items():
                of_nis.sort(key=texts.__getitem__)  # street by street: its addresses are then at hand
                for position in of_nis:
                    found[position] = self._at_once(nis, texts[position], postcodes[position])
        return found

    def _at_once(self, nis: str, text: str, postcode: str | None) -> Resolution:
        short = self._shorthand[nis].read(text, postcode)
        if short is None:
            return self.resolve(nis, text, postcode)
        street, found, all_readings = short
        if street is not None:
            return _resolution(street, found[0])
        if all_readings is None:
            return self._of_readings(nis, found, postcode)
        return self._of_unlisted(nis, found[0], postcode) or self._of_readings(nis, all_readings(), postcode)

    def _of_unlisted(self, nis: str, reading: Reading, stated: str | None) -> Resolution | None:
        """Where a name points that no street bears; None when no street has one like it."""
        index, key = self._streets[nis], street_key(reading.street)
        groups = index.shortened(key) or index.close(key, reading.postcode or stated).groups
        return self._placed(nis, groups, reading, stated) if groups else None

    def _of_readings(self, nis: str, found: Sequence[Reading], stated: str | None) -> Resolution:
        index = self._streets[nis]
        here = [reading for reading in found if reading.nis is None or reading.nis == nis]
        names: list[tuple[str, Reading]] = []
        for reading in here:
            # a text with its house number is seldom a name; most need not be looked for
            if index.may_have(reading.street):
                key = street_key(reading.street)
                if parts := index.exact(key):
                    return self._placed(nis, self._or_close_by(nis, parts, reading, stated), reading, stated)
                names.append((key, reading))
        if len(here) < len(found):
            return Resolution(reading=found[0])  # of a place in another gemeente
        for key, reading in names:
            if groups := index.shortened(key):
                return self._placed(nis, groups, reading, stated)
        best, meant = NOTHING, None
        for key, reading in names:
            close = index.close(key, reading.postcode or stated)
            if close.groups and (meant is None or close.typos < best.typos):
                best, meant = close, reading
                if best.typos == 1:
                    break
        if meant is not None:
            return self._placed(nis, best.groups, meant, stated)
        for reading in here:
            if parts := index.opening(reading.street):
                return self._placed(nis, (parts,), reading, stated)
        for reading in here:
            if reading.street == reading.road and (groups := index.of_road(reading.road)):
                return self._placed(nis, groups, reading, stated)
        return Resolution(reading=found[0] if found else None)

    def _or_close_by(self, nis: str, parts: Parts, reading: Reading, stated: str | None) -> tuple[Parts, ...]:
        """The streets named exactly; and one typo away, one of the postcode in which that name is not."""
        postcode = reading.postcode or stated
        if postcode is None or any(part.postcode == postcode for part in parts):
            return (parts,)
        close = self._streets[nis].close_in(street_key(reading.street), postcode)
        return (parts, *close)

    def _placed(self, nis: str, groups: Sequence[Parts], reading: Reading, stated: str | None) -> Resolution:
        """Where a reading points when it names one of some streets."""
        if len(groups) == 1 and len(groups[0]) == 1 and reading.cross_street is None:
            return _resolution(groups[0][0], reading)
        postcode = reading.postcode or stated
        of_groups = [[part for part in parts if part.postcode == postcode] or parts for parts in groups]
        candidates = [part for parts in of_groups for part in parts]
        if len(candidates) == 1 and reading.cross_street is None:
            return _resolution(candidates[0], reading)
        if reading.relation is Relation.CORNER and reading.cross_street is not None:
            crossing = self._named(nis, reading.cross_street, postcode)
            corners = [
                (part, corner)
                for part in candidates
                for other in crossing
                if other is not part
                for corner in part.corners_with(other)
            ]
            if corners:
                return _one_of(corners, reading)
        meant = _meant(candidates, reading)
        return _one_of([(part, place) for part in meant for place in _on_street(part, reading)] or
                       [(part, None) for part in meant], reading)  # fmt: skip

    def _named(self, nis: str, name: str, postcode: str | None) -> list[Street]:
        index, key = self._streets[nis], street_key(name)
        exact = index.exact(key)
        groups = (exact,) if exact else index.shortened(key) or index.close(key, postcode).groups
        return [part for parts in groups for part in parts]


def _resolution(street: Street, reading: Reading) -> Resolution:
    """Where a reading points that can only mean this street."""
    places = _on_street(street, reading)
    if len(places) == 1:
        return new_tuple(Resolution, (street.name, places[0], (), reading))
    return Resolution(street.name, None, places, reading)


def _one_of(candidates: Sequence[tuple[Street, Place | None]], reading: Reading) -> Resolution:
    is_one_name = len({street_key(part.name) for part, _ in candidates}) == 1
    street = candidates[0][0].name if is_one_name else None
    places = tuple(place for _, place in candidates if place is not None)
    if len(candidates) == 1:
        return Resolution(street, candidates[0][1], (), reading)
    return Resolution(street, None, places, reading)


def _meant(parts: Sequence[Street], reading: Reading) -> Sequence[Street]:
    """Those of several streets that can be meant: that have the house number."""
    number = reading.number
    if len(parts) == 1 or number is None:
        return parts
    having = [part for part in parts if part.has(number)] or [part for part in parts if part.spans(number)]
    return having or parts


def _on_street(street: Street, reading: Reading) -> tuple[Place, ...]:
    number, second_number = reading.number, reading.second_number
    if number is None:
        return street.middle
    if second_number is not None:
        return street.between(number, second_number) or street.middle
    return street.at(number, reading.relation is Relation.OPPOSITE) or street.middle
