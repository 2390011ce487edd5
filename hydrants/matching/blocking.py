"""Which hydrants a record could be about at all: like its number, near its position, or near its address.

A record whose number and position agree needs no other candidates. Of the others, the
neighbours are looked at first; all the register is searched for a like number only for a
record that no neighbour explains, since most mistyped numbers that are valid elsewhere
belong to the hydrant at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrants.matching.frames import BoolArray, FloatArray, Hydrants, IntArray, Records, apart_m, distinct
from hydrants.matching.identifiers import (
    NO_NUMBER,
    SAME,
    UNLIKE,
    pairs_with_equal_number,
    pairs_within_one_slip,
    slips_between,
)
from hydrants.matching.parameters import Parameters

NEAREST = 8
_PLAIN_SIGMAS = 2.5
"""Within this the place speaks less for any neighbour than a right number speaks against it."""

_ADDRESS_RADIUS_SIGMAS = 4.0
_STRIP_M = 64.0

_Found = tuple[IntArray, IntArray]


@dataclass(frozen=True)
class Pairs:
    """Candidates: positions in records and hydrants, distinct; those of one record ordered by hydrant.

    Attributes:
        distance_m: from the given position to the hydrant; NaN for a record without position.
        slips: between the numbers: 0, 1, 2, `UNLIKE` for more, `NO_NUMBER` when either has none.
    """

    record: IntArray
    hydrant: IntArray
    distance_m: FloatArray
    slips: IntArray

    def __len__(self) -> int:
        return len(self.record)

    def where(self, keep: BoolArray) -> Pairs:
        """Those to keep."""
        return Pairs(self.record[keep], self.hydrant[keep], self.distance_m[keep], self.slips[keep])

    def and_(self, others: Pairs) -> Pairs:
        """These and others, which speak of other records."""
        return Pairs(
            np.concatenate([self.record, others.record]),
            np.concatenate([self.hydrant, others.hydrant]),
            np.concatenate([self.distance_m, others.distance_m]),
            np.concatenate([self.slips, others.slips]),
        )


def numbered_pairs(records: Records, hydrants: Hydrants) -> Pairs:
    """Pair each record with the hydrants that have its very number."""
    written = np.flatnonzero(records.number.known)
    at, at_numbered = pairs_with_equal_number(records.number.texts[written], hydrants.by_number)
    record, hydrant = written[at], hydrants.numbered[at_numbered]
    distance_m = apart_m(records.place, record, hydrants.place, hydrant)
    return Pairs(record, hydrant, distance_m, np.full(len(record), SAME))


def candidate_pairs(records: Records, hydrants: Hydrants, numbered: Pairs, p: Parameters) -> Pairs:
    """Pair each record with the registered hydrants it could be.

    Args:
        numbered: what `numbered_pairs` gives for the two.
        p: of which the noise of positions sets how far to look.
    """
    is_plain = _is_plain(len(records), numbered, p)
    plain = numbered.where(is_plain[numbered.record])
    if not len(hydrants):
        return plain
    asked = np.flatnonzero(~is_plain)
    of_asked = numbered.where(~is_plain[numbered.record])
    found = [(of_asked.record, of_asked.hydrant), *_neighbours(records, hydrants, asked, p)]
    near = _compared(records, hydrants, found)
    is_unexplained = records.number.known & ~is_plain
    is_unexplained[near.record[_explains(near, p)]] = False
    unexplained = np.flatnonzero(is_unexplained)
    at, at_numbered = pairs_within_one_slip(records.number.texts[unexplained], hydrants.by_number)
    if at.size:
        theirs = near.where(is_unexplained[near.record])
        alike = (unexplained[at], hydrants.numbered[at_numbered])
        theirs = _compared(records, hydrants, [(theirs.record, theirs.hydrant), alike])
        near = near.where(~is_unexplained[near.record]).and_(theirs)
    return plain.and_(near)


def _is_plain(count: int, numbered: Pairs, p: Parameters) -> BoolArray:
    """Whether a record has the number of one hydrant only, and stands at it."""
    is_at = numbered.distance_m <= _PLAIN_SIGMAS * p.sigma_m
    is_plain = np.zeros(count, bool)
    is_plain[numbered.record[is_at]] = True
    return is_plain & (np.bincount(numbered.record, minlength=count) == 1)


def _explains(pairs: Pairs, p: Parameters) -> BoolArray:
    """Pairs that leave no reason to look farther: a like number, no farther than its error explains."""
    is_same, is_alike = pairs.slips == SAME, (pairs.slips > SAME) & (pairs.slips < UNLIKE)
    return (is_same & (pairs.distance_m <= p.gross_to_m)) | (is_alike & (pairs.distance_m <= p.reach_m))


def _neighbours(records: Records, hydrants: Hydrants, asked: IntArray, p: Parameters) -> list[_Found]:
    by_place = asked[records.has_place[asked]]
    by_address = asked[records.has_address[asked]]
    reach_m = _ADDRESS_RADIUS_SIGMAS * records.address_accuracy_m[by_address]
    return [
        _near(hydrants, by_place, records.place[by_place], np.full(len(by_place), p.reach_m)),
        _near(hydrants, by_address, records.address[by_address], reach_m),
    ]


def _near(hydrants: Hydrants, asked: IntArray, place: FloatArray, radius_m: FloatArray) -> _Found:
    """The `NEAREST` hydrants of each place that lie within its own radius."""
    if not asked.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    # neighbouring queries walk the same branches of the tree: more than twice as fast
    order = _by_strips(place)
    distance_m, hydrant = hydrants.tree.query(
        place.take(order, axis=0),
        k=np.arange(1, min(NEAREST, len(hydrants)) + 1),
        distance_upper_bound=np.nextafter(radius_m.max(), np.inf),
    )
    keep = distance_m <= radius_m[order, None]
    return np.repeat(asked[order], keep.sum(axis=1)), hydrant[keep]


def _by_strips(place: FloatArray) -> IntArray:
    """An order along strips from west to east, one after another from south to north."""
    x, y = place.T
    strip, along = np.floor((y - y.min()) / _STRIP_M), np.floor(x - x.min())
    # one number to sort by instead of two: a third of the time
    return np.argsort(strip * (along.max() + 1) + along)


def _compared(records: Records, hydrants: Hydrants, found: list[_Found]) -> Pairs:
    """The distinct ones of all that was found, with distance and slips."""
    key = distinct(np.concatenate([record * len(hydrants) + hydrant for record, hydrant in found]))
    record, hydrant = np.divmod(key, len(hydrants))
    slips = np.full(len(record), NO_NUMBER)
    both = np.flatnonzero(records.number.known[record] & hydrants.number.known[hydrant])
    slips[both] = slips_between(records.number.texts[record[both]], hydrants.number.texts[hydrant[both]])
    return Pairs(record, hydrant, apart_m(records.place, record, hydrants.place, hydrant), slips)
