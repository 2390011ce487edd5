"""The registers of both companies: how many hydrants where, with which attributes, in which export."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import yaml
from scipy.spatial import cKDTree

from hydrants import reference
from hydrants.demo import geopackage
from hydrants.demo.world import Ints, stream
from hydrants.errors import HydrantsError

SOURCE = "verzonnen demogegevens"
EXPORTED_ON = "2019-01-01"

SIZES = {
    "dewatergroep": {
        "32003": 1200,
        "32006": 950,
        "32010": 850,
        "32011": 1250,
        "32030": 560,
        "33011": 3200,
        "33016": 140,
        "33021": 1788,
        "33029": 1500,
        "33037": 1308,
        "33039": 1450,
        "33040": 900,
        "33041": 620,
        "38002": 200,
    },
    "aquaduin": {"32003": 200, "38002": 450, "38008": 900, "38014": 1700, "38016": 850, "38025": 1100},
}
"""Hydrants by gemeente. Known are De Watergroep's total of 15 916 and Poperinge's 1 788; how the rest is
spread is made up, and so is every figure of Aquaduin."""

NO_TYPE, ABOVEGROUND, UNDERGROUND = 0, 1, 2

_FIRST_ID, _LAST_ID = 2_100_000, 9_999_999
_ID_DENSITY = 0.27
"""Share of the numbers in use: dense enough that one mistyped digit in six names another hydrant."""


def proportional(weights: Ints, total: int) -> Ints:
    """Whole numbers in proportion to the weights that add up to the total (largest remainders)."""
    exact = weights * (total / weights.sum())
    result: Ints = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - result), kind="stable")[: total - int(result.sum())]
    result[largest] += 1
    return result


def sizes(scale: float) -> dict[tuple[str, str], int]:
    """Hydrants by (operator, nis) at this scale; totals are exact after rounding."""
    contracted = {(row.operator, row.nis) for row in reference.contracts()}
    result = {}
    for operator, by_nis in SIZES.items():
        weights = np.array(list(by_nis.values()), dtype=np.int64)
        counts = proportional(weights, round(int(weights.sum()) * scale))
        result.update({(operator, nis): int(n) for nis, n in zip(by_nis, counts, strict=True)})
    if set(result) != contracted:
        raise HydrantsError("the demo's register sizes and reference/contracts.csv name different gemeenten")
    return result


def describe(placed: pd.DataFrame, addresses: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give the placed hydrants what a register knows of them.

    Args:
        placed: what `placing.place` returns.
        addresses: what `placing.numbered` returns.

    Returns:
        The same rows with street (its name), supplier_id (0 where the company gives none), hydrant_id,
        hydrant_type (NO_TYPE where the company gives none), true_type, diameter_mm, main_diameter_mm,
        street_names, created_on.
    """
    rng = stream(seed, "registers")
    count = len(placed)
    is_dwg = (placed["operator"] == "dewatergroep").to_numpy()
    result = placed.copy()
    first = addresses.drop_duplicates("street_id").set_index("street_id")["street"]
    result["street"] = first.loc[placed["street_id"]].to_numpy()
    result["supplier_id"] = _supplier_ids(placed, rng)
    x, y, number = (result[name].tolist() for name in ("x_l72", "y_l72", "supplier_id"))
    result["hydrant_id"] = [
        reference.hydrant_id(operator, str(n) if n else None, x_, y_)
        for operator, n, x_, y_ in zip(placed["operator"], number, x, y, strict=True)
    ]
    kind = np.where(rng.random(count) < 0.3, ABOVEGROUND, UNDERGROUND)
    result["hydrant_type"] = np.where(is_dwg, kind, NO_TYPE)
    result["true_type"] = kind
    result["diameter_mm"] = rng.choice([80, 100, 150], size=count, p=[0.68, 0.28, 0.04])
    result["main_diameter_mm"] = rng.choice([60, 80, 100, 150, 200, 300], size=count)
    result["street_names"] = _street_names(result, addresses, rng)
    days = rng.integers(0, 16_000, size=count)
    result["created_on"] = np.datetime64("1974-03-01") + days.astype("timedelta64[D]")
    return result


def _supplier_ids(placed: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """De Watergroep's numbers: a block per gemeente, with gaps, in no order within the block."""
    ids = np.zeros(len(placed), dtype=np.int64)
    is_dwg = (placed["operator"] == "dewatergroep").to_numpy()
    steps = rng.geometric(_ID_DENSITY, size=int(is_dwg.sum()))
    numbers = _FIRST_ID + np.cumsum(steps)
    if len(numbers) and numbers[-1] > _LAST_ID:
        raise HydrantsError("more hydrants than numbers of seven digits; lower --scale")
    nis = placed["nis"].to_numpy()
    used = 0
    for code in sorted(set(nis[is_dwg])):
        here = np.flatnonzero(is_dwg & (nis == code))
        ids[here] = rng.permutation(numbers[used : used + len(here)])
        used += len(here)
    return ids


def _street_names(placed: pd.DataFrame, addresses: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """Mostly one street; none for one in twenty, two for one in twenty, as a spatial join gives them."""
    own = placed["street"].to_numpy()
    draw = rng.random(len(placed))
    located = addresses[addresses["x_l72"].notna()]
    names = located["street"].to_numpy()
    tree = cKDTree(located[["x_l72", "y_l72"]].to_numpy())
    twice = np.flatnonzero((draw >= 0.05) & (draw < 0.10))
    result = np.where(draw < 0.05, "", own).astype(object)
    if len(twice):
        near = names[tree.query(placed[["x_l72", "y_l72"]].to_numpy()[twice], k=min(24, len(names)))[1]]
        for row, candidates in zip(twice, near, strict=True):
            second = next((name for name in candidates if name != own[row]), None)
            result[row] = own[row] if second is None else f"{own[row]}, {second}"
    return [str(text) for text in result]


# -- the exports -------------------------------------------------------------------------------


def write(directory: Path, hydrants: pd.DataFrame) -> None:
    """Write each company's export in its own shape, with a sidecar that declares its scope."""
    is_dwg = hydrants["operator"] == "dewatergroep"
    stem = f"brandkranen_{EXPORTED_ON}"
    for operator, part in (("dewatergroep", hydrants[is_dwg]), ("aquaduin", hydrants[~is_dwg])):
        folder = directory / operator
        folder.mkdir(parents=True, exist_ok=True)
        sidecar = {"exported_on": EXPORTED_ON, "scope": sorted(part["nis"].unique()), "note": SOURCE}
        text = yaml.safe_dump(sidecar, sort_keys=False, allow_unicode=True)
        # the day is written bare, as a YAML date
        (folder / f"{stem}.yml").write_text(text.replace(f"'{EXPORTED_ON}'", EXPORTED_ON), encoding="utf-8")
    _write_dewatergroep(directory / "dewatergroep" / f"{stem}.csv", hydrants[is_dwg])
    _write_aquaduin(directory / "aquaduin" / f"{stem}.gpkg", hydrants[~is_dwg])


def _write_dewatergroep(path: Path, part: pd.DataFrame) -> None:
    kinds = np.array(["", "Bovengronds", "Ondergronds"], dtype=object)
    pd.DataFrame(
        {
            "G3E_FID": part["supplier_id"],
            "NOMINALE_D": part["diameter_mm"],
            "SOORT": kinds[part["hydrant_type"]],
            "X": part["x_l72"].map("{:.2f}".format),
            "Y": part["y_l72"].map("{:.2f}".format),
            "STR_NAMEN": part["street_names"],
            "LEIDING_D": part["main_diameter_mm"],
            "CREATE_DAT": part["created_on"].dt.strftime("%d/%m/%Y"),
            "BRON": SOURCE,
        }
    ).sort_values("G3E_FID").to_csv(path, sep=";", index=False, encoding="utf-8", lineterminator="\r\n")


def _write_aquaduin(path: Path, part: pd.DataFrame) -> None:
    points = gpd.points_from_xy(part["x_l72"], part["y_l72"], crs="EPSG:31370")
    geopackage.write(path, "brandkranen", gpd.GeoDataFrame(geometry=points))
