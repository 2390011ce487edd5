"""Address texts as crews write them: what is read, where it leads, and that the fast way says the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from hydrants import reference, store
from hydrants.geocoding.near_names import NearNames
from hydrants.geocoding.parser import Relation, readings, with_single_spaces
from hydrants.geocoding.resolver import Gazetteer, Outcome
from hydrants.geocoding.streets import Street
from hydrants.reference import addresses
from hydrants.reference.place_names import Village, villages
from scripts.address_verdicts import verdict
from scripts.written_addresses import FORMS, Written, write

CRAB = Path(__file__).resolve().parents[2] / "shared" / "data" / "crab_westhoek_2014-10.csv"
POPERINGE, IEPER, DIKSMUIDE = "33021", "33011", "32003"

AT, OPPOSITE, NEAR, BETWEEN, CORNER, ALONG = (
    *(Relation.AT, Relation.OPPOSITE, Relation.NEAR, Relation.BETWEEN, Relation.CORNER, Relation.ALONG),
)


def _street(
    nis: str, postcode: str, name: str, x: float, y: float, numbers: range
) -> list[tuple[object, ...]]:
    """Houses every 10 m of house number, eastwards from (x, y)."""
    return [(nis, postcode, name, str(n), x + 5.0 * n, y + 10.0 * (n % 2)) for n in numbers]


ROWS: list[tuple[object, ...]] = [
    *_street(POPERINGE, "8970", "Dorpsstraat", 34000, 172000, range(1, 41)),
    *_street(POPERINGE, "8970", "Kerkstraat", 34205, 172030, range(1, 21)),
    *_street(POPERINGE, "8978", "Kerkstraat", 26000, 171000, range(1, 31)),
    *_street(POPERINGE, "8970", "Markt", 34300, 172060, range(1, 11)),
    *_street(POPERINGE, "8970", "Sint-Jansstraat", 30000, 170000, range(1, 31)),
    *_street(POPERINGE, "8970", "Hendrik Deberghstraat", 31000, 170500, range(1, 21)),
    *_street(POPERINGE, "8970", "Oude Ieperstraat", 32000, 170500, range(1, 21)),
    *_street(POPERINGE, "8970", "Bergstraat", 35000, 173000, range(1, 11)),
    *_street(POPERINGE, "8970", "Burgstraat", 36000, 173000, range(1, 11)),
    *_street(POPERINGE, "8978", "Burchtstraat", 26500, 171500, range(1, 11)),
    *_street(POPERINGE, "8970", "De Lijster", 33500, 174500, range(1, 21)),
    *_street(POPERINGE, "8970", "Kromme Hoek", 33600, 175500, range(1, 21)),
    *_street(POPERINGE, "8970", "Watou Dorp", 33700, 176500, range(1, 11)),
    *_street(POPERINGE, "8970", "Provenseweg (N308)", 29000, 174000, range(1, 21)),
    *_street(DIKSMUIDE, "8600", "8ste-Liniestraat", 47000, 195000, range(1, 21)),
    *_street(DIKSMUIDE, "8600", "4e-Liniestraat", 48000, 195000, range(1, 21)),
    *_street(IEPER, "8900", "Meensestraat", 46000, 172000, range(1, 21)),
]  # fmt: skip
COLUMNS = ["nis", "postcode", "street", "house_number", "x_l72", "y_l72"]


def gazetteer_of(folder: Path, rows: pd.DataFrame) -> Gazetteer:
    """A gazetteer of these rows only, through the address table."""
    path = folder / "addresses.csv"
    columns = {
        "nis": "niscode",
        "street": "straatnaam",
        "house_number": "huisnummer",
        "x_l72": "x",
        "y_l72": "y",
    }
    rows[COLUMNS].rename(columns=columns).to_csv(path, index=False)
    engine = store.create_engine(f"sqlite:///{folder}/hydrants.sqlite")
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    addresses.load(engine, folder / "landing", path)
    with store.read(engine) as connection:
        return Gazetteer(connection, list(reference.gemeenten()))


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return gazetteer_of(tmp_path_factory.mktemp("gazetteer"), pd.DataFrame(ROWS, columns=COLUMNS))


# -- what is read ------------------------------------------------------------------------------

FOUND, AMBIGUOUS, UNKNOWN = Outcome.FOUND, Outcome.AMBIGUOUS, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("text", "street", "relation", "number", "second"),
    [
        ("Dorpsstraat 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstr. t.o. 14", "Dorpsstraat", OPPOSITE, "14", None),
        ("DORPSSTR TO 14", "Dorpsstraat", OPPOSITE, "14", None),
        ("dorpsstraat rechtover nr. 14", "Dorpsstraat", OPPOSITE, "14", None),
        ("Dorpsstraat schuin tegenover 14 (aan de haag)", "Dorpsstraat", OPPOSITE, "14", None),
        ("Dorpsstraat (t.o. 14)", "Dorpsstraat", OPPOSITE, "14", None),
        ("Dorpsstraat (14)", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat thv nr 12A bus 3", "Dorpsstraat", NEAR, "12A", None),
        ("thv nr 12A bus 3, Dorpsstraat", "Dorpsstraat", NEAR, "12A", None),
        ("Dorpsstraat thv12", "Dorpsstraat", NEAR, "12", None),
        ("Dorpsstraat nr14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat hnr. 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat n° 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat naast 14 B", "Dorpsstraat", NEAR, "14B", None),
        ("Dorpsstraat voor 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat 14/3", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat tussen 14 en 18", "Dorpsstraat", BETWEEN, "14", "18"),
        ("Dorpsstraat tussen nr 14 en nr 18", "Dorpsstraat", BETWEEN, "14", "18"),
        ("tussen 14 en 18 Dorpsstraat", "Dorpsstraat", BETWEEN, "14", "18"),
        ("Dorpsstraat 14-18", "Dorpsstraat", BETWEEN, "14", "18"),
        ("Dorpsstraat 14 - 18", "Dorpsstraat", BETWEEN, "14", "18"),
        ("14 Dorpsstraat", "Dorpsstraat", AT, "14", None),
        ("t.o. 14 Dorpsstraat", "Dorpsstraat", OPPOSITE, "14", None),
        ("Dorpsstraat 14, 8970 Poperinge", "Dorpsstraat", AT, "14", None),
        ("8970 Poperinge, Dorpsstraat t.o. 14", "Dorpsstraat", OPPOSITE, "14", None),
        ("Dorpsstraat 8970 Poperinge nr 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat 14 Poperinge", "Dorpsstraat", AT, "14", None),
        ("POPERINGE, DORPSSTRAAT 14", "Dorpsstraat", AT, "14", None),
        ("Dorpsstraat", "Dorpsstraat", ALONG, None, None),
        ("in de Dorpsstraat", "Dorpsstraat", ALONG, None, None),
        ("Dorpsstraat aan de kerk", "Dorpsstraat", ALONG, None, None),
        ("hoek Dorpsstraat / Kerkstraat", "Dorpsstraat", CORNER, None, None),
        ("Dorpsstr. hoek Kerkstr.", "Dorpsstraat", CORNER, None, None),
        ("Dorpsstraat/Kerkstraat", "Dorpsstraat", CORNER, None, None),
        ("Dorpstraat 14", "Dorpsstraat", AT, "14", None),
        ("Dropsstraat 14", "Dorpsstraat", AT, "14", None),
        ("Dorpxstr. 14", "Dorpsstraat", AT, "14", None),
        ("Dorpssrt. 14", "Dorpsstraat", AT, "14", None),
        ("Dorpssyr. 14", "Dorpsstraat", AT, "14", None),  # the slip is in the abbreviation
        ("St.Jansstr 14", "Sint-Jansstraat", AT, "14", None),
        ("St Janstraat 14", "Sint-Jansstraat", AT, "14", None),
        ("H. Deberghstraat 4", "Hendrik Deberghstraat", AT, "4", None),
        ("Deberghstr. 4", "Hendrik Deberghstraat", AT, "4", None),
        ("Ieperstraat 4", None, AT, "4", None),  # not Oude Ieperstraat
        ("De Lijster 9", "De Lijster", AT, "9", None),
        ("Lijster 9", "De Lijster", AT, "9", None),
        ("Kromme Hoek 5", "Kromme Hoek", AT, "5", None),
        ("Watou Dorp 5", "Watou Dorp", AT, "5", None),  # a street, not a village
    ],
)
def test_what_a_text_says(
    gazetteer: Gazetteer,
    text: str,
    street: str | None,
    relation: Relation,
    number: str | None,
    second: str | None,
) -> None:
    found = gazetteer.resolve(POPERINGE, text, "8970")
    assert found.street == street
    assert found.reading is not None
    assert (found.reading.relation, found.reading.number, found.reading.second_number) == (
        relation,
        number,
        second,
    )


@pytest.mark.parametrize(
    ("text", "street", "road", "km"),
    [
        ("N8 km 3,2", None, "N8", 3.2),
        ("N8 km3.2", None, "N8", 3.2),
        ("N 8, 3,2 km", None, "N8", 3.2),
        ("n 8 kmpaal 3", None, "N8", 3.0),
        ("km 3,2 N8", None, "N8", 3.2),
        ("N8 richting Ieper", None, "N8", None),
        ("N8 km 3,2 richting Ieper", None, "N8", 3.2),
        ("N308 km 3,2", "Provenseweg (N308)", "N308", 3.2),
        ("Dorpsstraat N8 km 3,2", "Dorpsstraat", "N8", 3.2),
        ("Dorpsstraat (N8) 14", "Dorpsstraat", "N8", None),
        ("Dorpsstraat 14", "Dorpsstraat", None, None),
    ],
)
def test_numbered_roads(
    gazetteer: Gazetteer, text: str, street: str | None, road: str | None, km: float | None
) -> None:
    found = gazetteer.resolve(POPERINGE, text)
    assert found.street == street
    assert found.outcome == (UNKNOWN if street is None else FOUND)
    assert found.reading is not None
    assert (found.reading.road, found.reading.km) == (road, km)


@pytest.mark.parametrize(
    ("nis", "text", "postcode", "outcome", "street", "alternatives"),
    [
        (POPERINGE, "Kerkstraat 4", "8978", FOUND, "Kerkstraat", 0),
        (POPERINGE, "Kerkstraat 4", None, AMBIGUOUS, "Kerkstraat", 2),
        (POPERINGE, "Kerkstraat 25", None, FOUND, "Kerkstraat", 0),  # only Watou has a 25
        (POPERINGE, "Kerkstraat 4 Watou", None, FOUND, "Kerkstraat", 0),
        (POPERINGE, "Watou, Kerkstraat 4", None, FOUND, "Kerkstraat", 0),
        (POPERINGE, "Kerkstraat 4 (Watou)", "8970", FOUND, "Kerkstraat", 0),  # the text goes first
        (POPERINGE, "Kerkstraat 4, 8978 Watou", None, FOUND, "Kerkstraat", 0),
        (POPERINGE, "Kerkstraat 4, 8900 Ieper", None, UNKNOWN, None, 0),  # another gemeente
        (POPERINGE, "Kerkstraat 4 Boezinge", None, UNKNOWN, None, 0),
        (POPERINGE, "Bargstraat 4", "8970", AMBIGUOUS, None, 2),  # Bergstraat or Burgstraat
        (POPERINGE, "Burgstraat 4", "8978", FOUND, "Burgstraat", 0),
        (POPERINGE, "Stationsstraat 4", None, UNKNOWN, None, 0),
        (POPERINGE, "Mrakt 4", "8970", FOUND, "Markt", 0),
        (POPERINGE, "Mrkt 4", "8970", UNKNOWN, None, 0),  # too short for a guess
        (DIKSMUIDE, "8e Liniestr. 5", None, FOUND, "8ste-Liniestraat", 0),
        (DIKSMUIDE, "9e Liniestr. 5", None, UNKNOWN, None, 0),  # another number, no typo
        (DIKSMUIDE, "8ste-Linistraat 5", None, FOUND, "8ste-Liniestraat", 0),
    ],
)  # fmt: skip
def test_ambiguity_is_an_outcome(
    gazetteer: Gazetteer,
    nis: str,
    text: str,
    postcode: str | None,
    outcome: Outcome,
    street: str | None,
    alternatives: int,
) -> None:
    found = gazetteer.resolve(nis, text, postcode)
    assert (found.outcome, found.street, len(found.alternatives)) == (outcome, street, alternatives)


def test_a_name_elsewhere_does_not_hide_one_a_slip_away_in_the_postcode(tmp_path: Path) -> None:
    rows = [*_street(POPERINGE, "8970", "Bergstraat", 35000, 173000, range(1, 11)),
            *_street(POPERINGE, "8978", "Burgstraat", 26000, 171000, range(1, 11))]  # fmt: skip
    gazetteer = gazetteer_of(tmp_path, pd.DataFrame(rows, columns=COLUMNS))
    assert gazetteer.resolve(POPERINGE, "Bergstraat 4", "8970").outcome is FOUND
    both = gazetteer.resolve(POPERINGE, "Bergstraat 4", "8978")
    assert (both.street, {place.x_l72 for place in both.alternatives}) == (None, {35020.0, 26020.0})
    assert both.near(26000, 171100) == both.alternatives[1]


def test_a_number_that_the_list_lacks_lies_where_the_next_ones_tell() -> None:
    street = Street("Dorpsstraat", "8970")
    for number, x in (("2", 0.0), ("4", 40.0), ("8", 120.0), ("10A", 160.0), ("1", 10.0)):
        street.add(number, x, 0.0)
    between, letter, beyond, lone = (street.at(number) for number in ("6", "10", "12", "3"))
    assert [place[:3] for place in between] == [(80.0, 0.0, "address_interpolated")]
    assert [(place.x_l72, place.accuracy_m) for place in letter] == [(160.0, 40.0)]
    assert [(place.x_l72, place.accuracy_m) for place in beyond] == [(160.0, 40.0)]  # the last gap once more
    assert [(place.x_l72, place.accuracy_m) for place in lone] == [(10.0, 100.0)]
    assert street.at("40") == ()
    assert street.at("4", is_opposite=True) == (street.at("4")[0]._replace(accuracy_m=25.0),)


def test_streets_that_meet_twice_have_two_corners() -> None:
    ring, road = Street("Ringlaan", "8970"), Street("Dorpsstraat", "8970")
    for number, (x, y) in enumerate([(0, 20), (200, 300), (600, 300), (800, 20)], start=1):
        ring.add(str(number), x, y)
    for number, x in enumerate(range(0, 801, 100), start=1):
        road.add(str(number), x, 0)
    assert [place[:2] for place in ring.corners_with(road)] == [(0.0, 10.0), (800.0, 10.0)]
    assert len(road.corners_with(ring)) == 2
    assert ring.corners_with(Street("Nieuwstraat", "8970")) == ()


@given(st.text(st.sampled_from("ab \t\n\u00a0\u2003\u200be\u0301.é"), max_size=8))
def test_one_space_stands_between_words(text: str) -> None:
    assert with_single_spaces(text) == " ".join(unicodedata.normalize("NFC", text).split())


_KEYS = st.text("aby8", min_size=1, max_size=13)


@given(keys=st.lists(_KEYS, unique=True), written=_KEYS, most=st.sampled_from([1, 2]), at=st.integers(0, 12))
def test_near_names_are_those_that_comparing_all_finds(
    keys: list[str], written: str, most: int, at: int
) -> None:
    swapped = written[:at] + written[at : at + 2][::-1] + written[at + 2 :]
    near = [swapped, written[1:], f"b{written}", f"b{written[1:]}", written[: at - 1] + written[at:]]
    keys = list(dict.fromkeys(filter(None, [*keys, *near])))
    allowed = min(most, (len(written) >= 5) + (len(written) >= 11))
    alike = [
        (OSA.distance(written, key), len(key), position)
        for position, key in enumerate(keys)
        if [letter for letter in key if letter == "8"] == [letter for letter in written if letter == "8"]
        and (most == 1 or key[0] == written[0])
    ]
    expected = [(typos, keys[position]) for typos, _, position in sorted(alike) if typos <= allowed]
    assert NearNames(keys).within(written, most) == (expected if allowed else [])


def test_places_are_known_by_all_their_names() -> None:
    assert villages()["watou"] == Village(POPERINGE, "8978")
    assert villages()["roesbrugge"] == villages()["haringe"] == Village(POPERINGE, "8972")
    assert villages()["sintjan"] == Village(IEPER, "8900")
    assert villages()["poperinge"] == Village(POPERINGE, None)  # it has several postcodes
    assert villages()["mesen"] == Village("33016", "8957")
    by_postcode = reference.nis_by_postcode()
    assert all(by_postcode[v.postcode] == v.nis for v in villages().values() if v.postcode)


@pytest.mark.skipif(not CRAB.is_file(), reason=f"no {CRAB.name} in shared/data beside the repository")
def test_every_postcode_of_a_village_is_one_of_the_list() -> None:
    assert {v.postcode for v in villages().values()} - {None} <= set(addresses.read(CRAB)["postcode"])


# -- the fast way ------------------------------------------------------------------------------

_NAMES = [str(row[2]) for row in ROWS if row[3] == "5"]
_WORDS = st.sampled_from(
    [
        *_NAMES,
        *("Dorpstraat", "Dorpsstr.", "Kerkstr", "de", "in de", "aan", "hoek", "Watou", "8970", "Poperinge"),
        *("t.o.", "thv", "nr", "bus 3", "14", "12A", "3 B", "tussen", "en", "18", "14-18", "/", ",", "("),
        *("N8", "km 3,2", "ter hoogte van", "naast", "H.", "A", "e", "'s", "richting", "tss", "x", ")"),
    ]
)  # fmt: skip


@hypothesis_settings(max_examples=1500, deadline=None)
@example(["Watou", "x", "aan", "Dorpsstraat"], " ", None, POPERINGE)
@example(["Dorpsstraat", "14-18", "aan", "Watou"], " ", None, POPERINGE)
@example(["Dorpsstraat", "/", "tussen", "Dorpsstraat"], " ", None, POPERINGE)
@given(
    words=st.lists(_WORDS, min_size=1, max_size=6),
    separator=st.sampled_from([" ", " ", ", ", "  "]),
    postcode=st.sampled_from([None, "8970", "8978"]),
    nis=st.sampled_from([POPERINGE, DIKSMUIDE]),
)
def test_many_at_once_are_the_same_as_one_by_one(
    gazetteer: Gazetteer, words: list[str], separator: str, postcode: str | None, nis: str
) -> None:
    text = separator.join(words)
    assert gazetteer.resolve_all([nis], [text], [postcode]) == [gazetteer.resolve(nis, text, postcode)]


@given(text=st.text("DorpstaN8e't. ,-/()1234kmuhnvo", max_size=30), postcode=st.sampled_from([None, "8970"]))
def test_any_text_is_resolved_alike(gazetteer: Gazetteer, text: str, postcode: str | None) -> None:
    expected = gazetteer.resolve(POPERINGE, text, postcode)
    assert gazetteer.resolve_all([POPERINGE], [text], [postcode]) == [expected]


def test_answers_stand_in_the_order_of_the_questions(gazetteer: Gazetteer) -> None:
    nis = [POPERINGE, IEPER, POPERINGE, POPERINGE]
    texts = ["Markt 4", "Meensestraat 4", "Dorpsstraat 4", "Markt 4"]
    found = gazetteer.resolve_all(nis, texts, [None] * 4)
    assert [one.street for one in found] == ["Markt", "Meensestraat", "Dorpsstraat", "Markt"]
    assert gazetteer.resolve_all([], [], []) == []
    with pytest.raises(ValueError, match="length"):
        gazetteer.resolve_all([POPERINGE], ["Markt 4"], [])


# -- a whole address list, with slips and in all forms -----------------------------------------


@pytest.fixture(scope="module", params=["made up", "real"])
def listed(request: pytest.FixtureRequest) -> Iterator[pd.DataFrame]:
    """nis, postcode, street, house_number, x_l72, y_l72, gemeente."""
    if request.param == "real" and not CRAB.is_file():
        pytest.skip(f"no {CRAB.name} in shared/data beside the repository")
    rows = addresses.read(CRAB) if request.param == "real" else pd.DataFrame(ROWS, columns=COLUMNS)
    yield rows.assign(gemeente=rows["nis"].map({nis: g.name_nl for nis, g in reference.gemeenten().items()}))


def test_the_bars_hold_on_a_whole_list(listed: pd.DataFrame, tmp_path: Path) -> None:
    unlisted = set(listed.sample(frac=0.04, random_state=1).index)
    written = write(listed, unlisted, 6_000, seed=11)
    assert {one.form for one in written} == FORMS.keys()
    gazetteer = gazetteer_of(tmp_path, listed.drop(index=list(unlisted)))
    asked = [(one.nis, one.text, one.postcode) for one in written]
    resolved = gazetteer.resolve_all(*(list(column) for column in zip(*asked, strict=True)))
    assert resolved == [gazetteer.resolve(*one) for one in asked]

    verdicts = [verdict(one, found) for one, found in zip(written, resolved, strict=True)]
    street, number, wrong = (sum(column) / len(written) for column in zip(*verdicts, strict=True))
    assert street >= 0.97
    assert number >= 0.95
    assert wrong < 0.005


def test_the_verdict_tells_wrong_from_declared(gazetteer: Gazetteer) -> None:
    truth = Written("number", POPERINGE, "8970", "", ("Markt",), "4", None, 34320.0, 172060.0, True, 0)
    right, elsewhere, unknown = (
        gazetteer.resolve(POPERINGE, text, "8970") for text in ("Markt 4", "Bergstraat 4", "Nergens 4")
    )
    assert verdict(truth, right) == (True, True, False)
    assert verdict(truth, elsewhere) == (False, False, True)
    assert verdict(truth, unknown) == (False, True, False)
    assert verdict(truth, gazetteer.resolve(POPERINGE, "Markt 6", "8970")) == (True, False, True)
    assert verdict(truth._replace(x_l72=34000.0), right) == (True, True, True)
    road = truth._replace(form="road", streets=(), number=None, road="N8", km=3.2)
    assert verdict(road, gazetteer.resolve(POPERINGE, "N8 km 3,2")) == (True, True, False)
    assert verdict(road, gazetteer.resolve(POPERINGE, "N8 km 3,4")) == (False, False, False)
    assert verdict(road, right) == (False, False, True)


def test_every_reading_of_a_road_is_kept() -> None:
    assert [reading.street for reading in readings("N8 km 3,2 Dorpsstraat")] == ["Dorpsstraat", "N8"]
