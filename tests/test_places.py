"""Points against the deelgemeente that their records state: polygons, the check, and the way from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa

from hydrants import geocoding, store
from hydrants.errors import ReferenceMissing
from hydrants.reference import addresses, boundaries, deelgemeenten
from hydrants.reference.deelgemeenten import key
from hydrants.settings import Settings
from hydrants.store import tables
from tests import batches
from tests.batches import GOOD, HEADINGS, as_csv, good, send

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
OSM = SHARED_DATA / "osm2015_westhoek_deelgemeenten_level9.geojson"
STATBEL = SHARED_DATA / "westhoek_18_statbel.geojson"

POPERINGE, ZONNEBEKE, VEURNE = "33021", "33037", "38025"
L72 = "EPSG:31370"
WATOU = shapely.box(24_000, 165_000, 30_000, 180_000)
PROVEN = shapely.box(30_000, 165_000, 38_000, 180_000)
ZANDVOORDE = shapely.box(50_000, 165_000, 55_000, 180_000)


def write_areas(settings: Settings) -> Settings:
    """Poperinge with two parts, Zonnebeke with one, and a nameless part; settings that point to them."""
    gpd.GeoDataFrame(
        {"nis": [POPERINGE, ZONNEBEKE]},
        geometry=[shapely.box(24_000, 165_000, 38_000, 180_000), ZANDVOORDE],
        crs=L72,
    ).to_file(settings.boundaries, driver="GeoJSON")
    path = settings.boundaries.parent / "parts.gpkg"
    gpd.GeoDataFrame(
        {"name": ["Watou", "Proven", "Zandvoorde", None]},
        geometry=[WATOU, PROVEN, ZANDVOORDE, shapely.box(24_000, 165_000, 25_000, 166_000)],
        crs=L72,
    ).to_file(path, driver="GPKG")
    return settings.model_copy(update={"deelgemeenten": path})


# -- polygons ----------------------------------------------------------------------------------


def write(path: Path, **columns: list[Any]) -> Path:
    geometry = columns.pop("geometry")
    gpd.GeoDataFrame(columns, geometry=geometry, crs=L72).to_file(path, driver="GeoJSON")
    return path


def test_a_polygon_without_nis_belongs_to_the_gemeente_it_lies_in(settings: Settings) -> None:
    settings = write_areas(settings)
    found = deelgemeenten.load(Path(str(settings.deelgemeenten)), settings.boundaries)
    assert found.keys() == {(POPERINGE, "watou"), (POPERINGE, "proven"), (ZONNEBEKE, "zandvoorde")}
    assert found[key(POPERINGE, "WATOU")].symmetric_difference(WATOU).area < 1


@pytest.mark.parametrize("nis", [POPERINGE, int(POPERINGE), float(POPERINGE)])
def test_a_stated_nis_goes_before_the_place(settings: Settings, tmp_path: Path, nis: Any) -> None:
    write_areas(settings)
    path = write(tmp_path / "parts.geojson", nis=[nis], naam=["Zandvoorde"], geometry=[ZANDVOORDE])
    assert deelgemeenten.load(path, settings.boundaries).keys() == {(POPERINGE, "zandvoorde")}


def test_a_nis_that_is_no_gemeente_of_ours_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    path = write(
        tmp_path / "parts.geojson",
        nis=["33021A", None, "44021"],
        name_nl=["Watou", "Proven", "Drongen"],
        geometry=[WATOU, PROVEN, shapely.box(99_000, 190_000, 99_100, 190_100)],
    )
    assert deelgemeenten.load(path, settings.boundaries).keys() == {
        (POPERINGE, "watou"),
        (POPERINGE, "proven"),
    }


def test_two_polygons_of_one_name_are_one_place(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    halves = [shapely.box(24_000, 165_000, 30_000, 172_000), shapely.box(24_000, 172_000, 30_000, 180_000)]
    path = write(tmp_path / "parts.geojson", name=["Watou", "watou"], geometry=halves)
    (whole,) = deelgemeenten.load(path, settings.boundaries).values()
    assert whole.symmetric_difference(WATOU).area < 1


def test_a_file_that_is_not_there_or_has_no_names_is_an_error(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    with pytest.raises(ReferenceMissing, match="HYDRANTS_DEELGEMEENTEN"):
        deelgemeenten.load(tmp_path / "absent.geojson", settings.boundaries)
    path = write(tmp_path / "parts.geojson", what=["Watou"], geometry=[WATOU])
    with pytest.raises(ReferenceMissing, match="column 'name'"):
        deelgemeenten.load(path, settings.boundaries)


def test_a_point_that_bears_a_label_is_no_place_to_lie_in(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    path = write(
        tmp_path / "parts.geojson",
        name=["Watou", "Proven"],
        geometry=[shapely.Point(30_000, 170_000), PROVEN],
    )
    assert deelgemeenten.load(path, settings.boundaries).keys() == {(POPERINGE, "proven")}
    path = write(tmp_path / "points.geojson", name=["Watou"], geometry=[shapely.Point(30_000, 170_000)])
    with pytest.raises(ReferenceMissing, match="no polygons"):
        deelgemeenten.load(path, settings.boundaries)


def test_a_polygon_that_crosses_itself_is_mended(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    corners = [(30_000, 170_000), (31_000, 171_000), (31_000, 170_000), (30_000, 171_000)]
    bow, square = shapely.Polygon(corners), shapely.box(32_000, 170_000, 33_000, 171_000)
    path = write(tmp_path / "parts.geojson", name=["Proven", "Proven"], geometry=[bow, square])
    found = deelgemeenten.load(path, settings.boundaries)[key(POPERINGE, "Proven")]
    assert found.is_valid
    assert found.area == pytest.approx(500_000 + 1_000_000)
    shapely.prepare(found)
    assert shapely.contains_xy(found, 32_500.0, 170_500.0)


@pytest.mark.parametrize(
    "content", [b"{", b"", b"\x00\xff", b'{"type": "FeatureCollection", "features": []}']
)
def test_a_file_that_cannot_be_read_is_an_error(settings: Settings, tmp_path: Path, content: bytes) -> None:
    write_areas(settings)
    path = tmp_path / "parts.geojson"
    path.write_bytes(content)
    with pytest.raises(ReferenceMissing, match=path.name):
        deelgemeenten.load(path, settings.boundaries)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_shapefile_that_lost_its_prj_is_an_error(settings: Settings, tmp_path: Path) -> None:
    write_areas(settings)
    path = tmp_path / "parts.shp"
    gpd.GeoDataFrame({"name": ["Watou"]}, geometry=[WATOU]).to_file(path)
    with pytest.raises(ReferenceMissing, match="CRS"):
        deelgemeenten.load(path, settings.boundaries)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("St.-Jan", "Sint-Jan"),
        ("sint jan", "Sint-Jan"),
        ("Geluveld ", "GELUVELD"),
        ("De Moeren", "de moeren"),
    ],
)
def test_spellings_of_one_name(one: str, other: str) -> None:
    assert key(POPERINGE, one) == key(POPERINGE, other)


# -- the check ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nis", "stated", "x_l72", "is_outside"),
    [
        (POPERINGE, "Watou", 29_000.0, False),
        (POPERINGE, "watou", 30_249.0, False),  # GPS noise at the border
        (POPERINGE, "Watou", 30_251.0, True),
        (POPERINGE, "Proven", 30_251.0, False),
        (POPERINGE, "Proven", 29_749.0, True),
        (POPERINGE, "Watou", np.nan, None),
        (POPERINGE, None, 29_000.0, None),
        (POPERINGE, "Krombeke", 29_000.0, None),  # no polygon of that name
        (POPERINGE, "", 24_500.0, None),  # nor of no name
        (ZONNEBEKE, "Zandvoorde", 52_000.0, False),
        (POPERINGE, "Zandvoorde", 52_000.0, None),  # that of Zonnebeke is another one
        (ZONNEBEKE, "Watou", 29_000.0, None),
    ],
)
def test_a_point_and_the_deelgemeente_of_its_record(
    settings: Settings, nis: str, stated: str | None, x_l72: float, is_outside: bool | None
) -> None:
    settings = write_areas(settings)
    polygons = deelgemeenten.load(Path(str(settings.deelgemeenten)), settings.boundaries)
    among = pd.Series([POPERINGE, nis, POPERINGE])
    stated_among = pd.Series(["Proven", stated, None], index=among.index, dtype=object)
    x = np.array([36_000.0, x_l72, 36_000.0])
    found = geocoding.is_outside_deelgemeente(x, np.full(3, 170_000.0), among, stated_among, polygons)
    assert found.tolist() == [False, is_outside, None]


@pytest.mark.skipif(not OSM.is_file(), reason=f"no {OSM.name} in shared/data beside the repository")
@pytest.mark.skipif(not STATBEL.is_file(), reason=f"no {STATBEL.name} in shared/data beside the repository")
def test_real_deelgemeenten_lie_in_the_gemeenten_they_belong_to() -> None:
    found = deelgemeenten.load(OSM, STATBEL)
    assert len(found) == 96  # 98 polygons: Lampernisse and Mesen consist of two each
    expected = {  # names that exist elsewhere too, and both ends of the region
        (POPERINGE, "Watou"), (ZONNEBEKE, "Zandvoorde"), ("38016", "Ramskapelle"), ("38016", "Sint-Joris"),
        ("32003", "Oostkerke"), ("38002", "Beveren"), ("33011", "Sint-Jan"), ("38008", "Adinkerke"),
        ("33029", "Geluwe"),
    }  # fmt: skip
    assert {key(*pair) for pair in expected} <= found.keys()
    assert key(VEURNE, "Vinkem") not in found  # drawn as Beauvoorde, together with Wulveringem
    # a point well within each is within its gemeente, and outside that of any other but its neighbours
    polygons = boundaries.load(STATBEL)
    points = shapely.point_on_surface(np.array(list(found.values())))
    nis = pd.Series([nis for nis, _ in found])
    x_l72, y_l72 = shapely.get_x(points), shapely.get_y(points)
    assert not geocoding.is_outside(x_l72, y_l72, nis, polygons).any()
    stated = pd.Series([name for _, name in found], dtype=object)
    own = geocoding.is_outside_deelgemeente(x_l72, y_l72, nis, stated, found)
    assert own.tolist() == [False] * len(found)


# -- from a file to the store ------------------------------------------------------------------

COLUMNS = [*HEADINGS, "Gemeente", "Deelgemeente"]


def row(number: int, deelgemeente: str, x: str = "29.000,00") -> dict[str, str]:
    return good(number, X=x, Y="170000") | {"Deelgemeente": deelgemeente, "Gemeente": "Poperinge"}


def located(engine: sa.Engine, settings: Settings) -> list[tuple[Any, ...]]:
    batches.night(engine, settings)
    geocoding.run(engine, settings, *batches.BATCH)
    with store.read(engine) as connection:
        location, record = tables.location.c, tables.record.c
        query = sa.select(
            record.deelgemeente, location.is_outside_gemeente, location.is_outside_deelgemeente
        ).join_from(tables.location, tables.record, record.row_id == location.row_id)
        return [tuple(found) for found in connection.execute(query.order_by(location.row_id))]


@pytest.fixture
def sent(engine: sa.Engine, settings: Settings) -> Settings:
    settings = write_areas(settings)
    settings.addresses.write_text(
        "EPSG:31370_x,EPSG:31370_y,house_number,municipality_id,postcode,streetname_nl,status\n"
        "34000,172000,3,33021,8970,Markt,current\n",
        encoding="utf-8",
    )
    addresses.load(engine, settings.landing, settings.addresses)
    rows = [
        row(1, "Watou"),
        row(2, "Proven"),
        row(3, ""),
        row(4, "Krombeke"),
        row(5, "Watou", "40.000,00"),
        row(6, "W" * 101),
    ]
    send(settings, "lijst.csv", as_csv(rows, headings=COLUMNS))
    return settings


def test_a_stated_deelgemeente_is_kept_and_checked(engine: sa.Engine, sent: Settings) -> None:
    assert located(engine, sent) == [
        ("Watou", False, False),
        ("Proven", False, True),
        (None, False, None),
        ("Krombeke", False, None),
        ("Watou", True, True),
    ]
    with store.read(engine) as connection:
        refused = sa.select(tables.ledger.c.reasons).where(tables.ledger.c.disposition == "quarantined")
        assert [[one["code"] for one in found] for (found,) in connection.execute(refused)] == [
            ["TEXT_TOO_LONG"]
        ]
    before = located(engine, sent)
    assert geocoding.run(engine, sent, *batches.BATCH) == {"located": 0, "unlocated": 0}
    assert located(engine, sent) == before


def test_without_polygons_nothing_is_said(engine: sa.Engine, sent: Settings) -> None:
    without = sent.model_copy(update={"deelgemeenten": ""})
    assert {flag for _, _, flag in located(engine, without)} == {None}
    assert {flag for _, _, flag in located(engine, sent)} == {None, False, True}  # configured later on


def test_other_polygons_are_checked_anew(engine: sa.Engine, sent: Settings) -> None:
    assert located(engine, sent)[1] == ("Proven", False, True)
    path = Path(str(sent.deelgemeenten))
    path.unlink()
    everywhere = shapely.box(24_000, 165_000, 38_000, 180_000)
    gpd.GeoDataFrame({"name": ["Proven"]}, geometry=[everywhere], crs=L72).to_file(path, driver="GPKG")
    assert located(engine, sent) == [
        ("Watou", False, None),
        ("Proven", False, False),
        (None, False, None),
        ("Krombeke", False, None),
        ("Watou", True, None),
    ]


def test_files_without_that_column_are_read_as_before(engine: sa.Engine, settings: Settings) -> None:
    settings = write_areas(settings)
    addresses_text = "EPSG:31370_x,EPSG:31370_y,house_number,municipality_id,postcode,streetname_nl,status\n"
    settings.addresses.write_text(addresses_text + "34000,172000,3,33021,8970,Markt,current\n", "utf-8")
    addresses.load(engine, settings.landing, settings.addresses)
    assert "Deelgemeente" not in GOOD
    send(settings, "lijst.csv", as_csv([good(1)]))
    assert located(engine, settings) == [(None, False, None)]
