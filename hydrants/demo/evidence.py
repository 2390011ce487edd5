"""What a careful person needs to tell which hydrant a row is about.

The demo promises that every row its truth links can be resolved. This is what the promise
means, written without a view to any matching method.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.demo.inspections import Bools
from hydrants.demo.world import Floats, Ints

NEAR_M = 12.0
"""An honest position is no farther than this from its hydrant."""
MARGIN_M = 12.0
"""By position alone: every other hydrant is at least this much farther away."""
TYPED_NEAR_M, TYPED_MARGIN_M = 8.0, 5.0
"""The same when every closer neighbour is of another type than the row says."""
LOOKALIKE_M = 60.0
"""Within this distance no other hydrant's number resembles the written one."""
TAKEN_NUMBER_M = 350.0
"""A mistyped number that is another hydrant's: that one is out of reach of a gross error."""
ADDRESS_NEAR_M, ADDRESS_MARGIN_M = 15.0, 40.0
"""By address alone: the house is this near, every other hydrant this much farther from the house."""
ADDRESS_TYPO_NEAR_M, ADDRESS_LOOKALIKE_M = 25.0, 200.0
"""By address and a mistyped number."""
ASTRAY_M = 120.0
"""A wrong position without a number must be this wrong, and near no hydrant, to be seen to be wrong."""
NOWHERE_M = 25.0

_NEIGHBOURS = 8
_DIGITS = 10 ** np.arange(7, dtype=np.int64)


def is_one_edit(written: Ints, valid: Ints) -> Bools:
    """Whether two numbers differ by one digit replaced, dropped, added, or two neighbours swapped.

    Args:
        written: numbers of 6 or 7 digits (0: none); `valid`: numbers of 7 digits. Equal length.

    Returns:
        True where they are one edit apart; False where they are equal.
    """
    a = written[:, None] // _DIGITS % 10
    b = valid[:, None] // _DIGITS % 10
    differs = a != b
    count = differs.sum(axis=1)
    first = np.argmax(differs, axis=1)
    second = np.minimum(first + 1, 6)
    row = np.arange(len(a))
    is_swap = (count == 2) & (a[row, first] == b[row, second]) & (a[row, second] == b[row, first])
    is_dropped = np.zeros(len(a), dtype=bool)
    for power in _DIGITS:
        without = valid // (power * 10) * power + valid % power
        is_dropped |= without == written
    is_long = written >= _DIGITS[6]
    return np.where(is_long, (count == 1) | is_swap, is_dropped & (written > 0))


class Neighbourhood:
    """The registered hydrants as somebody with the registers sees them."""

    def __init__(self, hydrants: pd.DataFrame) -> None:
        self.xy: Floats = hydrants[["x_l72", "y_l72"]].to_numpy()
        self.number: Ints = hydrants["supplier_id"].to_numpy()
        self.hydrant_type: Ints = hydrants["hydrant_type"].to_numpy()
        self.tree = cKDTree(self.xy)
        self._by_number = np.argsort(self.number, kind="stable")

    def distance_m(self, xy: Floats, hydrant: Ints) -> Floats:
        """From each point to the given hydrant; NaN where either is missing."""
        result: Floats = np.hypot(*(xy - self.xy[hydrant]).T)
        return result

    def owner(self, number: Ints) -> Ints:
        """The hydrant that has this number; -1 where none has."""
        in_order = self.number[self._by_number]
        at = np.minimum(np.searchsorted(in_order, number), len(in_order) - 1)
        return np.where((number > 0) & (in_order[at] == number), self._by_number[at], -1)

    def margin_m(self, xy: Floats, hydrant: Ints) -> Floats:
        """How much farther off than this hydrant the nearest other one is; NaN without a point."""
        result = np.full(len(xy), np.nan)
        here = np.flatnonzero(np.isfinite(xy[:, 0]))
        if len(here):
            distance, number = self.tree.query(xy[here], k=2)
            other = np.where(number[:, 0] == hydrant[here], distance[:, 1], distance[:, 0])
            result[here] = other - self.distance_m(xy[here], hydrant[here])
        return result

    def is_clear_by_type(self, xy: Floats, hydrant: Ints, hydrant_type: Ints) -> Bools:
        """Whether every neighbour not MARGIN_M farther off is of another type and TYPED_MARGIN_M farther."""
        result = np.zeros(len(xy), dtype=bool)
        is_asked = np.isfinite(xy[:, 0]) & (hydrant_type > 0) & (hydrant_type == self.hydrant_type[hydrant])
        here = np.flatnonzero(is_asked)
        if not len(here):
            return result
        distance, number = self.tree.query(xy[here], k=min(_NEIGHBOURS, len(self.xy)))
        own = self.distance_m(xy[here], hydrant[here])[:, None]
        types = self.hydrant_type[number]
        is_told_apart = (
            (types > 0) & (types != hydrant_type[here][:, None]) & (distance >= own + TYPED_MARGIN_M)
        )
        is_clear = (number == hydrant[here][:, None]) | (distance >= own + MARGIN_M) | is_told_apart
        saw_all = distance[:, -1] >= own[:, 0] + MARGIN_M
        result[here] = is_clear.all(axis=1) & saw_all & (own[:, 0] <= TYPED_NEAR_M)
        return result

    def has_lookalike(self, xy: Floats, hydrant: Ints, number: Ints, radius_m: float) -> Bools:
        """Whether another hydrant within the radius has this number, or one that is an edit away."""
        result = np.zeros(len(xy), dtype=bool)
        here = np.flatnonzero(np.isfinite(xy[:, 0]) & (number > 0))
        for part in np.array_split(here, max(1, len(here) // 50_000)):
            if not len(part):
                continue
            found = self.tree.query_ball_point(xy[part], radius_m)
            row = np.repeat(part, [len(one) for one in found])
            other = np.concatenate([np.asarray(one, dtype=np.int64) for one in found])
            is_alike = is_one_edit(number[row], self.number[other]) | (number[row] == self.number[other])
            result[row[is_alike & (other != hydrant[row])]] = True
        return result


def is_resolvable(rows: pd.DataFrame, around: Neighbourhood) -> Bools:
    """Whether a careful person with the row, the registers and the address list knows the hydrant.

    It is enough that one of these holds:

    * the row has the hydrant's exact number, and its position (if any) is honest or, where it is
      grossly wrong, no hydrant near that wrong place has a number that resembles the written one;
    * the number is one edit off, the position is honest, no hydrant near it has a number that
      resembles the written one, and if the written number is another hydrant's, that one is far off;
    * the number is one edit off, there is no position or a wrong one near no hydrant, and the address
      leads to the hydrant: clearly by itself, or (without a position) the house is near and
      no hydrant in the neighbourhood has a number that resembles the written one;
    * there is no number, the position is honest, and every other hydrant is clearly farther off,
      or else not as far but of another type than the row says;
    * there is no number, there is no position or one far astray and near no hydrant, and the
      address alone leads clearly to the hydrant.

    Args:
        rows: hydrant (position in the register frame), number (0: none), x_l72, y_l72 (NaN: none),
            house_x_l72, house_y_l72 (the house that the address text names, where the list has
            exactly one of that street and number in the gemeente and knows where it is; else NaN),
            hydrant_type (0: not said).
    """
    hydrant = rows["hydrant"].to_numpy()
    number = rows["number"].to_numpy()
    xy = rows[["x_l72", "y_l72"]].to_numpy()
    house = rows[["house_x_l72", "house_y_l72"]].to_numpy()
    valid = around.number[hydrant]
    has_point = np.isfinite(xy[:, 0])
    is_exact = (number > 0) & (number == valid)
    is_typo = is_one_edit(number, valid) & (valid > 0)
    has_none = number == 0

    distance = around.distance_m(xy, hydrant)
    margin = around.margin_m(xy, hydrant)
    is_honest = has_point & (distance <= NEAR_M)
    is_nowhere = has_point & (around.tree.query(np.nan_to_num(xy))[0] >= NOWHERE_M)
    house_distance = around.distance_m(house, hydrant)
    leads_clearly = (house_distance <= ADDRESS_NEAR_M) & (around.margin_m(house, hydrant) >= ADDRESS_MARGIN_M)

    resembles = np.ones(len(rows), dtype=bool)
    ask = np.flatnonzero(is_typo | (is_exact & has_point & ~is_honest))
    resembles[ask] = around.has_lookalike(xy[ask], hydrant[ask], number[ask], LOOKALIKE_M)
    owner = around.owner(number)
    owner_distance = np.hypot(*(around.xy[owner] - np.where(has_point[:, None], xy, around.xy[hydrant])).T)
    is_taken_near = (owner >= 0) & (owner != hydrant) & (owner_distance <= TAKEN_NUMBER_M)

    by_number = is_exact & (~has_point | is_honest | ~resembles)
    by_typo = is_typo & is_honest & ~resembles & ~is_taken_near
    typo_house = np.zeros(len(rows), dtype=bool)
    ask = np.flatnonzero(is_typo & ~has_point & (house_distance <= ADDRESS_TYPO_NEAR_M))
    typo_house[ask] = ~around.has_lookalike(house[ask], hydrant[ask], number[ask], ADDRESS_LOOKALIKE_M)
    by_typo_and_house = (
        is_typo & ~is_taken_near & np.where(has_point, leads_clearly & is_nowhere & ~resembles, typo_house)
    )
    by_place = has_none & is_honest & (margin >= MARGIN_M)
    ask = np.flatnonzero(has_none & is_honest & ~by_place)
    by_place[ask] = around.is_clear_by_type(xy[ask], hydrant[ask], rows["hydrant_type"].to_numpy()[ask])
    is_astray = ~has_point | ((distance > ASTRAY_M) & is_nowhere)
    by_house = has_none & leads_clearly & is_astray
    result: Bools = by_number | by_typo | by_typo_and_house | by_place | by_house
    return result
