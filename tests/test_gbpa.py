"""Real hydrants of one utility in four formats: one profile makes the same records of each.

They lie far from here and were counted, not tested, so that their outcome is that they remain to be tested.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyproj
import pytest
import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import night, send
from tests.firms import added_firm

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "gbpa"
FILES = {
    "33021": "GBPA_fire_hydrants.csv",
    "33029": "GBPA_fire_hydrants.geojson",
    "33037": "GBPA_fire_hydrants.kml",
    "33039": "GBPA_Fire_Hydrants.zip",
}
"""By the gemeente under which each is sent: in one batch they would be found to repeat one another."""

PROFILE = """\
contractor: eiland
name: Eiland
columns:
  inspected_on: [GPS_Date]
  outcome: [Number_of_]
  hydrant_type: [Style]
  address: [Street]
  remark: [Height_of_]
  x: [X]
  y: [Y]
required_columns: [inspected_on, outcome]
ignored_columns: [OBJECTID, Date_, Time, Year_of_Ma, Colour, Main_Valve, GPS_Time]
formats:
  csv: {decimal: ".", crs: "EPSG:4326"}
  vector: {decimal: "."}
date_formats: ["%Y/%m/%d"]
lookups:
  outcome:
    not_testable: [One, Two, Three]
  hydrant_type:
    aboveground: [Dry Barrel]
    rising_point: [Standpipe]
"""
SAYS = ("inspected_on", "outcome", "hydrant_type", "address_text", "remark")
ONE_MM_IN_DEGREES = 1e-8

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no gbpa in shared/data beside the repository")


def contents(engine: sa.Engine, nis: str) -> list[dict[str, Any]]:
    """Every row of a file in order: what became of it, and what its record says."""
    query = (
        sa.select(tables.ledger.c.disposition, tables.ledger.c.reasons, tables.record)
        .join_from(tables.ledger, tables.upload, tables.upload.c.upload_id == tables.ledger.c.upload_id)
        .outerjoin(tables.record, tables.record.c.row_id == tables.ledger.c.row_id)
        .where(tables.upload.c.nis == nis, tables.ledger.c.disposition != "heading")
        .order_by(tables.ledger.c.row_id)
    )
    with store.read(engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def wgs84(row: dict[str, Any]) -> tuple[float, float]:
    """Where a record is, degrees, from the system that its file is in."""
    transformer = pyproj.Transformer.from_crs(row["crs_given"], "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(row["x_given"], row["y_given"])
    return lon, lat


def test_one_profile_makes_the_same_records_of_every_format(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = {"campaign_start": date(2013, 1, 1), "campaign_end": date(2014, 12, 31)}
    settings = settings.model_copy(update=campaign)
    with added_firm(tmp_path, monkeypatch, "eiland", PROFILE):
        for nis, name in FILES.items():
            send(settings, name, (DATA / name).read_bytes(), ("eiland", nis))
            counts = night(engine, settings, ("eiland", nis))
            assert {key: counts[key] for key in ("accepted", "quarantined", "duplicates")} == {
                "accepted": 171,
                "quarantined": 5,
                "duplicates": 0,
            }, name

    found = {name: contents(engine, nis) for nis, name in FILES.items()}
    first = found[FILES["33021"]]
    assert len(first) == 176
    assert [row["reasons"][0]["code"] for row in first if row["reasons"]] == ["DATE_MISSING"] * 5
    # the first line of the CSV, by hand
    assert [first[0][name] for name in SAYS] == [
        *(date(2013, 4, 23), "not_testable", "aboveground", "Fishing hole road", None)
    ]
    assert wgs84(first[0]) == pytest.approx((-78.7397507473441, 26.5266622538584), abs=1e-12)
    assert {row["crs_given"] for rows in found.values() for row in rows} == {"EPSG:4326", "EPSG:32617", None}
    for name, rows in found.items():
        assert [row["disposition"] for row in rows] == [row["disposition"] for row in first], name
        assert [row["reasons"] for row in rows] == [row["reasons"] for row in first], name
        for row, same in zip(rows, first, strict=True):
            assert [row[column] for column in SAYS] == [same[column] for column in SAYS], name
            if row["disposition"] == "accepted":
                assert wgs84(row) == pytest.approx(wgs84(same), abs=ONE_MM_IN_DEGREES), name
    assert {row["remark"] for row in first} > {"3ft", "2.5ftt", "4.5 ft", ".255", None}, "texts as they are"
