"""A street of the address table, and where along it a house number lies."""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np

ADDRESS_NUMBER = "address_number"
ADDRESS_INTERPOLATED = "address_interpolated"
ADDRESS_STREET = "address_street"

# How far, per axis, a hydrant tends to stand from where the words point; measured in docs/addresses.md.
NUMBER_ACCURACY_M = 15.0
"""Around the address point that a crew names for it."""
OPPOSITE_ACCURACY_M = 25.0
"""Around the address point that it stands opposite of: the width of the street comes on top."""
LETTER_ACCURACY_M = 40.0
"""Around 12 for 12A, or the other way round, where the list does not have the one that is named."""
INTERPOLATED_ACCURACY_M = 30.0
"""Around a point interpolated between neighbours, or a corner, at least."""
LONE_ACCURACY_M = 100.0
"""Around the only number on its side of the street, standing for another, at least."""
STREET_ACCURACY_M = 30.0
"""Around the middle of a street, at least: the shortest have a house or two."""

_SAME_PLACE_M = 100.0  # address points of one number farther apart are different places
_GAP_SHARE = 0.25  # of the distance between two neighbours: houses are not spread evenly
_FARTHEST_BEYOND = 10  # house numbers past the last known one for which that one still stands
_CORNER_MAX_M = 300.0  # streets whose closest addresses are farther apart do not meet
_CORNER_SLACK_M = 40.0  # houses around one corner: their distances differ by no more
_CORNER_APART_M = 150.0  # corners farther apart are two places where the streets meet
_BASE = re.compile(r"\d+")

Point = tuple[float, float]
Floats = np.ndarray[Any, np.dtype[np.float64]]


new_tuple = tuple.__new__
"""Makes a named tuple of all its values in half the time of a call by its name."""


class Place(NamedTuple):
    """A point an address leads to: Lambert 72 in metres, and a hydrant's standard deviation per axis."""

    x_l72: float
    y_l72: float
    method: str
    accuracy_m: float


class Street:
    """One street within one postcode, with its address points."""

    def __init__(self, name: str, postcode: str | None) -> None:
        self.name = name
        self.postcode = postcode
        self._x_l72 = array("d")
        self._y_l72 = array("d")
        # texts to whole numbers: what the garbage collector need not look at, a region has 100 000
        self._by_label: dict[str, int] = {}
        self._repeated: list[tuple[str, int]] = []
        self._places: dict[str, tuple[Place, ...]] = {}
        self._opposite: dict[str, tuple[Place, ...]] = {}
        self._corners: dict[Street, tuple[Place, ...]] = {}

    def add(self, house_number: str | None, x_l72: float, y_l72: float) -> None:
        """Add an address that has a position, before the first question about the street."""
        position = len(self._x_l72)
        self._x_l72.append(x_l72)
        self._y_l72.append(y_l72)
        if (
            house_number is not None
            and self._by_label.setdefault(label := house_number.upper(), position) != position
        ):
            self._repeated.append((label, position))

    def _point(self, position: int) -> Point:
        return self._x_l72[position], self._y_l72[position]

    # a night asks for few of the streets of a gemeente: each is indexed when first asked for

    @cached_property
    def _xy(self) -> tuple[Floats, Floats]:
        return np.frombuffer(self._x_l72), np.frombuffer(self._y_l72)

    @cached_property
    def _also(self) -> dict[str, list[int]]:
        """Further positions of house numbers that the list has more than once."""
        also: dict[str, list[int]] = {}
        for label, position in self._repeated:
            also.setdefault(label, []).append(position)
        return also

    @cached_property
    def _by_base(self) -> dict[int, int]:
        """A position for each house number, letters left aside; `_more_of_base` has the further ones."""
        first: dict[int, int] = {}
        self._more_of_base: dict[int, list[int]] = {}
        for label, position in chain(self._by_label.items(), self._repeated):
            base = int(label) if label.isdecimal() else base_number(label)
            if base is not None and first.setdefault(base, position) != position:
                self._more_of_base.setdefault(base, []).append(position)
        return first

    def _of_base(self, base: int) -> list[Point]:
        """The points of a house number, with any letter or none; none when nothing has that number."""
        position = self._by_base.get(base)
        if position is None:
            return []
        return [self._point(position), *map(self._point, self._more_of_base.get(base, ()))]

    def has(self, number: str) -> bool:
        """Whether the address table knows where this number is, with or without its letter."""
        return base_number(number) in self._by_base

    def spans(self, number: str) -> bool:
        """Whether the number lies between known numbers of its side."""
        base = base_number(number)
        return base is not None and None not in self._neighbours(base)

    def at(self, number: str, is_opposite: bool = False) -> tuple[Place, ...]:
        """Where a house number is: one place, several that it could be, or none.

        The address point with the same letter comes first, then the one without letter, then
        those with any letter. A number that is not there is interpolated between its
        neighbours on the same side; past the last known number, that one stands for it.

        Args:
            is_opposite: the hydrant stands across the street from that number.
        """
        at_least_m = OPPOSITE_ACCURACY_M if is_opposite else NUMBER_ACCURACY_M
        position = self._by_label.get(number)
        if position is not None and number not in self._also:
            point = self._x_l72[position], self._y_l72[position]
            return (new_tuple(Place, (*point, ADDRESS_NUMBER, at_least_m)),)
        known = self._opposite if is_opposite else self._places
        places = known.get(number)
        if places is None:
            places = known[number] = tuple(
                place if place.accuracy_m >= at_least_m else place._replace(accuracy_m=at_least_m)
                for place in self._at(number)
            )
        return places

    def _at(self, number: str) -> tuple[Place, ...]:
        points = self._labelled(number)
        if points:
            return _places(points, ADDRESS_NUMBER, NUMBER_ACCURACY_M)
        base = base_number(number)
        if base is None:
            return ()
        points = self._labelled(str(base)) or self._of_base(base)
        return _places(points, ADDRESS_NUMBER, LETTER_ACCURACY_M) if points else self._interpolated(base)

    def _labelled(self, label: str) -> list[Point]:
        position = self._by_label.get(label)
        if position is None:
            return []
        return [self._point(position), *map(self._point, self._also.get(label, ()))]

    def between(self, first: str, second: str) -> tuple[Place, ...]:
        """The middle between two house numbers; one that is nowhere, or in two places, is left aside."""
        ends = [places[0] for number in (first, second) if len(places := self.at(number)) == 1]
        if len(ends) < 2:
            return (ends[0]._replace(method=ADDRESS_INTERPOLATED),) if ends else ()
        return (_along(ends[0][:2], ends[1][:2], 0.5),)

    @cached_property
    def middle(self) -> tuple[Place, ...]:
        """The address point in the midst of all others; none for a street without positions."""
        count = len(self._x_l72)
        if count == 0:
            return ()
        median = sorted(self._x_l72)[count // 2], sorted(self._y_l72)[count // 2]
        points = list(zip(self._x_l72, self._y_l72, strict=True))
        away_m = list(map(math.dist, points, repeat(median)))
        centre = points[away_m.index(min(away_m))]
        spread_m = math.sqrt(sum(m**2 for m in map(math.dist, points, repeat(centre))) / (2 * count))
        return (Place(*centre, ADDRESS_STREET, max(STREET_ACCURACY_M, spread_m)),)

    def corners_with(self, other: Street) -> tuple[Place, ...]:
        """Between the closest addresses of two streets, once for each place where they meet.

        None when even these are too far apart to meet.
        """
        if other not in self._corners:
            self._corners[other] = self._meeting(other)
        return self._corners[other]

    def _meeting(self, other: Street) -> tuple[Place, ...]:
        if not (self._x_l72 and other._x_l72):
            return ()
        (my_x, my_y), (their_x, their_y) = self._xy, other._xy
        squared, squared_y = np.subtract.outer(my_x, their_x), np.subtract.outer(my_y, their_y)
        squared *= squared
        squared_y *= squared_y
        squared += squared_y
        row, column = divmod(int(squared.argmin()), len(their_x))
        closest_m = math.sqrt(squared[row, column])
        if closest_m > _CORNER_MAX_M:
            return ()
        corners = [_along(self._point(row), other._point(column), 0.5)]
        near = np.flatnonzero(squared <= (closest_m + _CORNER_SLACK_M) ** 2)
        rows, columns = np.divmod(near, len(their_x))
        x_l72, y_l72 = (my_x[rows] + their_x[columns]) / 2, (my_y[rows] + their_y[columns]) / 2
        while True:
            is_apart = np.hypot(x_l72 - corners[-1].x_l72, y_l72 - corners[-1].y_l72) > _CORNER_APART_M
            if not is_apart.any():
                return tuple(corners)
            rows, columns, x_l72, y_l72 = rows[is_apart], columns[is_apart], x_l72[is_apart], y_l72[is_apart]
            nearest = int(squared[rows, columns].argmin())
            corners.append(_along(self._point(rows[nearest]), other._point(columns[nearest]), 0.5))

    @cached_property
    def _sides(self) -> tuple[list[int], list[int]]:
        """The even and the odd numbers, each in order."""
        numbers = sorted(self._by_base)
        return [n for n in numbers if n % 2 == 0], [n for n in numbers if n % 2]

    def _neighbours(self, base: int) -> tuple[int | None, int | None]:
        side = self._sides[base % 2]
        at = bisect_left(side, base)
        after = at + (at < len(side) and side[at] == base)
        return side[at - 1] if at else None, side[after] if after < len(side) else None

    def _interpolated(self, base: int) -> tuple[Place, ...]:
        below, above = self._neighbours(base)
        if below is not None and above is not None:
            start, end = _mean(self._of_base(below)), _mean(self._of_base(above))
            return (_along(start, end, (base - below) / (above - below)),)
        nearest = below if above is None else above
        if nearest is None or abs(nearest - base) > _FARTHEST_BEYOND:
            return ()
        return _places(
            self._of_base(nearest), ADDRESS_INTERPOLATED, self._beyond_m(nearest, abs(base - nearest))
        )

    def _beyond_m(self, last: int, numbers: int) -> float:
        """How far a house lies that is some numbers past the last one, if they go on as they came."""
        below, above = self._neighbours(last)
        before = below if above is None else above
        if before is None:
            return max(LONE_ACCURACY_M, self.middle[0].accuracy_m)
        last_m = math.dist(_mean(self._of_base(last)), _mean(self._of_base(before)))
        return max(INTERPOLATED_ACCURACY_M, last_m * numbers / abs(last - before))


def base_number(number: str | None) -> int | None:
    """The number in a house number: 12 of "12A"."""
    if number is None:
        return None
    match = _BASE.match(number)
    return int(match[0]) if match else None


def _mean(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _places(points: Sequence[Point], method: str, accuracy_m: float) -> tuple[Place, ...]:
    """One place for points that lie together, else each of them that is apart from those before."""
    if len(points) == 1:
        return (Place(*points[0], method, accuracy_m),)
    middle = _mean(points)
    if all(math.dist(point, middle) <= _SAME_PLACE_M for point in points):
        return (Place(*middle, method, accuracy_m),)
    apart: list[Point] = []
    for point in points:
        if all(math.dist(point, known) > _SAME_PLACE_M for known in apart):
            apart.append(point)
    return tuple(Place(*point, method, accuracy_m) for point in apart)


def _along(start: Point, end: Point, share: float) -> Place:
    return Place(
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
        ADDRESS_INTERPOLATED,
        max(INTERPOLATED_ACCURACY_M, _GAP_SHARE * math.dist(start, end)),
    )
