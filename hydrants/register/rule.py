"""The refresh rule: what an export changes in the register.

- The supplier's number is sought among the operator's active hydrants; without
  numbers, the place is, within `MOVED_M`.
- Found more than once, or twice in the export: the row is rejected.
- Not found: new (or returned, when it was there before).
- Found, moved at most `MOVED_M`, same attributes: unchanged. Farther: its
  coordinates are to be checked. Other attributes: those are.
- Absent: removed, but only within the gemeenten the export declares to cover.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from hydrants import reference
from hydrants.register.profile import ATTRIBUTES, reject

MOVED_M = 0.3
_SEARCH_M = MOVED_M + 0.0005  # distances are compared in whole millimetres


class Changes(NamedTuple):
    """What to write.

    Args:
        rows: every row of the export with its `reason` (rejected) or its `hydrant_id`,
            `change` (added, unchanged, moved, changed), `is_new_hydrant` (an id never seen
            before), `to_check` and, where a state ends by it, `old_state_id`.
        removed: hydrant_state_id of the hydrants that are gone.
    """

    rows: pd.DataFrame
    removed: list[int]


def compare(
    rows: pd.DataFrame,
    active: pd.DataFrame,
    inactive: pd.DataFrame,
    operator: str,
    scope: Iterable[str],
    *,
    has_ids: bool,
) -> Changes:
    """Hold an export against the register, by the rule above.

    Args:
        rows: the export, by row number: reason, supplier_id, nis, x_l72, y_l72 and attributes.
        active: the operator's active hydrants: hydrant_state_id, hydrant_id, and the same columns.
        inactive: its removed hydrants: hydrant_id, supplier_id and last x_l72, y_l72.
        operator: key of the water company.
        scope: NIS codes that the export covers completely.
        has_ids: whether the operator numbers its hydrants.
    """
    rows = rows.copy()
    for name in ("hydrant_id", "change", "to_check"):
        rows[name] = pd.Series(None, index=rows.index, dtype="object")
    rows["old_state_id"] = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    if has_ids:
        number = rows["supplier_id"].astype("object")
        twice = number.duplicated(keep=False) & number.notna()
        reject(rows, twice, "nummer " + number + " staat meer dan eens in de export")
    else:
        reject(rows, _crowded(rows), f"staat binnen {MOVED_M} m van een andere rij van de export")

    place = _find(rows, rows["reason"].isna(), active, has_ids=has_ids)
    is_found = place >= 0
    was_there = _find(rows, rows["reason"].isna() & ~is_found, inactive, has_ids=has_ids)
    returns = was_there >= 0
    rows["is_new_hydrant"] = rows["reason"].isna() & ~is_found & ~returns

    rows.loc[returns, "hydrant_id"] = inactive["hydrant_id"].to_numpy()[was_there[returns].to_numpy()]
    fresh = rows.loc[rows["is_new_hydrant"], ["supplier_id", "x_l72", "y_l72"]]
    rows.loc[fresh.index, "hydrant_id"] = [
        reference.hydrant_id(operator, supplier_id if has_ids else None, x, y)
        for supplier_id, x, y in fresh.itertuples(index=False)
    ]
    rows.loc[rows["is_new_hydrant"] | returns, "change"] = "added"
    if is_found.any():
        before = active.take(place.clip(lower=0).to_numpy()).set_axis(rows.index)
        _judge_found(rows, before, is_found)
    return Changes(rows, _absent(rows, active, set(scope), has_ids=has_ids))


def _judge_found(rows: pd.DataFrame, before: pd.DataFrame, is_found: pd.Series) -> None:
    moved_m = np.hypot(rows["x_l72"] - before["x_l72"], rows["y_l72"] - before["y_l72"]).round(3)
    is_same = rows["nis"] == before["nis"]  # other boundaries move a hydrant to another gemeente
    asks_check = pd.Series(False, index=rows.index)
    for name in ATTRIBUTES:
        both_empty = rows[name].isna() & before[name].isna()
        asks_check |= ~(both_empty | (rows[name] == before[name]))
    has_moved = is_found & (moved_m > MOVED_M)
    has_changed = is_found & ~has_moved & (asks_check | ~is_same)
    rows.loc[is_found, "hydrant_id"] = before.loc[is_found, "hydrant_id"]
    rows.loc[is_found, "change"] = "unchanged"
    rows.loc[has_changed, "change"] = "changed"
    rows.loc[has_moved, "change"] = "moved"
    rows.loc[has_changed & asks_check, "to_check"] = "attributes"
    rows.loc[has_moved, "to_check"] = "coordinates"
    ends = has_moved | has_changed
    rows.loc[ends, "old_state_id"] = before.loc[ends, "hydrant_state_id"]


def _find(rows: pd.DataFrame, sought: pd.Series, register: pd.DataFrame, *, has_ids: bool) -> pd.Series:
    """Position in `register` of each sought row's hydrant, else -1; what is ambiguous is rejected."""
    if register.empty or not sought.any():
        return pd.Series(-1, index=rows.index, dtype="int64")
    find = _find_by_id if has_ids else _find_by_place
    found, is_ambiguous = find(rows[sought], register)
    reject(
        rows,
        is_ambiguous.reindex(rows.index, fill_value=False),
        "meer dan een hydrant komt ervoor in aanmerking",
    )
    return found.mask(is_ambiguous, -1).reindex(rows.index, fill_value=-1)


def _find_by_id(rows: pd.DataFrame, register: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    number = register["supplier_id"]
    is_twice = number.duplicated(keep=False).to_numpy()
    position = pd.Series(np.arange(len(register)), index=number.to_numpy(dtype="object"))
    found = rows["supplier_id"].map(position[~is_twice]).astype("Float64").fillna(-1).astype("int64")
    return found, rows["supplier_id"].isin(number[is_twice])


def _find_by_place(rows: pd.DataFrame, register: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    near = cKDTree(_points(rows)).sparse_distance_matrix(
        cKDTree(_points(register)), _SEARCH_M, output_type="ndarray"
    )
    near = near[np.round(near["v"], 3) <= MOVED_M]
    # neither two hydrants for one row, nor two rows for one hydrant
    is_shared = (np.bincount(near["i"], minlength=1)[near["i"]] > 1) | (
        np.bincount(near["j"], minlength=1)[near["j"]] > 1
    )
    found = np.full(len(rows), -1)
    found[near["i"]] = near["j"]
    is_ambiguous = np.zeros(len(rows), dtype=bool)
    is_ambiguous[near["i"][is_shared]] = True
    return pd.Series(found, index=rows.index), pd.Series(is_ambiguous, index=rows.index)


def _points(frame: pd.DataFrame) -> np.ndarray:
    return frame[["x_l72", "y_l72"]].to_numpy(dtype="float64")


def _crowded(rows: pd.DataFrame) -> pd.Series:
    """Rows that lie within `MOVED_M` of another row of the same export."""
    usable = rows[rows["reason"].isna()]
    if len(usable) < 2:
        return pd.Series(False, index=rows.index)
    points = _points(usable)
    distance_m, _ = cKDTree(points).query(points, k=2, distance_upper_bound=_SEARCH_M)
    crowded = pd.Series(np.round(distance_m[:, 1], 3) <= MOVED_M, index=usable.index)
    return crowded.reindex(rows.index, fill_value=False)


def _absent(rows: pd.DataFrame, active: pd.DataFrame, scope: set[str], *, has_ids: bool) -> list[int]:
    """States of hydrants in scope of which the export says nothing, not even in a rejected row."""
    in_scope = active[active["nis"].isin(scope)]
    if has_ids:
        is_there = in_scope["supplier_id"].isin(rows["supplier_id"].dropna()).to_numpy()
    else:
        points = _points(rows.dropna(subset=["x_l72", "y_l72"]))
        is_there = np.zeros(len(in_scope), dtype=bool)
        if len(points) and len(in_scope):
            distance_m, _ = cKDTree(points).query(_points(in_scope))
            is_there = np.round(distance_m, 3) <= MOVED_M
    return [int(key) for key in in_scope.loc[~is_there, "hydrant_state_id"]]
