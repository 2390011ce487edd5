"""A third firm, by a profile and a contract alone: phone forms in English, from upload to figure."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pyproj
import pytest
import sqlalchemy as sa
import yaml

from hydrants import night, publishing, reference, register, store
from hydrants.reference import profile_schema
from hydrants.reference.profile_check import check
from hydrants.settings import Settings
from hydrants.store import tables
from tests.firms import added_firm
from tests.judged_world import square_gemeenten
from tests.valid_files import jpeg, zipped

NIS = "38014"
HYDRANTS = {
    "1111111": (30_200.0, 170_200.0),
    "2222222": (30_400.0, 170_400.0),
    "3333333": (30_600.0, 170_600.0),
    "4444444": (30_800.0, 170_800.0),
    "5555555": (30_200.0, 170_800.0),
}
"""Registered in Koksijde, Lambert 72; the last one is not visited."""

PROFILE = """\
# yaml-language-server: $schema=../../../docs/profile.schema.json
# Polder: Kobo forms in English, exported as CSV with group names, zipped with their pictures.
contractor: polder
name: Polder
columns:
  record_ref: [_uuid]
  revised_at: [_submission_time]
  inspected_on: [start]
  hydrant_ref: [hydrant_no]
  geopoint: [gps]
  hydrant_type: [kind]
  diameter_mm: [diameter]
  outcome: [result]
  defects: [defects]
  is_reinspection: [second_look]
  pressure_bar: [pressure]
  flow_l_per_min: [flow]
  remark: [note]
  photos: [photo]
required_columns: [inspected_on, outcome, geopoint]
ignored_columns: [end, _index, check/_gps*]
formats:
  csv: {decimal: "."}
date_formats: ["%d-%b-%Y"]
lookups:
  outcome:
    ok: [works]
    failed: [broken]
    not_found: [missing]
    not_testable: [blocked]
  hydrant_type:
    aboveground: [pillar]
    underground: [box]
  is_reinspection:
    true: [yes]
    false: [no]
  defects:
    leak: [leak]
    no_water: [no_water]
    box_broken: [box_broken]
"""
HEADER = (
    "start,end,check/hydrant_no,check/gps,check/_gps_latitude,check/kind,check/diameter,check/result,"
    "check/defects,check/second_look,measure/pressure (bar),measure/flow (m3/h),check/photo,note,_uuid,"
    "_submission_time,_index"
)


def gps(number: str) -> str:
    """Latitude and longitude as a phone form writes them."""
    to_wgs84 = pyproj.Transformer.from_crs("EPSG:31370", "EPSG:4326", always_xy=True)
    lon, lat = to_wgs84.transform(*HYDRANTS[number])
    return f"{lat:.7f} {lon:.7f} 4.5 3.2"


def form(number: str, start: str, result: str, rest: str, uuid: str, kind: str = "pillar,80") -> str:
    end = "2019-05-14T10:35:00.000+02:00"
    return (
        f"{start},{end},{number},{gps(number)},{gps(number).split()[0]},{kind},{result},{rest},{uuid},"
        "2019-05-14T09:00:00+00:00,1"
    )


FORMS = [
    form("1111111", "2019-05-14T10:30:00.000+02:00", "works", ",no,4.5,60,a.jpg,clean", "u1"),
    # after midnight in Belgium
    form("2222222", "2019-05-14T22:30:00.000Z", "broken", "leak no_water,yes,,0,b.jpg,", "u2", "box,DN100"),
    form("3333333", "14-May-2019", "Missing", ",,,,,", "u3", ","),
    form("4444444", "2019-05-14T11:00:00.000+02:00", "wurks", ",,,,,", "u4"),
    form("1111111", "2019-05-14T10:30:00.000+02:00", "works", ",no,4.5,60,a.jpg,clean", "u1"),
    form("4444444", "2019-05-16T09:00:00.000+02:00", "blocked", ",,,,,", "u5"),
]
SAYS = (
    *("record_ref", "revised_at", "hydrant_ref", "inspected_on", "outcome", "is_reinspection", "defects"),
    *("hydrant_type", "diameter_mm", "pressure_bar", "flow_l_per_min", "crs_given", "remark", "photos"),
)
A_THOUSAND = 1000.0  # 60 m3/h in l/min
SUBMITTED = datetime(2019, 5, 14, 11, 0)  # noqa: DTZ001 - Belgian time, as the store keeps it
RECORDS: list[tuple[Any, ...]] = [
    (
        *("u1", SUBMITTED, "1111111", date(2019, 5, 14), "ok", False, [], "aboveground", 80, 4.5, A_THOUSAND),
        *("EPSG:4326", "clean", ["a.jpg"]),
    ),
    (
        *("u2", SUBMITTED, "2222222", date(2019, 5, 15), "failed", True, ["leak", "no_water"]),
        *("underground", 100, None, 0.0, "EPSG:4326", None, ["b.jpg"]),
    ),
    (
        *("u3", SUBMITTED, "3333333", date(2019, 5, 14), "not_found", False, [], None, None, None, None),
        *("EPSG:4326", None, []),
    ),
    (
        *("u5", SUBMITTED, "4444444", date(2019, 5, 16), "not_testable", False, [], "aboveground", 80, None),
        *(None, "EPSG:4326", None, []),
    ),
]


def here(engine: sa.Engine, settings: Settings) -> None:
    """One gemeente, no addresses, five registered hydrants."""
    square_gemeenten(settings.boundaries, [NIS])
    settings.addresses.write_text(
        "EPSG:31370_x,EPSG:31370_y,EPSG:4326_lat,EPSG:4326_lon,address_id,box_number,house_number,"
        "municipality_id,municipality_name_de,municipality_name_fr,municipality_name_nl,postcode,postname_fr,"
        "postname_nl,street_id,streetname_de,streetname_fr,streetname_nl,region_code,status\n",
        encoding="utf-8",
    )
    export = settings.registers.parent / "brandkranen.csv"
    lines = [f"{number};80;Bovengronds;{x};{y};;100;01/01/2000" for number, (x, y) in HYDRANTS.items()]
    heading = "G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT"
    export.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    with store.write(engine) as connection:
        reference.sync(connection)
    register.load(engine, settings, "dewatergroep", export, exported_on=date(2019, 1, 1), scope=[NIS])


def records(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """What the records of accepted rows say, in the order of the file."""
    record, ledger = tables.record, tables.ledger
    query = (
        sa.select(*(record.c[name] for name in SAYS))
        .join_from(record, ledger, ledger.c.row_id == record.c.row_id)
        .where(ledger.c.disposition == "accepted")
        .order_by(record.c.row_id)
    )
    with store.read(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def reasons(engine: sa.Engine) -> list[tuple[int, str, list[tuple[str, str | None]]]]:
    """Line, disposition, and code and suggestion of each reason, of rows with one or not accepted."""
    query = (
        sa.select(tables.raw_row.c.row_number, tables.ledger.c.disposition, tables.ledger.c.reasons)
        .join_from(tables.ledger, tables.raw_row, tables.raw_row.c.row_id == tables.ledger.c.row_id)
        .order_by(tables.ledger.c.row_id)
    )
    with store.read(engine) as connection:
        return [
            (row.row_number, row.disposition, [(one["code"], one["suggestion"]) for one in row.reasons])
            for row in connection.execute(query)
            if row.reasons or row.disposition not in ("accepted", "heading")
        ]


def test_a_firm_is_added_by_yaml_alone(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = f"dewatergroep,{NIS},polder,2019-01-01,"
    with added_firm(tmp_path, monkeypatch, "polder", PROFILE, [contract]) as profile:
        assert check(profile) == []
        here(engine, settings)
        upload = settings.uploads / "polder" / NIS / "kobo 2019-05.zip"
        upload.parent.mkdir(parents=True)
        listed = "\n".join([HEADER, *FORMS]) + "\n"
        upload.write_bytes(zipped({"forms.csv": listed.encode(), "media/a.jpg": jpeg()}))
        counts = night.whole_night(engine, settings)
        with store.read(engine) as connection:
            lines = publishing.progress(connection)
        again = night.whole_night(engine, settings)

    assert counts["problems"] == []
    assert (counts["refused_files"], counts["unread"]) == ([], [])
    assert records(engine) == RECORDS
    assert reasons(engine) == [
        (3, "accepted", [("PHOTO_MISSING", None)]),
        (5, "quarantined", [("OUTCOME_UNKNOWN", "works")]),
        (6, "duplicate", []),
    ]
    with store.read(engine) as connection:
        linked = connection.execute(
            sa.select(tables.match.c.verdict, tables.match.c.hydrant_id).order_by(tables.match.c.row_id)
        ).all()
    assert [tuple(row) for row in linked] == [
        ("linked", f"DWG-{number}") for number in ("1111111", "2222222", "3333333", "4444444")
    ]
    (line,) = [line for line in lines if (line["operator"], line["nis"]) == ("dewatergroep", NIS)]
    assert line["contractor"] == "polder"
    assert {figure: line[figure] for figure in ("registered", "checked", "ok", "failed", "remaining")} == {
        "registered": 5,
        "checked": 3,
        "ok": 1,
        "failed": 2,
        "remaining": 2,
    }
    assert again["snapshot_id"] == counts["snapshot_id"]


def test_its_profile_passes_the_schema() -> None:
    jsonschema.validate(yaml.load(PROFILE, yaml.BaseLoader), profile_schema.schema())
