"""What is wrong with a whole file of positions, and not with one of its records.

A datum shift left out puts every position 104 m beside its hydrant, a wrong coordinate
system hundreds of metres; a file in another gemeente's folder lies elsewhere altogether.
Each record alone then looks like a gross error, or matches the hydrant next door.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from hydrants.matching.blocking import Pairs
from hydrants.matching.frames import BoolArray, FloatArray, Hydrants, Records

_ENOUGH_NUMBERS = 10
_ENOUGH_POSITIONS = 50
_AT_LEAST_M = 20.0
_SAMPLE = 2_000
_LOOK_AROUND_M = 250.0
_CELL_M = 5.0
_AGREE_M = 15.0
_AGREEING_SHARE = 0.5
_OUTSIDE_SHARE = 0.5


class Amiss(StrEnum):
    """What can be wrong with a file as a whole."""

    SHIFTED = "SHIFTED"
    ELSEWHERE = "ELSEWHERE"


@dataclass(frozen=True)
class Finding:
    """Something wrong with all records of one source.

    Attributes:
        what: which.
        source: number of the source, in the order of its first record.
        records: how many there are.
        east_m, north_m: the offset from the register, for `SHIFTED`.
        share: of the records that show it.
    """

    what: Amiss
    source: int
    records: int
    share: float
    east_m: float = 0.0
    north_m: float = 0.0


def findings(records: Records, hydrants: Hydrants, numbered: Pairs) -> tuple[tuple[Finding, ...], BoolArray]:
    """What is wrong with the sources of a batch.

    Args:
        numbered: pairs of equal numbers.

    Returns:
        The findings, and per record whether its source has one.
    """
    is_amiss, found = np.zeros(len(records), bool), []
    offset = records.place[numbered.record] - hydrants.place[numbered.hydrant]
    is_measured = np.isfinite(offset).all(axis=1)
    for source in range(records.source.max(initial=-1) + 1):
        mine = records.source == source
        current = mine & records.is_current  # a file that was sent again, corrected, is nobody's concern
        by_number = offset[is_measured & current[numbered.record]]
        finding = _elsewhere(source, records.is_outside[current]) or _shift(
            source, records.place[current], hydrants, by_number
        )
        if finding is not None:
            found.append(finding)
            is_amiss |= mine
    return tuple(found), is_amiss


def _elsewhere(source: int, is_outside: BoolArray) -> Finding | None:
    if len(is_outside) < _ENOUGH_NUMBERS:
        return None
    share = float(is_outside.mean())
    if share <= _OUTSIDE_SHARE:
        return None
    return Finding(Amiss.ELSEWHERE, source, len(is_outside), share)


def _shift(source: int, places: FloatArray, hydrants: Hydrants, by_number: FloatArray) -> Finding | None:
    """One offset that most of the positions have to the register, if it is not nought."""
    records = len(places)
    if len(by_number) >= _ENOUGH_NUMBERS:
        offset, of = by_number, len(by_number)
        centre = np.median(offset, axis=0)
    else:
        places = places[np.isfinite(places).all(axis=1)]
        if len(places) < _ENOUGH_POSITIONS or not len(hydrants):
            return None
        places = places[:: max(1, len(places) // _SAMPLE)]
        offset, of = _offsets_around(places, hydrants), len(places)
        if not len(offset):
            return None
        centre = _densest(offset)
    agrees = np.hypot(*(offset - centre).T) <= _AGREE_M
    share = float(agrees.sum() / of)
    east_m, north_m = offset[agrees].mean(axis=0) if agrees.any() else centre
    if np.hypot(east_m, north_m) < _AT_LEAST_M or share < _AGREEING_SHARE:
        return None
    return Finding(Amiss.SHIFTED, source, records, share, float(east_m), float(north_m))


def _offsets_around(places: FloatArray, hydrants: Hydrants) -> FloatArray:
    """From every hydrant around each place to that place: the true offset recurs, all others differ."""
    around = hydrants.tree.query_ball_point(places, _LOOK_AROUND_M)
    count = np.array([len(one) for one in around])
    hydrant = np.fromiter((h for one in around for h in one), np.int64, count.sum())
    return np.repeat(places, count, axis=0) - hydrants.place[hydrant]


def _densest(offset: FloatArray) -> FloatArray:
    """The middle of the most crowded cell of a grid over the offsets."""
    cell = ((offset + _LOOK_AROUND_M) / _CELL_M).astype(np.int64)
    across = int(2 * _LOOK_AROUND_M / _CELL_M) + 2
    densest = np.bincount(cell[:, 0] * across + cell[:, 1]).argmax()
    return np.array([densest // across, densest % across]) * _CELL_M + _CELL_M / 2 - _LOOK_AROUND_M
