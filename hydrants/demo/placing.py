"""Hydrants along the streets: lines of addresses, and points at drawn distances along them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from hydrants.demo.world import Floats, Ints, stream
from hydrants.errors import HydrantsError
from hydrants.reference.addresses import street_keys

MIN_GAP_M, MAX_GAP_M = 8.0, 120.0
GAP_SHAPE = {"dewatergroep": (0.9, 3.0), "aquaduin": (1.3, 2.6)}
"""Beta parameters of the gaps between 8 and 120 m: De Watergroep's stand closer, 34 m apart on average
and one in three less than 20 m; Aquaduin's, which have no numbers to tell them by, 45 m."""

_JUMP_M = 200.0
_BESIDE_LINE_M = 1.5
_INSIDE_M = 6.0
_ROUNDS = 40


def mean_gap_m(operator: str) -> float:
    """Average distance along a street between neighbours."""
    a, b = GAP_SHAPE[operator]
    return MIN_GAP_M + (MAX_GAP_M - MIN_GAP_M) * a / (a + b)


def numbered(addresses: pd.DataFrame) -> pd.DataFrame:
    """Add to an address list what the demo asks of it.

    Args:
        addresses: nis, postcode, street, house_number, x_l72, y_l72; index 0..n-1.

    Returns:
        The same rows with street_id (one per nis, postcode and street), number and letter (-1 and empty
        where the house number does not start with digits), and is_sure: the list knows where the
        house is, and no other street of that name or house of that number could be meant in the gemeente.
    """
    result = addresses.copy()
    result["street_id"] = addresses.groupby(["nis", "postcode", "street"], dropna=False).ngroup()
    parts = addresses["house_number"].astype("str").str.extract(r"^\s*(\d{1,6})\s*(.*?)\s*$")
    result["number"] = parts[0].fillna("-1").astype("int64")
    result["letter"] = parts[1].fillna("").str.upper()
    key = street_keys(addresses["street"])
    streets_of_key = result["street_id"].groupby([addresses["nis"], key]).transform("nunique")
    houses = result.groupby(["street_id", "number", "letter"])["street_id"].transform("size")
    is_plain = addresses["street"].str.fullmatch(r"[^\W\d_][^\d_,;/()]*") & result["letter"].str.fullmatch(
        r"[A-Z]?"
    )
    is_known = addresses["x_l72"].notna() & (result["number"] > 0)
    result["is_sure"] = is_known & is_plain & (streets_of_key == 1) & (houses == 1)
    return result


def lines(addresses: pd.DataFrame) -> pd.DataFrame:
    """Join the houses on one side of a street, in the order of their numbers.

    Args:
        addresses: what `numbered` returns.

    Returns:
        One row per stretch between two houses: x0, y0, x1, y1, length_m, line (stretches that hang
        together, cut where numbers jump more than 200 m), street_id, nis, is_odd.
    """
    known = addresses[addresses["x_l72"].notna() & (addresses["number"] > 0)]
    side = (known["street_id"] * 2 + known["number"] % 2).to_numpy()
    order = np.lexsort((known["letter"].astype(str).to_numpy(), known["number"].to_numpy(), side))
    xy = known[["x_l72", "y_l72"]].to_numpy()[order]
    side = side[order]
    length = np.hypot(*(xy[1:] - xy[:-1]).T)
    is_stretch = (side[1:] == side[:-1]) & (length <= _JUMP_M)
    line = np.cumsum(~is_stretch)  # a new one wherever two houses do not hang together
    keep = np.flatnonzero(is_stretch & (length > 0.5))
    return pd.DataFrame(
        {
            "x0": xy[keep, 0],
            "y0": xy[keep, 1],
            "x1": xy[keep + 1, 0],
            "y1": xy[keep + 1, 1],
            "length_m": length[keep],
            "line": line[keep],
            "street_id": side[keep] // 2,
            "is_odd": side[keep] % 2 == 1,
            "nis": known["nis"].to_numpy()[order][keep],
        }
    )


def place(
    stretches: pd.DataFrame, areas: gpd.GeoDataFrame, sizes: dict[tuple[str, str], int], seed: int
) -> pd.DataFrame:
    """Put hydrants along the lines, never two within 8 m of each other.

    Args:
        stretches: what `lines` returns.
        areas: gemeente polygons; every hydrant lies inside its own by some metres.
        sizes: hydrants wanted by (operator, nis).

    Returns:
        operator, nis, x_l72, y_l72 (whole centimetres), line, street_id, is_odd; ordered along the lines.

    Raises:
        HydrantsError: if the streets of a gemeente cannot hold as many.
    """
    shares = _share_streets(stretches, sizes)
    walks = {
        key: _Walk(shares[key], areas.geometry[key[1]], key, wanted, seed)
        for key, wanted in sizes.items()
        if wanted
    }
    for _ in range(_ROUNDS):
        everything = pd.concat([walk.points() for walk in walks.values()], ignore_index=True)
        kept = everything[_keeps_apart(everything[["x_l72", "y_l72"]].to_numpy())]
        counts = kept.groupby(["operator", "nis"]).size()
        short = [key for key, walk in walks.items() if counts.get(key, 0) < walk.wanted]
        if not short:
            wanted = kept.groupby(["operator", "nis"])["line"].cumcount()
            limit = [walks[key].wanted for key in zip(kept["operator"], kept["nis"], strict=True)]
            return kept[wanted.to_numpy() < limit].reset_index(drop=True)
        for key in short:
            walks[key].ask_more()
    raise HydrantsError(
        f"the streets of {', '.join(nis for _, nis in short)} cannot hold so many hydrants; lower --scale"
    )


def _share_streets(
    stretches: pd.DataFrame, sizes: dict[tuple[str, str], int]
) -> dict[tuple[str, str], pd.DataFrame]:
    """In a gemeente of two companies the streets in the west are Aquaduin's, in the east De Watergroep's."""
    shares = {}
    for nis in sorted(set(stretches["nis"])):
        part = stretches[stretches["nis"] == nis]
        here = {operator: count for (operator, code), count in sizes.items() if code == nis}
        if len(here) < 2:
            shares.update({(operator, nis): part for operator in here})
            continue
        by_street = part.groupby("street_id").agg(x=("x0", "mean"), length_m=("length_m", "sum"))
        by_street = by_street.sort_values("x")
        need = {operator: count * mean_gap_m(operator) for operator, count in here.items()}
        border_m = by_street["length_m"].sum() * need["aquaduin"] / max(1.0, sum(need.values()))
        is_west = by_street["length_m"].cumsum() - by_street["length_m"] / 2 <= border_m
        west = set(by_street.index[is_west])
        in_west = part["street_id"].isin(west)
        shares["aquaduin", nis], shares["dewatergroep", nis] = part[in_west], part[~in_west]
    missing = [
        nis for (operator, nis), count in sizes.items() if count and not len(shares.get((operator, nis), ()))
    ]
    if missing:
        raise HydrantsError(f"no streets with house numbers in {', '.join(missing)}")
    return shares


class _Walk:
    """Points along the lines of one company in one gemeente, lines in a drawn order."""

    def __init__(
        self, stretches: pd.DataFrame, polygon: shapely.Geometry, key: tuple[str, str], wanted: int, seed: int
    ) -> None:
        self.operator, self.nis = key
        self.wanted = wanted
        self._seed = seed
        self._inside = shapely.buffer(polygon, -_INSIDE_M)
        shapely.prepare(self._inside)
        self._stretches = stretches.iloc[np.argsort(_line_order(stretches, key, seed), kind="stable")]
        self._ends_m: Floats = self._stretches["length_m"].cumsum().to_numpy()
        self._surplus = 1.1
        self._squeeze = 1.0
        self._reached_end = False

    def ask_more(self) -> None:
        """Next time walk farther; where the streets end, walk them again with smaller gaps."""
        if self._reached_end:
            self._squeeze *= 0.88
        self._surplus *= 1.15

    def points(self) -> pd.DataFrame:
        rng = stream(self._seed, "hydrants", self.operator, self.nis)
        count = int(self.wanted * self._surplus) + 10
        gaps = MIN_GAP_M + (MAX_GAP_M - MIN_GAP_M) * self._squeeze * rng.beta(
            *GAP_SHAPE[self.operator], size=count
        )
        at_m = np.cumsum(gaps)
        self._reached_end = bool(at_m[-1] > self._ends_m[-1])
        at_m = at_m[at_m < self._ends_m[-1]]
        stretch = np.searchsorted(self._ends_m, at_m, side="right")
        on = self._stretches.iloc[stretch]
        share = 1 - (self._ends_m[stretch] - at_m) / on["length_m"].to_numpy()
        start, end = on[["x0", "y0"]].to_numpy(), on[["x1", "y1"]].to_numpy()
        beside = rng.uniform(-_BESIDE_LINE_M, _BESIDE_LINE_M, len(on)) / on["length_m"].to_numpy()
        across = (end - start)[:, ::-1] * [-1.0, 1.0]
        xy = (start + (end - start) * share[:, None] + across * beside[:, None]).round(2)
        frame = pd.DataFrame(
            {
                "operator": self.operator,
                "nis": self.nis,
                "x_l72": xy[:, 0],
                "y_l72": xy[:, 1],
                "line": on["line"].to_numpy(),
                "street_id": on["street_id"].to_numpy(),
                "is_odd": on["is_odd"].to_numpy(),
            }
        )
        return frame[shapely.contains_xy(self._inside, xy)]


def _line_order(stretches: pd.DataFrame, key: tuple[str, str], seed: int) -> Ints:
    """Rank of each stretch's line: drawn, but the second side of most streets comes last of all.

    The water main lies on one side of a street; most have hydrants on that side alone.
    """
    rng = stream(seed, "lines", *key)
    lines = stretches.drop_duplicates("line").set_index("line")[["street_id", "is_odd"]]
    main_is_odd = pd.Series(rng.random(lines["street_id"].nunique()) < 0.5, index=lines["street_id"].unique())
    is_second = lines["is_odd"].to_numpy() != main_is_odd.loc[lines["street_id"]].to_numpy()
    is_last = is_second & (rng.random(len(lines)) < 0.85)
    rank = pd.Series(rng.permutation(len(lines)) + len(lines) * is_last, index=lines.index)
    return rank.loc[stretches["line"]].to_numpy()


def _keeps_apart(xy: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Drop the later one of each pair that is too close; what is left is apart for certain."""
    pairs: Ints = cKDTree(xy).query_pairs(MIN_GAP_M, output_type="ndarray")
    keep = np.ones(len(xy), dtype=bool)
    keep[pairs.max(axis=1, initial=0) if len(pairs) else []] = False
    return keep
