"""The same real hydrants in four formats: as many rows, the same texts, the same places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyproj
import pytest

from tests.sheets import sheets_of

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "gbpa"
FILES = {
    "csv": "GBPA_fire_hydrants.csv",
    "geojson": "GBPA_fire_hydrants.geojson",
    "kml": "GBPA_fire_hydrants.kml",
    "shapefile": "GBPA_Fire_Hydrants.zip",
}
SAME_PLACE_DEGREES = 1e-9
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="no gbpa in shared/data beside the repository")


def features(file_format: str) -> Iterator[tuple[dict[str, str], tuple[float, float]]]:
    """Of each feature its texts by column, and its longitude and latitude."""
    (sheet,) = sheets_of(FOLDER / FILES[file_format], layer=None)
    rows = sheet["rows"]
    if file_format == "csv":
        columns = ["@y", "@x", *rows.pop(0)[1][2:]]
        to_degrees = None
    else:
        columns = sheet["columns"]
        to_degrees = pyproj.Transformer.from_crs(sheet["crs"], "EPSG:4326", always_xy=True)
    for _, cells in rows:
        cells = cells + [None] * (len(columns) - len(cells))
        texts = {name: text for name, text in zip(columns, cells, strict=True) if text}
        x, y = float(texts.pop("@x")), float(texts.pop("@y"))
        yield texts, to_degrees.transform(x, y) if to_degrees else (x, y)


@pytest.mark.parametrize("file_format", ["geojson", "kml", "shapefile"])
def test_the_same_hydrants_in_every_format(file_format: str) -> None:
    expected, found = list(features("csv")), list(features(file_format))
    assert len(found) == len(expected) == 176
    assert sum(len(texts) for texts, _ in expected) > 1_000
    for (texts, place), (expected_texts, expected_place) in zip(found, expected, strict=True):
        if file_format == "shapefile":  # whose table has days as such, and a number of its own
            assert texts.pop("OBJECTID").isdigit()
            for name in ("Date_", "Year_of_Ma", "GPS_Date"):
                if name in texts:
                    texts[name] = texts[name].replace("-", "/")
        if file_format == "kml":
            assert texts.pop("Folder") == "fire_hydrants"
        assert texts == expected_texts
        assert place == pytest.approx(expected_place, abs=SAME_PLACE_DEGREES)
