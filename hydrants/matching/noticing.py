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
from hydrants.matching.frames import BoolArray, FloatArray, Hydrants, Records, length_m

_ENOUGH_NUMBERS = 5
_ENOUGH_POSITIONS = 50
_ENOUGH_OUTSIDE = 10
_AT_LEAST_M = 20.0
_SAMPLE = 2_000
_LOOK_AROUND_M = 250.0
_MOST_AROUND = 64  # hydrants around a place
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

    A source that is too small to tell by itself is judged with the others that are: a register that moved
    shows in all of them.

    Args:
        numbered: pairs of equal numbers.

    Returns:
        The findings, and per record whether its source has one.
    """
    evidence = _Evidence(records, hydrants, numbered)
    found, small = [], []
    for source in range(records.source.max(initial=-1) + 1):
        # a file that was sent again, corrected, is nobody's concern
        mine = (records.source == source) & records.is_current
        finding = _elsewhere(source, records.is_outside[mine])
        if finding is None:
            shift = evidence.shift(mine)
            finding = shift.finding(source, mine) if shift and shift.is_one else None
            if shift is None:
                small.append(source)
        if finding is not None:
            found.append(finding)
    together = evidence.shift(np.isin(records.source, small) & records.is_current)
    if together is not None and together.is_one:
        of_small = [(source, (records.source == source) & records.is_current) for source in small]
        found += [
            together.finding(source, mine) for source, mine in of_small if evidence.fits(mine, together)
        ]
    found.sort(key=lambda one: one.source)
    is_amiss = np.isin(records.source, [one.source for one in found])
    return tuple(found), is_amiss


def _elsewhere(source: int, is_outside: BoolArray) -> Finding | None:
    if len(is_outside) < _ENOUGH_OUTSIDE:
        return None
    share = float(is_outside.mean())
    return Finding(Amiss.ELSEWHERE, source, len(is_outside), share) if share > _OUTSIDE_SHARE else None


@dataclass(frozen=True)
class _Shift:
    """One offset that some share of the positions have to the register."""

    east_m: float
    north_m: float
    share: float
    is_one: bool  # and not noise about nought, nor the spacing of a street

    def finding(self, source: int, mine: BoolArray) -> Finding:
        return Finding(Amiss.SHIFTED, source, int(mine.sum()), self.share, self.east_m, self.north_m)


class _Evidence:
    """Offsets of records to the hydrants whose number they alone have, else of positions to any hydrant."""

    def __init__(self, records: Records, hydrants: Hydrants, numbered: Pairs) -> None:
        self._records, self._hydrants = records, hydrants
        times = np.bincount(numbered.record, minlength=len(records))
        sure = numbered.where((times == 1)[numbered.record] & np.isfinite(numbered.distance_m))
        self._record = sure.record
        self._offset = records.place.take(sure.record, axis=0) - hydrants.place.take(sure.hydrant, axis=0)

    def shift(self, mine: BoolArray) -> _Shift | None:
        """What these records tell; None when they are too few to tell anything."""
        offset = self._offset[mine[self._record]]
        if len(offset) >= _ENOUGH_NUMBERS:
            centre = np.median(offset, axis=0)
            agrees = _apart_m(offset, centre) <= _AGREE_M
            share = float(agrees.mean())
            if agrees.any():
                centre = np.array([column[agrees].mean() for column in offset.T])
            return _Shift(
                float(centre[0]), float(centre[1]), share, _is_far(centre) and share >= _AGREEING_SHARE
            )
        places = self._records.place[mine & self._records.has_place]
        if len(places) < _ENOUGH_POSITIONS or not len(self._hydrants):
            return None
        places = places[:: max(1, len(places) // _SAMPLE)]
        offset = _offsets_around(places, self._hydrants)
        if not len(offset):
            return None
        centre = _densest(offset)
        agrees = _apart_m(offset, centre) <= _AGREE_M
        centre = offset[agrees].mean(axis=0)
        share, here = self._at_hydrant(places - centre), self._at_hydrant(places)
        # along a street with even spacing, a shift by one hydrant fits nearly as well as none
        is_one = _is_far(centre) and share >= _AGREEING_SHARE and here <= share / 2
        return _Shift(float(centre[0]), float(centre[1]), share, is_one)

    def fits(self, mine: BoolArray, shift: _Shift) -> bool:
        """Whether these few records have that offset, as far as they can tell."""
        offset = self._offset[mine[self._record]]
        centre = np.array([shift.east_m, shift.north_m])
        if len(offset):
            return bool(np.median(_apart_m(offset, centre)) <= _AGREE_M)
        places = self._records.place[mine & self._records.has_place]
        return bool(len(places)) and self._at_hydrant(places - centre) > self._at_hydrant(places)

    def _at_hydrant(self, places: FloatArray) -> float:
        """The share of the places that have a hydrant right there."""
        return float((self._hydrants.tree.query(places)[0] <= _AGREE_M).mean())


def _is_far(offset: FloatArray) -> bool:
    return bool(np.hypot(*offset) >= _AT_LEAST_M)


def _apart_m(offset: FloatArray, centre: FloatArray) -> FloatArray:
    return length_m(offset[:, 0] - centre[0], offset[:, 1] - centre[1])


def _offsets_around(places: FloatArray, hydrants: Hydrants) -> FloatArray:
    """From every hydrant around each place to that place: the true offset recurs, all others differ."""
    apart_m, hydrant = hydrants.tree.query(
        places, k=np.arange(1, min(_MOST_AROUND, len(hydrants)) + 1), distance_upper_bound=_LOOK_AROUND_M
    )
    which, near = np.nonzero(np.isfinite(apart_m))
    return places[which] - hydrants.place[hydrant[which, near]]


def _densest(offset: FloatArray) -> FloatArray:
    """The middle of the most crowded cell of a grid over the offsets."""
    cell = ((offset + _LOOK_AROUND_M) / _CELL_M).astype(np.int64)
    across = int(2 * _LOOK_AROUND_M / _CELL_M) + 2
    densest = np.bincount(cell[:, 0] * across + cell[:, 1]).argmax()
    return np.array([densest // across, densest % across]) * _CELL_M + _CELL_M / 2 - _LOOK_AROUND_M
