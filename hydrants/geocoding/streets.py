"""A street of the address table, and where along it a house number lies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

ADDRESS_NUMBER = "address_number"
ADDRESS_INTERPOLATED = "address_interpolated"
ADDRESS_STREET = "address_street"

NUMBER_ACCURACY_M = 15.0
"""How far, per axis, a hydrant tends to stand from the address point that a crew names for it."""
INTERPOLATED_ACCURACY_M = 30.0
"""The same around a point interpolated between neighbours, at least."""
STREET_ACCURACY_M = 30.0
"""The same around the middle of a street, at least: the shortest have a house or two."""

_SAME_PLACE_M = 100.0  # address points of one number farther apart are different places
_GAP_SHARE = 0.25  # of the distance between two neighbours: houses are not spread evenly
_FARTHEST_BEYOND = 10  # house numbers past the last known one for which that one still stands
_CORNER_MAX_M = 300.0  # streets whose closest addresses are farther apart do not meet
_BASE = re.compile(r"\d+")

Point = tuple[float, float]


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
        self._addresses: list[tuple[str | None, Point]] = []

    def add(self, house_number: str | None, x_l72: float, y_l72: float) -> None:
        """Add an address that has a position, before the first question about the street."""
        self._addresses.append((house_number, (x_l72, y_l72)))

    # a night asks for few of the streets of a gemeente: each is indexed when first asked for

    @cached_property
    def _points(self) -> list[Point]:
        return [point for _, point in self._addresses]

    @cached_property
    def _by_label(self) -> dict[str, list[Point]]:
        """Points by house number with its letter."""
        points: dict[str, list[Point]] = {}
        for house_number, point in self._addresses:
            if house_number is not None:
                points.setdefault(house_number.upper(), []).append(point)
        return points

    @cached_property
    def _by_base(self) -> dict[int, list[Point]]:
        """Points by house number, letters left aside."""
        points: dict[int, list[Point]] = {}
        for label, of_label in self._by_label.items():
            base = base_number(label)
            if base is not None:
                points.setdefault(base, []).extend(of_label)
        return points

    def has(self, number: str) -> bool:
        """Whether the address table knows where this number is, with or without its letter."""
        return base_number(number) in self._by_base

    def spans(self, number: str) -> bool:
        """Whether the number lies between known numbers of its side."""
        base = base_number(number)
        return base is not None and None not in self._neighbours(base)

    def at(self, number: str) -> Place | None:
        """The place of a house number; None when it is unknown, or when it is in two places.

        The address point with the same letter comes first, then the one without letter, then
        those with any letter. A number that is not there is interpolated between its
        neighbours on the same side; past the last known number, that one stands for it.
        """
        base = base_number(number)
        if base is None:
            return None
        points = self._by_label.get(number) or self._by_label.get(str(base)) or self._by_base.get(base)
        if points:
            return _one_place(points, ADDRESS_NUMBER, NUMBER_ACCURACY_M)
        return self._interpolated(base)

    def between(self, first: str, second: str) -> Place | None:
        """The middle between two house numbers."""
        ends = [place for number in (first, second) if (place := self.at(number)) is not None]
        if len(ends) < 2:
            return ends[0]._replace(method=ADDRESS_INTERPOLATED) if ends else None
        return _along(ends[0][:2], ends[1][:2], 0.5)

    @cached_property
    def middle(self) -> Place | None:
        """The address point that is closest to all others; None for a street without positions."""
        if not self._points:
            return None
        points = np.array(self._points)
        distances_m = cdist(points, points)
        centre = int(distances_m.sum(axis=0).argmin())
        spread_m = float(np.sqrt((distances_m[centre] ** 2).mean() / 2))
        x_l72, y_l72 = self._points[centre]
        return Place(x_l72, y_l72, ADDRESS_STREET, max(STREET_ACCURACY_M, spread_m))

    def corner_with(self, other: Street) -> Place | None:
        """Between the closest addresses of two streets; None when these are too far apart to meet."""
        if not (self._points and other._points):
            return None
        distances_m = cdist(np.array(self._points), np.array(other._points))
        mine, theirs = np.unravel_index(int(distances_m.argmin()), distances_m.shape)
        if distances_m[mine, theirs] > _CORNER_MAX_M:
            return None
        return _along(self._points[int(mine)], other._points[int(theirs)], 0.5)

    def _neighbours(self, base: int) -> tuple[int | None, int | None]:
        same_side = [known for known in self._by_base if (known - base) % 2 == 0]
        below = max((known for known in same_side if known < base), default=None)
        above = min((known for known in same_side if known > base), default=None)
        return below, above

    def _interpolated(self, base: int) -> Place | None:
        below, above = self._neighbours(base)
        if below is not None and above is not None:
            start, end = _mean(self._by_base[below]), _mean(self._by_base[above])
            return _along(start, end, (base - below) / (above - below))
        nearest = below if above is None else above
        if nearest is None or abs(nearest - base) > _FARTHEST_BEYOND:
            return None
        return _one_place(self._by_base[nearest], ADDRESS_INTERPOLATED, 2 * INTERPOLATED_ACCURACY_M)


def base_number(number: str | None) -> int | None:
    """The number in a house number: 12 of "12A"."""
    match = _BASE.match(number or "")
    return int(match[0]) if match else None


def _mean(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _one_place(points: Sequence[Point], method: str, accuracy_m: float) -> Place | None:
    if len(points) == 1:
        return Place(*points[0], method, accuracy_m)
    x_l72, y_l72 = _mean(points)
    farthest_m = max(float(np.hypot(x - x_l72, y - y_l72)) for x, y in points)
    return None if farthest_m > _SAME_PLACE_M else Place(x_l72, y_l72, method, accuracy_m)


def _along(start: Point, end: Point, share: float) -> Place:
    gap_m = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    return Place(
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
        ADDRESS_INTERPOLATED,
        max(INTERPOLATED_ACCURACY_M, _GAP_SHARE * gap_m),
    )
