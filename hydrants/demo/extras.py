"""Rows beside the honest ones: not in the register, undecidable, and to be refused."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from hydrants.demo.dirt import GPS_SIGMA_M, NO_ADDRESS, STREET_ONLY
from hydrants.demo.evidence import Neighbourhood
from hydrants.demo.filing import File
from hydrants.demo.inspections import FAILED, NOT_FOUND, OK
from hydrants.demo.world import Floats, Ints, stream

NOT_REGISTERED, AMBIGUOUS, REFUSED = "not in the register", "ambiguous", "refused: "

_UNREGISTERED_SHARE, _MIDWAY_SHARE, _STREET_SHARE = 0.010, 0.0035, 0.0015
_AWAY_M = 80.0
_MIDWAY_M, _MIDWAY_DIFFERENCE_M, _MIDWAY_MARGIN_M = 25.0, 1.5, 15.0

_ANYONES = (
    "DATE_MISSING",
    "DATE_UNREADABLE",
    "DATE_IN_FUTURE",
    "DATE_BEFORE_CAMPAIGN",
    "OUTCOME_MISSING",
    "OUTCOME_UNKNOWN",
    "NUMBER_UNREADABLE",
    "NOTHING_TO_GO_ON",
)
REFUSALS = {"westlandia": (*_ANYONES, "ID_MANGLED"), "interwest": (*_ANYONES, "GEMEENTE_UNKNOWN")}
_TABLES_ONLY = ("NUMBER_UNREADABLE", "GEMEENTE_UNKNOWN")
_REFUSALS_EACH = {"westlandia": 6, "interwest": 3}

_BLANK = {
    "hydrant": -1,
    "step": 0,
    "is_contradiction": False,
    "is_declared": False,
    "number": 0,
    "house": -1,
    "address_form": NO_ADDRESS,
    "hydrant_type": 0,
    "diameter_mm": 0,
    "is_swapped": False,
    "is_lambert_2008": False,
    "is_anchor": False,
}


def unregistered(
    rows: pd.DataFrame, hydrants: pd.DataFrame, areas: gpd.GeoDataFrame, around: Neighbourhood, seed: int
) -> pd.DataFrame:
    """Hydrants that stand there but are in no register: at least 80 m from any that is."""
    rng = stream(seed, "unregistered")
    parts = []
    for (firm, nis), batch in rows.groupby(["firm", "nis"], sort=True):
        wanted = rng.poisson(_UNREGISTERED_SHARE * len(batch))
        inside = shapely.buffer(areas.geometry[nis], -50.0)
        base = hydrants.iloc[batch["hydrant"].sample(40 * wanted + 40, replace=True, random_state=rng)]
        angle, reach = rng.uniform(0, 2 * np.pi, len(base)), rng.uniform(_AWAY_M + 15, 280, len(base))
        xy = (
            base[["x_l72", "y_l72"]].to_numpy()
            + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]
        )
        xy = (xy + rng.normal(0, GPS_SIGMA_M, xy.shape)).round(2)
        is_away = (around.tree.query(xy)[0] >= _AWAY_M) & shapely.contains_xy(inside, xy)
        where = np.flatnonzero(is_away)[:wanted]
        days = batch["day"].sample(len(where), replace=True, random_state=rng).to_numpy()
        has_street = rng.random(len(where)) < 0.5
        frame = pd.DataFrame(
            {"firm": firm, "nis": nis, "day": days, "x_l72": xy[where, 0], "y_l72": xy[where, 1]}
        )
        frame["address_form"] = np.where(has_street, STREET_ONLY, NO_ADDRESS)
        frame["street"] = base["street"].to_numpy()[where]
        frame["outcome"] = rng.choice([OK, FAILED], size=len(where), p=[0.8, 0.2])
        frame["hydrant_type"] = rng.integers(1, 3, size=len(where))
        # some carry a number, of a plate that is not the register's
        has_number = (rng.random(len(where)) < 0.3) & (firm == "westlandia")
        frame["number"] = np.where(has_number, _unknown_numbers(len(where), around.number, rng), 0)
        parts.append(frame)
    return _with_blanks(pd.concat(parts, ignore_index=True)).assign(why=NOT_REGISTERED)


def _unknown_numbers(count: int, valid: Ints, rng: np.random.Generator) -> Ints:
    """Numbers of seven digits that neither are valid nor are one edit away from a valid one."""
    numbers = rng.integers(9_000_000, 10_000_000, size=4 * count + 50)
    powers = 10 ** np.arange(7, dtype=np.int64)
    digits = numbers[:, None] // powers % 10
    replaced = numbers[:, None, None] + (np.arange(10) - digits[:, :, None]) * powers[:, None]
    swapped = numbers[:, None] + (digits[:, 1:] - digits[:, :-1]) * (powers[:-1] - powers[1:])
    alike = np.concatenate([replaced.reshape(len(numbers), -1), swapped], axis=1)
    return numbers[~np.isin(alike, valid).any(axis=1)][:count]


def midway(rows: pd.DataFrame, hydrants: pd.DataFrame, around: Neighbourhood, seed: int) -> pd.DataFrame:
    """Rows halfway between two hydrants of one type that have both been inspected that day with one result.

    Args:
        rows: Westlandia's and Interwest's linked rows, with file.

    Returns:
        One row per pair; `anchors` names, by position in `rows`, the two rows that are not to be changed.
    """
    rng = stream(seed, "midway")
    times = rows.groupby("hydrant")["hydrant"].transform("size").to_numpy()
    is_exact = (rows["number"] > 0) & (rows["number"] == around.number[rows["hydrant"]])
    is_plain = (rows["firm"] == "westlandia") & (times == 1) & is_exact & rows["outcome"].isin([OK, FAILED])
    row_of = np.full(len(hydrants), -1)
    row_of[rows["hydrant"][is_plain]] = np.flatnonzero(is_plain)
    pairs = around.tree.query_pairs(_MIDWAY_M, output_type="ndarray")
    pairs = pairs[(row_of[pairs] >= 0).all(axis=1)]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    a, b = rows.iloc[row_of[pairs[:, 0]]], rows.iloc[row_of[pairs[:, 1]]]
    is_same = np.ones(len(pairs), dtype=bool)
    for name in ("file", "outcome", "day", "nis"):
        is_same &= a[name].to_numpy() == b[name].to_numpy()
    is_same &= around.hydrant_type[pairs[:, 0]] == around.hydrant_type[pairs[:, 1]]
    pairs = rng.permutation(pairs[is_same])
    middle = (around.xy[pairs].mean(axis=1) + rng.normal(0, 0.25, (len(pairs), 2))).round(2)
    distance, found = around.tree.query(middle, k=3)
    is_between = (np.sort(found[:, :2], axis=1) == np.sort(pairs, axis=1)).all(axis=1)
    is_between &= distance[:, 1] - distance[:, 0] < _MIDWAY_DIFFERENCE_M
    is_between &= distance[:, 2] - distance[:, 1] > _MIDWAY_MARGIN_M
    wanted = round(_MIDWAY_SHARE * int((rows["firm"] == "westlandia").sum()))
    chosen = np.flatnonzero(is_between)[:wanted]
    _, first = np.unique(pairs[chosen, 0], return_index=True)
    chosen = chosen[first]
    base = rows.iloc[row_of[pairs[chosen, 0]]]
    frame = base[["firm", "nis", "day", "outcome", "file"]].reset_index(drop=True)
    frame["x_l72"], frame["y_l72"] = middle[chosen, 0], middle[chosen, 1]
    frame["hydrant_type"] = around.hydrant_type[pairs[chosen, 0]]
    frame["street"] = hydrants["street"].to_numpy()[pairs[chosen, 0]]
    frame.attrs["anchors"] = row_of[pairs[chosen]].ravel()
    return _with_blanks(frame).assign(why=AMBIGUOUS)


def street_only(rows: pd.DataFrame, hydrants: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows that say no more than a street in which several hydrants stand."""
    rng = stream(seed, "street only")
    in_street = hydrants.groupby("street_id")["street_id"].transform("size").to_numpy()
    candidates = rows[(in_street[rows["hydrant"]] >= 4) & (rows["step"] == 0)]
    base = candidates.sample(round(_STREET_SHARE * len(rows)), random_state=rng)
    frame = base[["firm", "nis", "day", "file"]].reset_index(drop=True)
    frame["street"] = hydrants["street"].to_numpy()[base["hydrant"]]
    frame["outcome"] = rng.choice([OK, FAILED, NOT_FOUND], size=len(frame))
    frame["x_l72"] = frame["y_l72"] = np.nan
    return _with_blanks(frame).assign(why=AMBIGUOUS, address_form=STREET_ONLY)


def refused(
    rows: pd.DataFrame,
    files: list[File],
    hydrants: pd.DataFrame,
    around: Neighbourhood,
    scale: float,
    seed: int,
) -> pd.DataFrame:
    """Rows that cannot be used, each for one reason; `why` is "refused: " and its code.

    They are about hydrants that other rows speak of properly, or that remain to be inspected.
    """
    rng = stream(seed, "refused")
    used = sorted(set(rows["file"].tolist()))
    parts = []
    for firm, codes in REFUSALS.items():
        each = max(2 if firm == "westlandia" else 1, round(_REFUSALS_EACH[firm] * scale))
        for code in codes:
            usable = [n for n in used if files[n].firm == firm and _can_hold(files[n], code)]
            base = rows[rows["file"].isin(usable) & (rows["step"] == 0)]
            if len(base):
                base = base.sample(min(each, len(base)), random_state=rng)
                parts.append(
                    base[["firm", "nis", "day", "outcome", "file", "hydrant"]].assign(why=REFUSED + code)
                )
    frame = pd.concat(parts, ignore_index=True)
    about = frame.pop("hydrant").to_numpy()
    frame["outcome"] = np.where(rng.random(len(frame)) < 0.8, OK, FAILED)
    offset = rng.normal(0, GPS_SIGMA_M, (len(frame), 2))
    xy: Floats = (around.xy[about] + offset).round(2)
    frame["x_l72"], frame["y_l72"] = xy[:, 0], xy[:, 1]
    frame["street"] = hydrants["street"].to_numpy()[about]
    frame["number"] = np.where(frame["firm"] == "westlandia", around.number[about], 0)
    frame["address_form"] = STREET_ONLY
    frame["hydrant_type"] = hydrants["true_type"].to_numpy()[about]
    is_bare = (frame["why"] == REFUSED + "NOTHING_TO_GO_ON").to_numpy()
    frame.loc[is_bare, ["x_l72", "y_l72"]] = np.nan
    frame.loc[is_bare, "number"] = 0
    frame.loc[is_bare, "address_form"] = NO_ADDRESS
    return _with_blanks(frame)


def _can_hold(file: File, code: str) -> bool:
    """A phone app gives coordinates as geometry and knows its gemeente: those cannot be mistyped."""
    return not (file.is_phone and code in _TABLES_ONLY)


def _with_blanks(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: value for name, value in _BLANK.items() if name not in frame.columns})
