"""Geocoding: coordinates by range, address texts, and locations on both stores."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hydrants import geocoding, reference, store
from hydrants.errors import ReferenceMissing
from hydrants.geocoding.coordinates import recognise
from hydrants.geocoding.parser import Reading, Relation, readings
from hydrants.geocoding.resolver import Gazetteer
from hydrants.reference import addresses, boundaries, degrees
from hydrants.settings import Settings
from hydrants.store import tables

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CRAB, STATBEL = SHARED_DATA / "crab_westhoek_2014-10.csv", SHARED_DATA / "westhoek_18_statbel.geojson"


def recognised(x: float, y: float, declared: str | None = None) -> dict[str, Any]:
    frame = recognise(
        np.array([x], dtype=float), np.array([y], dtype=float), pd.Series([declared], dtype=object)
    )
    return frame.to_dict("records")[0]


# -- coordinates -------------------------------------------------------------------------------

# The Grote Markt of Ieper. The expected numbers come from PROJ pipelines that write out every
# parameter of EPSG:15929 (Helmert) and of the projections, not from an EPSG lookup.
MARKT_L72 = (45621.0289, 172241.1166)
MARKT_L2008 = (545621.2809, 672229.0711)
MARKT_WGS84 = (2.8864, 50.8512)
MARKT_WITHOUT_DATUM_SHIFT = (45705.9942, 172179.7630)
MARKT_BY_EPSG_31300 = (46363.6089, 172226.2999)


@pytest.mark.parametrize(
    ("pair", "method"),
    [(MARKT_L72, "given_l72"), (MARKT_L2008, "given_l2008"), (MARKT_WGS84, "given_wgs84")],
)
def test_a_known_point_in_each_system(pair: tuple[float, float], method: str) -> None:
    found = recognised(*pair)
    assert found["method"] == method
    assert found["x_l72"] == pytest.approx(MARKT_L72[0], abs=0.002)
    assert found["y_l72"] == pytest.approx(MARKT_L72[1], abs=0.002)
    assert found["corrections"] == []


def test_the_classic_mistakes_are_facts_of_proj() -> None:
    """EPSG:31300 is another Lambert; a datum shift that is left out is one of 100 m."""
    lambert_1972 = pyproj.Transformer.from_crs("EPSG:31300", "EPSG:31370", always_xy=True)
    place = np.array(MARKT_L72)
    assert np.hypot(*(lambert_1972.transform(*place) - place)) == pytest.approx(741.4, abs=2)
    unshifted = pyproj.Proj("EPSG:31370")(*MARKT_WGS84)
    assert np.hypot(*(np.array(unshifted) - place)) == pytest.approx(104, abs=1)
    assert np.hypot(*(np.array(recognise_one(*MARKT_WGS84)) - place)) < 0.01


def recognise_one(first: float, second: float) -> tuple[float, float]:
    found = recognised(first, second)
    return found["x_l72"], found["y_l72"]


def test_the_classic_mistakes_are_not_made() -> None:
    found = recognised(*MARKT_WGS84)
    place = np.array([found["x_l72"], found["y_l72"]])
    assert np.hypot(*(place - MARKT_WITHOUT_DATUM_SHIFT)) == pytest.approx(104.8, abs=0.1)
    assert np.hypot(*(place - MARKT_BY_EPSG_31300)) == pytest.approx(742.7, abs=0.1)


@pytest.mark.parametrize(
    ("first", "second", "declared", "method", "corrections"),
    [
        (45621.03, 172241.12, "EPSG:31370", "given_l72", []),
        (172241.12, 45621.03, "EPSG:31370", "given_l72", ["axes_swapped"]),
        (545621.28, 672229.07, "EPSG:31370", "given_l2008", ["lambert_2008"]),
        (672229.07, 545621.28, "EPSG:31370", "given_l2008", ["axes_swapped", "lambert_2008"]),
        (545621.28, 672229.07, "EPSG:3812", "given_l2008", []),
        (45621.03, 172241.12, "EPSG:4326", "given_l72", ["lambert_72"]),
        (50.8512, 2.8864, "EPSG:4326", "given_wgs84", ["axes_swapped"]),
        (2.8864, 50.8512, "EPSG:31370", "given_wgs84", ["wgs84"]),
        (2.8864, 50.8512, None, "given_wgs84", []),
        (45621030.0, 172241120.0, "EPSG:31370", "given_l72", ["decimal_point"]),
        (172241120.0, 45621030.0, "EPSG:31370", "given_l72", ["axes_swapped", "decimal_point"]),
        (4562103.0, 172241120.0, "EPSG:31370", "given_l72", ["decimal_point"]),
        (45621.03, 17224112.0, "EPSG:31370", "given_l72", ["decimal_point"]),
        (28864.0, 508512.0, "EPSG:4326", "given_wgs84", ["decimal_point"]),
        (54562128.0, 67222907.0, "EPSG:3812", "given_l2008", ["decimal_point"]),
    ],
)
def test_what_was_put_right(
    first: float, second: float, declared: str | None, method: str, corrections: list[str]
) -> None:
    found = recognised(first, second, declared)
    assert (found["method"], found["corrections"]) == (method, corrections)
    assert np.hypot(found["x_l72"] - MARKT_L72[0], found["y_l72"] - MARKT_L72[1]) < 2


@pytest.mark.parametrize(
    ("texts", "corrections"),
    [
        (("50°51'04.32\"N 2°53'11.04\"E",), ["degrees_minutes_seconds"]),
        (("50°51'04,32\"N, 2°53'11,04\"O",), ["degrees_minutes_seconds"]),
        (("N 50° 51.072' E 2° 53.184'",), ["degrees_minutes_seconds"]),
        (("2°53'11.04\"E", "50°51'04.32\"N"), ["degrees_minutes_seconds"]),
        (("2° 53’ 11,04”", "50° 51’ 4,32”"), ["degrees_minutes_seconds"]),
        (("50°51'04.32\"", "2°53'11.04\""), ["degrees_minutes_seconds", "axes_swapped"]),
        (("2°53'11.04\"W", "50°51'04.32\"N"), ["degrees_minutes_seconds", "out_of_range"]),
        (("7°53'11.04\"E", "50°51'04.32\"N"), ["degrees_minutes_seconds", "out_of_range"]),
    ],
)
def test_degrees_with_minutes_are_a_place_and_a_correction(
    texts: tuple[str, ...], corrections: list[str]
) -> None:
    first, second = [number for text in texts for number in degrees.parse(text)]
    found = recognised(first, second, degrees.SEXAGESIMAL)
    assert found["corrections"] == corrections
    if "out_of_range" not in corrections:
        assert found["method"] == "given_wgs84"
        assert np.hypot(found["x_l72"] - MARKT_L72[0], found["y_l72"] - MARKT_L72[1]) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "50,8512",
        "50.8512°",
        "50°61'04\"N",
        "50°51'64\"N",
        "N50°51'04\"N",
        "50°51'04\"N x",
        "50°51.5'04\"N",
        "50°51'04\"N 2°53'11\"E 1°1'1\"",
        *("51'04\"", "°''", "Dorpsstraat 14"),
    ],
)
def test_other_texts_are_no_degrees(text: str) -> None:
    assert degrees.parse(text) == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (0.0, 0.0),
        (-45621.0, 172241.0),
        (4.35, 50.85),  # Brussel
        (150000.0, 170000.0),  # Brussel
        (45621.0, 0.0),
        (1.0, 1.0),
        (float("nan"), 172241.0),
        (45621.0, float("nan")),
        (float("inf"), 172241.0),
        (45621.0, 45621.0),
    ],
)
def test_what_is_no_place_here_says_so(first: float, second: float) -> None:
    found = recognised(first, second, "EPSG:31370")
    assert found["method"] is None
    assert found["corrections"] == ["out_of_range"]
    assert np.isnan(found["x_l72"]) and np.isnan(found["y_l72"])


def test_no_numbers_are_no_mistake() -> None:
    found = recognised(float("nan"), float("nan"), "EPSG:31370")
    assert found["method"] is None
    assert found["corrections"] == []


@lru_cache
def from_wgs84(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


@given(
    lon=st.floats(2.56, 3.09),
    lat=st.floats(50.70, 51.15),
    crs=st.sampled_from(["EPSG:31370", "EPSG:3812", "EPSG:4326"]),
    is_swapped=st.booleans(),
    declared=st.sampled_from([None, "EPSG:31370", "EPSG:3812", "EPSG:4326"]),
)
def test_any_point_comes_back_however_it_is_written(
    lon: float, lat: float, crs: str, is_swapped: bool, declared: str | None
) -> None:
    x, y = from_wgs84("EPSG:31370").transform(lon, lat)
    a, b = from_wgs84(crs).transform(lon, lat)
    found = recognised(*((b, a) if is_swapped else (a, b)), declared)
    assert np.hypot(found["x_l72"] - x, found["y_l72"] - y) < 0.01
    assert ("axes_swapped" in found["corrections"]) == is_swapped
    assert "decimal_point" not in found["corrections"]


@given(
    x_cm=st.integers(2_100_000, 6_100_000),
    y_cm=st.integers(15_400_000, 20_700_000),
    power=st.integers(1, 6),
    is_swapped=st.booleans(),
)
def test_a_lost_decimal_point_is_found_again(x_cm: int, y_cm: int, power: int, is_swapped: bool) -> None:
    pair = (x_cm / 100 * 10**power, y_cm / 100 * 10**power)
    found = recognised(*(pair[::-1] if is_swapped else pair), "EPSG:31370")
    assert found["x_l72"] == pytest.approx(x_cm / 100, abs=1e-4)
    assert found["y_l72"] == pytest.approx(y_cm / 100, abs=1e-4)


def test_rows_do_not_influence_each_other() -> None:
    pairs = [MARKT_L72, MARKT_WGS84[::-1], (0.0, 0.0), (45621030.0, 172241120.0), MARKT_L2008]
    frame = recognise(
        np.array([a for a, _ in pairs]),
        np.array([b for _, b in pairs]),
        pd.Series(["EPSG:31370"] * 5, index=[50, 40, 30, 20, 10], dtype=object),
    )
    assert frame.index.tolist() == [50, 40, 30, 20, 10]
    alone = pd.DataFrame([recognised(*pair, "EPSG:31370") for pair in pairs], index=frame.index)
    pd.testing.assert_frame_equal(frame, alone, check_dtype=False)


# -- the parser --------------------------------------------------------------------------------

AT, OPPOSITE, NEAR = Relation.AT, Relation.OPPOSITE, Relation.NEAR
BETWEEN, CORNER, ALONG = Relation.BETWEEN, Relation.CORNER, Relation.ALONG


@pytest.mark.parametrize(
    ("text", "likeliest"),
    [
        ("Dorpsstraat 14", Reading("Dorpsstraat", AT, "14")),
        ("  Dorpsstraat   14 ", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat nr 14", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat, nr. 14", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat 14a", Reading("Dorpsstraat", AT, "14A")),
        ("Dorpsstraat 14 B", Reading("Dorpsstraat", AT, "14B")),
        ("Dorpsstraat 14bis", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat 14/3", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat 14 bus 3", Reading("Dorpsstraat", AT, "14")),
        ("14 Dorpsstraat", Reading("Dorpsstraat", AT, "14")),
        ("voor nr 5 Dorpsstraat", Reading("Dorpsstraat", AT, "5")),
        ("Dorpsstraat vóór 5", Reading("Dorpsstraat", AT, "5")),
        ("Dorpsstraat 14 aan bushalte", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat 14, op 3 m van de gevel", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstraat (naast de kerk) 14", Reading("Dorpsstraat", AT, "14")),
        ("Dorpsstr. t.o. 14", Reading("Dorpsstr", OPPOSITE, "14")),
        ("Dorpsstraat t/o 14", Reading("Dorpsstraat", OPPOSITE, "14")),
        ("Dorpsstraat tov nr 14", Reading("Dorpsstraat", OPPOSITE, "14")),
        ("Dorpsstraat schuin tegenover nr. 14", Reading("Dorpsstraat", OPPOSITE, "14")),
        ("T.O. 14 DORPSSTRAAT", Reading("DORPSSTRAAT", OPPOSITE, "14")),
        ("thv nr 12A bus 3 Dorpsstraat", Reading("Dorpsstraat", NEAR, "12A")),
        ("Dorpsstraat t.h.v. 12", Reading("Dorpsstraat", NEAR, "12")),
        ("Dorpsstraat ter hoogte van huisnummer 12 a", Reading("Dorpsstraat", NEAR, "12A")),
        ("Dorpsstraat naast 12", Reading("Dorpsstraat", NEAR, "12")),
        ("thv nr 36 de Stuersstraat", Reading("de Stuersstraat", NEAR, "36")),
        ("Dorpsstraat tussen 14 en 18", Reading("Dorpsstraat", BETWEEN, "14", "18")),
        ("tussen nr 14 en nr 18 Dorpsstraat", Reading("Dorpsstraat", BETWEEN, "14", "18")),
        ("Dorpsstraat tss 14-18", Reading("Dorpsstraat", BETWEEN, "14", "18")),
        ("Dorpsstraat 14-18", Reading("Dorpsstraat", BETWEEN, "14", "18")),
        ("Kerkstraat 14 hoek Markt", Reading("Kerkstraat", AT, "14")),
        ("Dorpsstraat", Reading("Dorpsstraat", ALONG)),
        ("Kromme Hoek", Reading("Kromme Hoek", ALONG)),
        ("Kromme Hoek 5", Reading("Kromme Hoek", AT, "5")),
        ("Molenhoek 5", Reading("Molenhoek", AT, "5")),
        ("Dorpsstraat 14, 8970 Poperinge", Reading("Dorpsstraat", AT, "14", postcode="8970", nis="33021")),
        ("8978 Watou, Dorpsstraat 14", Reading("Dorpsstraat", AT, "14", postcode="8978", nis="33021")),
        ("8970 Poperinge Dorpsstraat 14", Reading("Dorpsstraat", AT, "14", postcode="8970", nis="33021")),
        ("Dorpsstraat 14 Poperinge", Reading("Dorpsstraat", AT, "14", nis="33021")),
        ("Dorpsstraat 14, Watou", Reading("Dorpsstraat", AT, "14", postcode="8978", nis="33021")),
        ("Watou, Dorpsstraat 14", Reading("Dorpsstraat", AT, "14", postcode="8978", nis="33021")),
        ("13de-Liniestraat 4", Reading("13de-Liniestraat", AT, "4")),
        ("11 Novemberstraat 5", Reading("11 Novemberstraat", AT, "5")),
        ("Dr. A. Depagelaan 12", Reading("Dr. A. Depagelaan", AT, "12")),
    ],
)
def test_the_likeliest_reading(text: str, likeliest: Reading) -> None:
    assert readings(text)[0] == likeliest


@pytest.mark.parametrize(
    "text",
    [
        "hoek Kerkstraat / Markt",
        "Hoek Kerkstraat met Markt",
        "Kerkstraat hoek Markt",
        "op de hoek van Kerkstraat en Markt",
        "hk Kerkstraat - Markt",
        "Kerkstraat/Markt",
        "kruispunt Kerkstraat x Markt",
    ],
)
def test_a_corner_comes_after_the_text_taken_literally(text: str) -> None:
    literally, corner = readings(text)[:2]
    assert literally.relation is ALONG
    assert corner == Reading("Kerkstraat", CORNER, cross_street="Markt")


@pytest.mark.parametrize("text", ["", " ", "14", "t.o.", "-", "8970", "()", "?"])
def test_a_text_without_a_name_has_no_reading(text: str) -> None:
    assert readings(text) == ()


def test_a_street_that_opens_with_a_number_is_among_the_readings() -> None:
    assert Reading("11 Novemberstraat", ALONG) in readings("11 Novemberstraat")


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    found = readings(text)
    assert len(set(found)) == len(found)
    assert all(reading.street.strip() for reading in found)


# -- the resolver ------------------------------------------------------------------------------

POPERINGE, IEPER = "33021", "33011"
DORPSSTRAAT = [(n, 34000 + 10 * n, 172000) for n in (2, 4, 8, 10, 12, 16, 18, 20)]
ADDRESSES: list[tuple[str, str, str, str, float, float]] = [
    *((POPERINGE, "8970", "Dorpsstraat", str(n), x, y) for n, x, y in DORPSSTRAAT),
    *((POPERINGE, "8970", "Dorpsstraat", str(n), 34000 + 10 * n, 172020) for n in (1, 3, 5)),
    (POPERINGE, "8970", "Dorpsstraat", "12A", 34125, 172000),
    (POPERINGE, "8970", "Dorpsstraat", "14", 0, 0),
    *((POPERINGE, "8970", "Kerkstraat", str(n), 34210, 172010 + 10 * (n - 1)) for n in (1, 3, 5)),
    *((POPERINGE, "8978", "Kerkstraat", str(n), 26000, 171000 + 10 * n) for n in (1, 2, 40)),
    *((POPERINGE, "8970", "Polderweg", str(n), 30000 + x, 170000) for n, x in
      ((1, 0), (2, 100), (3, 300), (4, 400), (5, 900))),
    (POPERINGE, "8970", "Bergstraat", "1", 35000, 173000),
    (POPERINGE, "8970", "Burgstraat", "1", 36000, 173000),
    (POPERINGE, "8970", "11 Novemberstraat", "5", 35500, 174000),
    (POPERINGE, "8970", "Middenstraat", "2", 33000, 175000),
    (POPERINGE, "8970", "Middenstraat_02", "7", 37000, 176000),
    (POPERINGE, "8970", "Veldweg", "3", 31000, 176000),
    (POPERINGE, "8970", "Veldweg", "3", 31000, 176900),
    (POPERINGE, "8970", "Nieuwe Kouter", "1", 0, 0),
    (IEPER, "8900", "Meensestraat", "8", 46000, 172000),
]  # fmt: skip


def write_addresses(path: Path) -> None:
    header = "EPSG:31370_x,EPSG:31370_y,house_number,municipality_id,postcode,streetname_nl,status"
    lines = [
        f"{x},{y},{number},{nis},{postcode},{street},current"
        for nis, postcode, street, number, x, y in ADDRESSES
    ]
    path.write_text("\n".join([header, *lines]), encoding="utf-8")


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    folder = tmp_path_factory.mktemp("gazetteer")
    engine = store.create_engine(f"sqlite:///{folder}/hydrants.sqlite")
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    write_addresses(folder / "addresses.csv")
    addresses.load(engine, folder / "landing", folder / "addresses.csv")
    with store.read(engine) as connection:
        return Gazetteer(connection, [POPERINGE, IEPER])


NUMBER, INTERPOLATED, STREET = "address_number", "address_interpolated", "address_street"


@pytest.mark.parametrize(
    ("text", "street", "place"),
    [
        ("Dorpsstraat 8", "Dorpsstraat", (34080, 172000, NUMBER, 15)),
        ("DORPSSTR. t.o. 8", "Dorpsstraat", (34080, 172000, NUMBER, 25)),
        ("thv nr 12a bus 3 Dorpsstraat", "Dorpsstraat", (34125, 172000, NUMBER, 15)),
        ("Dorpsstraat 12C", "Dorpsstraat", (34120, 172000, NUMBER, 40)),  # no 12C: the 12
        ("Dorpsstraat 8A", "Dorpsstraat", (34080, 172000, NUMBER, 40)),
        ("Dorpsstraat 6", "Dorpsstraat", (34060, 172000, INTERPOLATED, 30)),  # between 4 and 8
        ("Dorpsstraat 14", "Dorpsstraat", (34141.25, 172000, INTERPOLATED, 30)),  # 12 and 12A; 16
        ("Dorpsstraat 7", "Dorpsstraat", (34050, 172020, INTERPOLATED, 30)),  # past 5, the last odd one
        ("Dorpsstraat 8-12", "Dorpsstraat", (34100, 172000, INTERPOLATED, 30)),
        ("Dorpsstraat tussen 2 en 20", "Dorpsstraat", (34110, 172000, INTERPOLATED, 45)),
        ("Polderweg", "Polderweg", (30300, 170000, STREET, 223.607)),
        ("Polderweg 99", "Polderweg", (30300, 170000, STREET, 223.607)),
        ("Polderweg aan de brug", "Polderweg", (30300, 170000, STREET, 223.607)),
        ("Polderweg Zuid", "Polderweg", (30300, 170000, STREET, 223.607)),
        ("11 Novemberstraat 5", "11 Novemberstraat", (35500, 174000, NUMBER, 15)),
        ("11 Novemberstraat", "11 Novemberstraat", (35500, 174000, STREET, 30)),
        ("hoek Kerkstraat / Dorpsstraat", "Kerkstraat", (34205, 172005, INTERPOLATED, 30)),
        ("Dorpsstraat hoek Kerkstr.", "Dorpsstraat", (34205, 172005, INTERPOLATED, 30)),
        ("hoek Polderweg / Dorpsstraat", "Polderweg", (30300, 170000, STREET, 223.607)),  # 3 km apart
        ("Kerkstraat 40", "Kerkstraat", (26000, 171400, NUMBER, 15)),  # only Watou has a 40
        ("Kerkstraat 1, 8978 Watou", "Kerkstraat", (26000, 171010, NUMBER, 15)),
        ("Kerkstraat 1", "Kerkstraat", None),  # in both villages
        ("Kerkstraat", "Kerkstraat", None),
        ("Kerkstraat Watou", "Kerkstraat", (26000, 171020, STREET, 155.188)),
        ("Middenstraat 7", "Middenstraat_02", (37000, 176000, NUMBER, 15)),
        ("Veldweg 3", "Veldweg", None),  # the list has it twice, 900 m apart
        ("Nieuwe Kouter 1", "Nieuwe Kouter", None),  # the list has no position
        ("Dorpstraat 8", "Dorpsstraat", (34080, 172000, NUMBER, 15)),
        ("Dopsrstraat 8", "Dorpsstraat", (34080, 172000, NUMBER, 15)),
        ("Bargstraat 1", None, None),  # Bergstraat or Burgstraat
        ("Stationsstraat 8", None, None),
        ("Meensestraat 8", None, None),  # in another gemeente
        ("tussen 14 en 18", None, None),
        ("aan de kerk", None, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_where_a_text_leads(
    gazetteer: Gazetteer, text: str, street: str | None, place: tuple[float, float, str, float] | None
) -> None:
    resolution = gazetteer.resolve(POPERINGE, text)
    assert resolution.street == street
    if place is None:
        assert resolution.place is None
    else:
        assert resolution.place is not None
        assert resolution.place.method == place[2]
        assert resolution.place[:2] == pytest.approx(place[:2], abs=0.001)
        assert resolution.place.accuracy_m == pytest.approx(place[3], abs=0.001)


def test_the_postcode_of_the_row_decides_between_villages(gazetteer: Gazetteer) -> None:
    assert gazetteer.resolve(POPERINGE, "Kerkstraat 1", "8978").place == (26000, 171010, NUMBER, 15)
    assert gazetteer.resolve(POPERINGE, "Kerkstraat 1", "8970").place == (34210, 172010, NUMBER, 15)


@pytest.mark.parametrize(
    ("text", "near", "place"),
    [
        ("Kerkstraat 1", (34500, 172300), (34210, 172010)),
        ("Kerkstraat 1", (26900, 171000), (26000, 171010)),
        ("Kerkstraat", (26100, 171000), (26000, 171020)),
        ("Kerkstraat 1", (30000, 171500), None),  # halfway between the villages
        ("Kerkstraat 1", (34210, 179000), None),  # near neither
        ("Kerkstraat 1", (float("nan"), float("nan")), None),
        ("Kerkstraat 40", (34210, 172010), (26000, 171400)),  # certain: the point does not matter
        ("Stationsstraat 8", (34210, 172010), None),
    ],
)
def test_coordinates_decide_between_villages_only(
    gazetteer: Gazetteer, text: str, near: tuple[float, float], place: tuple[float, float] | None
) -> None:
    found = gazetteer.resolve(POPERINGE, text).near(*near)
    assert (found and found[:2]) == place


@pytest.mark.skipif(not CRAB.is_file(), reason=f"no {CRAB.name} in shared/data beside the repository")
def test_a_real_address_list_as_crews_would_write_it(tmp_path: Path) -> None:
    engine = store.create_engine(f"sqlite:///{tmp_path}/hydrants.sqlite")
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    addresses.load(engine, tmp_path / "landing", CRAB)
    asked = addresses.read(CRAB).dropna(subset=["x_l72"]).sample(3_000, random_state=7)
    forms = ["{} {}", "{} t.o. {}", "{}, nr. {}", "{1} {0}", "thv nr {1} {0}", "{} tegenover {} bus 2"]
    with store.read(engine) as connection:
        gazetteer = Gazetteer(connection, asked["nis"].unique())
    right = sure_and_wrong = 0
    for number, row in enumerate(asked.itertuples()):
        street = row.street.replace("straat", "str.") if number % 3 == 0 else row.street
        place = gazetteer.resolve(row.nis, forms[number % len(forms)].format(street, row.house_number)).place
        distance_m = np.inf if place is None else np.hypot(place.x_l72 - row.x_l72, place.y_l72 - row.y_l72)
        right += distance_m < 50
        sure_and_wrong += place is not None and place.method == NUMBER and distance_m > 100
    assert right / len(asked) > 0.97
    assert sure_and_wrong / len(asked) < 0.005


# -- the stage ---------------------------------------------------------------------------------

# A rectangle of degrees instead of Poperinge; one degree of longitude is 70.3 km here.
BOUNDARY = {"west": 2.68, "east": 2.78, "south": 50.82, "north": 50.90}


def write_boundaries(path: Path, east: float = BOUNDARY["east"]) -> None:
    box = shapely.box(BOUNDARY["west"], BOUNDARY["south"], east, BOUNDARY["north"])
    feature = {"type": "Feature", "properties": {"nis": POPERINGE}, "geometry": shapely.geometry.mapping(box)}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")


@pytest.fixture
def world(engine: sa.Engine, settings: Settings) -> sa.Engine:
    """Boundaries and addresses in place, no uploads yet."""
    write_boundaries(settings.boundaries)
    write_addresses(settings.addresses)
    addresses.load(engine, settings.landing, settings.addresses)
    return engine


def put_upload(engine: sa.Engine, upload_id: int, *rows: dict[str, Any]) -> None:
    """An upload as validation leaves it; each row: columns of record, and `disposition`."""
    with store.write(engine) as connection:
        upload = {
            "upload_id": upload_id,
            "sha256": f"{upload_id:064x}",
            "contractor": "westlandia",
            "nis": POPERINGE,
            "file_name": f"{upload_id}.csv",
            "size_bytes": 1,
            "landed_at": store.utc_now(),
        }
        store.insert_rows(connection, tables.upload, [upload])
        for number, row in enumerate(rows, start=1):
            row = {"disposition": "accepted", **row}
            row_id = upload_id * tables.ROWS_PER_UPLOAD + number
            key = {"row_id": row_id, "upload_id": upload_id}
            raw = {**key, "sheet_number": 1, "row_number": number, "cells": []}
            store.insert_rows(connection, tables.raw_row, [raw])
            store.insert_rows(
                connection, tables.ledger, [{**key, "disposition": row.pop("disposition"), "reasons": []}]
            )
            record = {
                **key,
                "contractor": "westlandia",
                "nis": POPERINGE,
                "inspected_on": date(2019, 5, 1),
                "outcome": "ok",
                "is_reinspection": False,
                "is_withdrawn": False,
                "photos": [],
                "defects": [],
                **row,
            }
            store.insert_rows(connection, tables.record, [record])
        validated(connection, upload_id, "first")


def validated(connection: sa.Connection, upload_id: int, inputs: str) -> None:
    store.mark_done(connection, "validation", f"upload:{upload_id}", store.fingerprint(inputs), {})


def run(engine: sa.Engine, settings: Settings) -> dict[str, int]:
    return geocoding.run(engine, settings, "westlandia", POPERINGE)


def locations(engine: sa.Engine) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        query = sa.select(tables.location).order_by(tables.location.c.row_id)
        return [dict(row) for row in connection.execute(query).mappings()]


def test_coordinates_win_and_the_address_stands_beside_them(world: sa.Engine, settings: Settings) -> None:
    put_upload(
        world,
        1,
        {
            "x_given": 172003.0,
            "y_given": 34084.0,
            "crs_given": "EPSG:31370",
            "address_text": "Dorpsstr. t.o. 8",
        },
        {"address_text": "Polderweg"},
        {"x_given": 0.0, "y_given": 0.0, "address_text": "Dorpsstraat 8"},
        {"x_given": 2.7256, "y_given": 50.8553, "crs_given": "EPSG:4326"},
        {"address_text": "onvindbare plek"},
        {"x_given": 26040.0, "y_given": 171000.0, "address_text": "Kerkstraat 1"},
        {"address_text": "Kerkstraat 1"},
    )
    assert run(world, settings) == {"located": 5, "unlocated": 2}
    swapped, street, address, phone, nowhere, in_watou, in_some_village = locations(world)
    assert swapped == {
        "row_id": 10_000_001,
        "upload_id": 1,
        "x_l72": 34084.0,
        "y_l72": 172003.0,
        "location_method": "given_l72",
        "location_accuracy_m": 4.0,
        "corrections": ["axes_swapped"],
        "is_outside_gemeente": False,
        "is_outside_deelgemeente": None,
        "street": "Dorpsstraat",
        "address_x_l72": 34080.0,
        "address_y_l72": 172000.0,
        "address_method": "address_number",
        "address_accuracy_m": 25.0,
    }
    assert (street["x_l72"], street["y_l72"], street["location_method"]) == (30300.0, 170000.0, STREET)
    assert street["location_accuracy_m"] == street["address_accuracy_m"] == pytest.approx(223.607, abs=0.001)
    assert (address["x_l72"], address["location_method"]) == (34080.0, NUMBER)
    assert address["corrections"] == ["out_of_range"]
    assert (phone["x_l72"], phone["y_l72"]) == pytest.approx((34310.236, 172935.290), abs=0.002)
    assert (phone["location_method"], phone["street"], phone["address_x_l72"]) == ("given_wgs84", None, None)
    assert (in_watou["x_l72"], in_watou["address_x_l72"], in_watou["address_y_l72"]) == (26040, 26000, 171010)
    assert (in_some_village["street"], in_some_village["location_method"]) == ("Kerkstraat", "none")
    assert nowhere["location_method"] == "none"
    assert [
        nowhere[name] for name in ("x_l72", "y_l72", "location_accuracy_m", "street", "address_method")
    ] == [None] * 5


def test_outside_is_more_than_250_m_outside(world: sa.Engine, settings: Settings) -> None:
    put_upload(
        world,
        1,
        {"x_given": 2.6772, "y_given": 50.86},  # 197 m west of the border
        {"x_given": 2.6758, "y_given": 50.86},  # 295 m
        {"x_given": 2.70, "y_given": 50.86},
        {"address_text": "Kerkstraat 40"},  # at x 26 000: 5 km west
        {},
    )
    run(world, settings)
    assert [row["is_outside_gemeente"] for row in locations(world)] == [False, True, False, True, False]


def test_only_accepted_rows_are_located(world: sa.Engine, settings: Settings) -> None:
    put_upload(
        world, 1, {"address_text": "Polderweg"}, {"address_text": "Polderweg", "disposition": "duplicate"}
    )
    assert run(world, settings) == {"located": 1, "unlocated": 0}
    assert [row["row_id"] for row in locations(world)] == [10_000_001]

    with store.write(world) as connection:  # another upload made the first row a duplicate
        connection.execute(sa.update(tables.ledger).values(disposition="duplicate"))
        validated(connection, 1, "second")
    assert run(world, settings) == {"located": 0, "unlocated": 0}
    assert locations(world) == []


def test_a_rerun_does_nothing_and_a_new_upload_only_itself(world: sa.Engine, settings: Settings) -> None:
    put_upload(world, 1, {"address_text": "Polderweg"})
    run(world, settings)
    before = locations(world)
    assert run(world, settings) == {"located": 0, "unlocated": 0}
    put_upload(world, 2, {"address_text": "nergens"}, {"x_given": 34000.0, "y_given": 172000.0})
    assert run(world, settings) == {"located": 1, "unlocated": 1}
    assert locations(world)[:1] == before
    assert len(locations(world)) == 3


def test_changed_inputs_are_computed_anew(world: sa.Engine, settings: Settings) -> None:
    put_upload(world, 1, {"address_text": "Polderweg 1"}, {"x_given": 2.775, "y_given": 50.86})
    run(world, settings)
    assert [row["is_outside_gemeente"] for row in locations(world)] == [True, False]

    write_boundaries(settings.boundaries, east=2.76)  # 1 km farther west
    assert run(world, settings) == {"located": 2, "unlocated": 0}
    assert [row["is_outside_gemeente"] for row in locations(world)] == [True, True]

    text = settings.addresses.read_text(encoding="utf-8")
    settings.addresses.write_text(text.replace("30000,170000,1,", "30001,170000,1,"), encoding="utf-8")
    addresses.load(world, settings.landing, settings.addresses)
    assert run(world, settings) == {"located": 2, "unlocated": 0}
    assert [row["address_x_l72"] for row in locations(world)] == [30001.0, None]


def test_an_upload_that_is_not_validated_waits(world: sa.Engine, settings: Settings) -> None:
    put_upload(world, 1, {"address_text": "Polderweg"})
    with store.write(world) as connection:
        connection.execute(sa.delete(tables.stage_state).where(tables.stage_state.c.stage == "validation"))
    assert run(world, settings) == {"located": 0, "unlocated": 0}
    assert locations(world) == []


def test_no_boundaries_is_an_error_and_leaves_nothing_half_done(world: sa.Engine, settings: Settings) -> None:
    put_upload(
        world, 1, {"address_text": "Polderweg"}, {"nis": IEPER, "x_given": 45621.0, "y_given": 172241.0}
    )
    with pytest.raises(ReferenceMissing, match="33011"):  # no polygon of Ieper
        run(world, settings)
    assert locations(world) == []
    settings.boundaries.unlink()
    with pytest.raises(ReferenceMissing, match="HYDRANTS_BOUNDARIES"):
        run(world, settings)


@pytest.mark.skipif(not STATBEL.is_file(), reason=f"no {STATBEL.name} in shared/data beside the repository")
@pytest.mark.skipif(not CRAB.is_file(), reason=f"no {CRAB.name} in shared/data beside the repository")
def test_real_addresses_lie_in_their_real_gemeente() -> None:
    frame = addresses.read(CRAB).dropna(subset=["x_l72"])
    outside = geocoding.is_outside(
        frame["x_l72"].to_numpy(), frame["y_l72"].to_numpy(), frame["nis"], boundaries.load(STATBEL)
    )
    assert outside.sum() == 0
