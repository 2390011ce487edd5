"""The made-up map and address list, in the shapes that real ones come in."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from hydrants import reference
from hydrants.demo.registers import SOURCE
from hydrants.demo.world import Floats, transform

BEST_COLUMNS = (
    "EPSG:31370_x",
    "EPSG:31370_y",
    "EPSG:4326_lat",
    "EPSG:4326_lon",
    "address_id",
    "box_number",
    "house_number",
    "municipality_id",
    "municipality_name_de",
    "municipality_name_fr",
    "municipality_name_nl",
    "postcode",
    "postname_fr",
    "postname_nl",
    "street_id",
    "streetname_de",
    "streetname_fr",
    "streetname_nl",
    "region_code",
    "status",
)
"""The columns of a BeST address file, in its order."""


def write_boundaries(path: Path, areas: gpd.GeoDataFrame) -> None:
    """Gemeente polygons as GeoJSON in WGS84: nis, name_nl, bron."""
    frame = areas.reset_index()[["nis", "name_nl", "geometry"]].assign(bron=SOURCE).to_crs("EPSG:4326")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(frame.to_json(drop_id=True) + "\n", encoding="utf-8")


def write_addresses(path: Path, addresses: pd.DataFrame) -> None:
    """Addresses in BeST columns, with one more that says that they are made up."""
    x, y = addresses["x_l72"].to_numpy(), addresses["y_l72"].to_numpy()
    lon, lat = transform(x, y, "EPSG:31370", "EPSG:4326")
    name = _names(addresses)
    columns = {
        "EPSG:31370_x": _fixed(x),
        "EPSG:31370_y": _fixed(y),
        "EPSG:4326_lat": _fixed(lat),
        "EPSG:4326_lon": _fixed(lon),
        "address_id": np.arange(1, len(addresses) + 1),
        "house_number": addresses["house_number"],
        "municipality_id": addresses["nis"],
        "municipality_name_nl": name,
        "postcode": addresses["postcode"],
        "postname_nl": name,
        "street_id": addresses["street_id"] + 1,
        "streetname_nl": addresses["street"],
        "region_code": "BE-VLG",
        "status": "current",
    }
    frame = pd.DataFrame({column: columns.get(column, "") for column in BEST_COLUMNS}).assign(bron=SOURCE)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _names(addresses: pd.DataFrame) -> pd.Series[str]:
    return addresses["nis"].map({nis: row.name_nl for nis, row in reference.gemeenten().items()})


def _fixed(values: Floats) -> list[str]:
    """Five decimals; a missing coordinate is 0.00000."""
    return [f"{value:.5f}" for value in np.nan_to_num(values).tolist()]
