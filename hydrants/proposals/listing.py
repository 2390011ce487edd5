"""One line for each place where crews saw a hydrant that no register has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.spatial import cKDTree

from hydrants import reference, register
from hydrants.proposals.same_hydrant import same_hydrant
from hydrants.proposals.sightings import sightings

COLUMNS = (
    "proposal_key",
    "operator",
    "nis",
    "gemeente",
    "street",
    "x_l72",
    "y_l72",
    "spread_m",
    "visits",
    "first_inspected_on",
    "last_inspected_on",
    "contractors",
    "numbers",
    "numbers_beside",
    "hydrant_type",
    "diameter_mm",
    "is_decided",
    "is_confirmed",
    "is_outside_gemeente",
    "nearest_hydrant_id",
    "distance_m",
    "rows",
)
BESIDE_M = 20.0
_KEY_DIGITS = 10
_ROW = ("file", "sheet", "row", "sha256", "contractor", "inspected_on", "outcome", "hydrant_ref")
_AS_SURE = 2.0  # a place this many times less sure than the best one only blurs it


def places(connection: sa.Connection, operator: str | None = None, nis: str | None = None) -> pd.DataFrame:
    """Every place where a record saw a hydrant that no register has.

    Returns:
        One row per place, by operator, gemeente, street and key:

        - proposal_key: the same as long as the earliest of its records is, whatever file it comes in;
        - operator: whose hydrant it would be by contract; in a gemeente of two, the nearest hydrant's; None
          where neither tells;
        - nis, gemeente, street (else the words of the crew; None for none);
        - x_l72, y_l72: median of the surest positions, metres (NaN for a decided row without a place);
        - spread_m: from there to the farthest of its positions;
        - visits: distinct days of distinct firms; first_inspected_on, last_inspected_on;
        - contractors, numbers (as written), numbers_beside (of other places within `BESIDE_M`: side by side,
          or one of which a number was miswritten): sorted lists;
        - hydrant_type, diameter_mm: seen most, None or NaN for none;
        - is_decided, is_confirmed (by two visits, or by a person's decision);
        - is_outside_gemeente (some record lies well outside its gemeente);
        - nearest_hydrant_id and its distance_m: of those registered now;
        - rows: list of file, sheet, row, sha256, contractor, inspected_on, outcome, hydrant_ref.

    Raises:
        ReferenceMissing: if no register was ever loaded.
    """
    seen = sightings(connection)
    hydrants = register.active(connection)
    tree = cKDTree(hydrants[["x_l72", "y_l72"]].to_numpy(float)) if len(hydrants) else None
    lines = [_line(group, hydrants, tree) for _, group in seen.groupby(same_hydrant(seen), sort=True)]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    frame["numbers_beside"] = pd.Series(_numbers_beside(frame), dtype=object)
    frame = frame[frame["operator"].eq(operator)] if operator is not None else frame
    frame = frame[frame["nis"].eq(nis)] if nis is not None else frame
    position = frame["operator"].map({key: one.position for key, one in reference.operators().items()})
    ordered = frame.assign(position=position, named=frame["street"].fillna(""))
    ordered = ordered.sort_values(["position", "gemeente", "named", "proposal_key"], ignore_index=True)
    return ordered[list(COLUMNS)]


def as_lines(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Places as mappings of plain values, None where there is nothing."""
    objects = frame.astype(object).where(frame.notna(), None)
    lines = [{str(name): value for name, value in line.items()} for line in objects.to_dict("records")]
    return [{**line, "diameter_mm": line["diameter_mm"] and int(line["diameter_mm"])} for line in lines]


def _line(group: pd.DataFrame, hydrants: pd.DataFrame, tree: cKDTree | None) -> dict[str, Any]:
    """A place from its sightings, earliest first."""
    x_l72, y_l72, spread_m = _position(group)
    nearest, distance_m = None, np.nan
    if tree is not None and np.isfinite(x_l72):
        distance_m, at = tree.query([x_l72, y_l72])
        nearest = hydrants.iloc[int(at)]
    nis = _most_seen(group["nis"])
    visits = len(group[["contractor", "inspected_on"]].drop_duplicates())
    is_decided = bool(group["is_decided"].any())
    return {
        "proposal_key": _key(group.iloc[0]),
        "operator": _operator(group, nis, None if nearest is None else nearest["operator"]),
        "nis": nis,
        "gemeente": reference.gemeenten()[nis].name_nl,
        "street": _most_seen(group["street"]) or _most_seen(group["address_text"]),
        "x_l72": round(x_l72, 1),
        "y_l72": round(y_l72, 1),
        "spread_m": round(spread_m, 1),
        "visits": visits,
        "first_inspected_on": group["inspected_on"].iloc[0],
        "last_inspected_on": group["inspected_on"].iloc[-1],
        "contractors": sorted(set(group["contractor"])),
        "numbers": sorted(set(group["hydrant_ref"].dropna())),
        "hydrant_type": _most_seen(group["hydrant_type"]),
        "diameter_mm": _most_seen(group["diameter_mm"]),
        "is_decided": is_decided,
        "is_confirmed": is_decided or visits > 1,
        "is_outside_gemeente": bool(group["is_outside_gemeente"].any()),
        "nearest_hydrant_id": None if nearest is None else nearest["hydrant_id"],
        "distance_m": round(float(distance_m), 1),
        "rows": group[list(_ROW)].to_dict("records"),
    }


def _key(earliest: pd.Series[Any]) -> str:
    return f"V-{earliest['content_hash'][:_KEY_DIGITS]}"


def _numbers_beside(places: pd.DataFrame) -> list[list[str]]:
    """The numbers that were written at other places so near that a crew may have mixed them up."""
    placed = np.flatnonzero(places["x_l72"].notna())
    beside: list[set[str]] = [set() for _ in range(len(places))]
    if placed.size:
        tree = cKDTree(places[["x_l72", "y_l72"]].to_numpy(float)[placed])
        for one, other in placed[tree.query_pairs(BESIDE_M, output_type="ndarray")].tolist():
            beside[one].update(places["numbers"].iloc[other])
            beside[other].update(places["numbers"].iloc[one])
    return [sorted(near.difference(own)) for near, own in zip(beside, places["numbers"], strict=True)]


def _position(group: pd.DataFrame) -> tuple[float, float, float]:
    placed = group[group["x_l72"].notna()]
    if placed.empty:
        return np.nan, np.nan, np.nan
    accuracy_m = placed["accuracy_m"].fillna(np.inf)
    surest = placed[accuracy_m <= _AS_SURE * accuracy_m.min()]
    x_l72, y_l72 = float(surest["x_l72"].median()), float(surest["y_l72"].median())
    spread_m = np.hypot(placed["x_l72"] - x_l72, placed["y_l72"] - y_l72).max()
    return x_l72, y_l72, float(spread_m)


def _operator(group: pd.DataFrame, nis: str, nearest: str | None) -> str | None:
    """By the firms' contracts, else by any contract of the gemeente; among several, the nearest hydrant's."""
    of_firms = {name for firm in set(group["contractor"]) for name in reference.contracted(firm, nis)}
    of_gemeente = {contract.operator for contract in reference.contracts() if contract.nis == nis}
    possible = of_firms or of_gemeente
    if nearest in possible:
        return nearest
    return min(possible, key=lambda name: reference.operators()[name].position, default=nearest)


def _most_seen(values: pd.Series[Any]) -> Any:
    """The commonest value, of equals the first in order; None when there is none."""
    counts = values.dropna().value_counts()
    return None if counts.empty else min(counts.index[counts == counts.iloc[0]])
