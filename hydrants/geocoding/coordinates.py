"""Given coordinates, recognised by their range and brought to Lambert 72.

Crews and phones hand in Lambert 72, Lambert 2008 or WGS84, with the axes in either
order, and now and then without the decimal point. In this region the ranges of the
three systems have nothing in common and x < y in each, so that a pair of numbers tells
by itself what it is; what file or profile declares only says whether that was expected.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyproj

from hydrants.reference.boundaries import LAMBERT_72
from hydrants.reference.degrees import SEXAGESIMAL
from hydrants.reference.region import LAMBERT_2008, REGIONS, WGS84

GIVEN_ACCURACY_M = 4.0
"""What a phone in the open reaches, per axis. The matcher estimates each firm's own."""

OUT_OF_RANGE = "out_of_range"
AXES_SWAPPED = "axes_swapped"
DECIMAL_POINT = "decimal_point"
DEGREES_MINUTES_SECONDS = "degrees_minutes_seconds"

_LOST_DIGITS = range(1, 13)
"""A lost decimal point multiplies by a power of ten: one per decimal that was written."""

Floats = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class _System(NamedTuple):
    """A coordinate system and the rectangle of the Westhoek in it, in its own unit."""

    crs: str
    method: str
    note: str  # what the log says when another system was declared
    x_range: tuple[float, float]
    y_range: tuple[float, float]


_SYSTEMS = (
    _System(LAMBERT_72, "given_l72", "lambert_72", *REGIONS[LAMBERT_72]),
    _System(LAMBERT_2008, "given_l2008", "lambert_2008", *REGIONS[LAMBERT_2008]),
    _System(WGS84, "given_wgs84", "wgs84", *REGIONS[WGS84]),
)
_READINGS = tuple(product(range(len(_SYSTEMS)), (False, True)))  # (system, are the axes swapped)


@lru_cache(maxsize=8)
def _to_l72(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(crs, LAMBERT_72, always_xy=True)


def recognise(first: Floats, second: Floats, declared: pd.Series[Any]) -> pd.DataFrame:
    """Bring pairs of numbers to Lambert 72, whatever system, order or scale they are in.

    Args:
        first, second: the two numbers of each record as given; NaN where there is none.
        declared: the system that file or profile declares, such as "EPSG:31370", or None; or
            `degrees.SEXAGESIMAL` where the pair was written in degrees, minutes and seconds.

    Returns:
        One row per pair, with the index of `declared`: x_l72, y_l72 (metres, NaN when the
        pair is not a place in the region), method (given_l72, given_l2008, given_wgs84 or
        None) and corrections (list: what had to be put right, or "out_of_range").
    """
    is_sexagesimal = (declared == SEXAGESIMAL).to_numpy()
    declared = declared.mask(is_sexagesimal, WGS84)
    reading, first_power, second_power = _read(first, second, declared.to_numpy())
    x_l72, y_l72 = np.full(len(first), np.nan), np.full(len(first), np.nan)
    first, second = first / 10.0**first_power, second / 10.0**second_power
    for number, (system, is_swapped) in enumerate(_READINGS):
        rows = np.flatnonzero(reading == number)
        x, y = (second[rows], first[rows]) if is_swapped else (first[rows], second[rows])
        crs = _SYSTEMS[system].crs
        x_l72[rows], y_l72[rows] = (x, y) if crs == LAMBERT_72 else _to_l72(crs).transform(x, y)
    is_rescaled = (first_power != 0) | (second_power != 0)
    given = ~(np.isnan(first) & np.isnan(second))
    methods = np.array([*(_SYSTEMS[system].method for system, _ in _READINGS), None], dtype=object)
    return pd.DataFrame(
        {
            "x_l72": x_l72,
            "y_l72": y_l72,
            "method": methods[reading],  # -1, not recognised, picks the last: None
            "corrections": pd.Series(
                [
                    ([DEGREES_MINUTES_SECONDS] if sexagesimal else [])
                    + _corrections(int(r), bool(rescaled), crs)
                    if is_given
                    else []
                    for r, rescaled, crs, is_given, sexagesimal in zip(
                        reading, is_rescaled, declared, given, is_sexagesimal, strict=True
                    )
                ],
                index=declared.index,
                dtype=object,
            ),
        },
        index=declared.index,
    )


def _corrections(reading: int, is_rescaled: bool, declared: str | None) -> list[str]:
    if reading < 0:
        return [OUT_OF_RANGE]
    system, is_swapped = _READINGS[reading]
    found = _SYSTEMS[system]
    notes = [AXES_SWAPPED] if is_swapped else []
    if isinstance(declared, str) and declared.upper() != found.crs:
        notes.append(found.note)
    if is_rescaled:
        notes.append(DECIMAL_POINT)
    return notes


def _read(first: Floats, second: Floats, declared: np.ndarray[Any, Any]) -> tuple[Any, Floats, Floats]:
    """Which of `_READINGS` each pair is (-1: none), and the powers of ten each number is too large by."""
    reading = np.full(len(first), -1)
    first_power, second_power = np.zeros(len(first)), np.zeros(len(first))
    for number in range(len(_READINGS)):
        fits_first, fits_second = _ranges(number)
        reading[_within(first, fits_first) & _within(second, fits_second)] = number
    is_number = np.isfinite(first) & np.isfinite(second) & (first > 0) & (second > 0)
    for row in np.flatnonzero((reading < 0) & is_number):
        found = _without_point(float(first[row]), float(second[row]), declared[row])
        if found is not None:
            reading[row], first_power[row], second_power[row] = found
    return reading, first_power, second_power


def _ranges(reading: int) -> tuple[tuple[float, float], tuple[float, float]]:
    system, is_swapped = _READINGS[reading]
    x_range, y_range = _SYSTEMS[system].x_range, _SYSTEMS[system].y_range
    return (y_range, x_range) if is_swapped else (x_range, y_range)


def _within(values: Floats, limits: tuple[float, float]) -> Mask:
    return (values >= limits[0]) & (values <= limits[1])


def _without_point(first: float, second: float, declared: str | None) -> tuple[int, int, int] | None:
    """The one way to put lost decimal points back that gives a place in the region, if there is one.

    A range lies within one decade, so each reading leaves at most one power per number. When
    several readings fit, equal powers win over unequal ones, then the declared system; a tie
    that remains is nobody's to break.
    """
    found: list[tuple[tuple[bool, bool], tuple[int, int, int]]] = []
    for number, (system, _) in enumerate(_READINGS):
        powers = [
            _power(value, limits) for value, limits in zip((first, second), _ranges(number), strict=True)
        ]
        if powers[0] is not None and powers[1] is not None:
            rank = (powers[0] != powers[1], _SYSTEMS[system].crs != declared)
            found.append((rank, (number, powers[0], powers[1])))
    found.sort()
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


def _power(value: float, limits: tuple[float, float]) -> int | None:
    for power in (0, *_LOST_DIGITS):
        if limits[0] <= value / 10**power <= limits[1]:
            return power
    return None
