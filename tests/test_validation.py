# ruff: noqa: DTZ001 - what people write down has no time zone
"""A row becomes an inspection by the profile, or is refused with reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants import reference
from hydrants.errors import UploadRejected
from hydrants.reference import profile
from hydrants.reference.profile import Family
from hydrants.validation import headings, values
from hydrants.validation.cells import ColumnParser
from hydrants.validation.headings import Column, Heading, NoHeading
from hydrants.validation.reasons import Refusal, Remarked
from hydrants.validation.rows import SheetParser, UploadFacts
from tests.batches import GOOD, HEADINGS

WESTLANDIA = profile.load("westlandia")


# -- cells: literal tables ---------------------------------------------------------------------


def parsed(field: str, text: str, family: Family = "csv", unit: str | None = None) -> Any:
    """The value, or the code of the refusal."""
    column = Column(0, field, unit)
    parser = values.parser(field, column, WESTLANDIA, family, date(2019, 1, 1), date(2019, 12, 31))  # type: ignore[arg-type]
    value = parser(text)
    if isinstance(value, Remarked):
        return value.value, value.remark.code
    return value.code if isinstance(value, Refusal) else value


@pytest.mark.parametrize(
    ("text", "in_csv", "in_xlsx"),
    [
        ("1.234,5", 1234.5, 1234.5),
        ("1234,5", 1234.5, 1234.5),
        ("34567.25", "NUMBER_UNREADABLE", 34567.25),
        ("172.345", 172345.0, 172.345),
        ("-12", -12.0, -12.0),
        ("1.234.567,89", 1234567.89, 1234567.89),
        ("1.23,5", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("1,234,567", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("1,2E+5", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("nan", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("NaN", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        pytest.param("9" * 400, "NUMBER_UNREADABLE", "NUMBER_UNREADABLE", id="400 digits"),
        pytest.param("-" + "9" * 5000, "NUMBER_UNREADABLE", "NUMBER_UNREADABLE", id="5000 digits"),
        ("Polygon", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("١٢", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
        ("34567,5 m", 34567.5, 34567.5),
        ("34567 voet", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
    ],
)
def test_numbers(text: str, in_csv: float | str, in_xlsx: float | str) -> None:
    assert parsed("x", text, "csv") == in_csv
    assert parsed("x", text, "workbook") == in_xlsx
    assert parsed("y", text, "vector") == in_xlsx if "," not in text else True


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("03/04/2019", date(2019, 4, 3)),
        ("3/4/2019", date(2019, 4, 3)),
        ("3-4-2019", date(2019, 4, 3)),
        ("2019-04-03", date(2019, 4, 3)),
        ("2019-04-03T10:20:00", date(2019, 4, 3)),
        ("03/04/2019 10:20", date(2019, 4, 3)),
        ("2019-04-03T23:30:00Z", date(2019, 4, 4)),
        ("29/02/2019", "DATE_UNREADABLE"),
        ("04/31/2019", "DATE_UNREADABLE"),
        ("03/04/19", "DATE_UNREADABLE"),
        ("43558", "DATE_UNREADABLE"),
        ("2019-13-01", "DATE_UNREADABLE"),
        ("gisteren", "DATE_UNREADABLE"),
        ("9999-12-31T23:59:59.913600", "DATE_UNREADABLE"),
        ("9999-12-31T23:59:59-10:00", "DATE_UNREADABLE"),
        ("0001-01-01T00:00:00+14:00", "DATE_UNREADABLE"),
        ("9999-12-31T23:59:59", "DATE_IN_FUTURE"),
        ("0001-01-01", "DATE_BEFORE_CAMPAIGN"),
        ("31/12/2018", "DATE_BEFORE_CAMPAIGN"),
        ("01/01/1970", "DATE_BEFORE_CAMPAIGN"),
        ("01/01/2019", date(2019, 1, 1)),
        ("31/12/2019", date(2019, 12, 31)),
        ("01/01/2020", "DATE_IN_FUTURE"),
        ("2062-01-03", "DATE_IN_FUTURE"),
    ],
)
def test_days(text: str, day: date | str) -> None:
    assert parsed("inspected_on", text) == day


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-05-03 17:20", datetime(2019, 5, 3, 17, 20)),
        ("03/05/2019 17:20", datetime(2019, 5, 3, 17, 20)),
        ("03/05/2019 17:20:05", datetime(2019, 5, 3, 17, 20, 5)),
        ("2019-05-03T17:20:00", datetime(2019, 5, 3, 17, 20)),
        ("2019-05-03T17:19:59.999000", datetime(2019, 5, 3, 17, 20)),
        ("2019-05-03", datetime(2019, 5, 3)),
        ("2019-05-03T15:20:00+00:00", datetime(2019, 5, 3, 17, 20)),
        ("2019-12-03T15:20:00Z", datetime(2019, 12, 3, 16, 20)),
        ("2026-10-25 02:30", (datetime(2026, 10, 25, 2, 30), "TIME_AMBIGUOUS")),
        ("25/10/2026 2:00:00", (datetime(2026, 10, 25, 2, 0), "TIME_AMBIGUOUS")),
        ("2026-10-25 01:59:59", datetime(2026, 10, 25, 1, 59, 59)),
        ("2026-10-25 03:00", datetime(2026, 10, 25, 3, 0)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 2, 30)),
        ("2026-03-29 02:30", "DATE_UNREADABLE"),
        ("29/03/2026 03:00", datetime(2026, 3, 29, 3, 0)),
        ("17:20", "DATE_UNREADABLE"),
        ("9999-12-31T23:59:59.999", "DATE_UNREADABLE"),
        ("9999-12-31T23:59:59-10:00", "DATE_UNREADABLE"),
        ("0001-01-01T00:00:00+14:00", "DATE_UNREADABLE"),
    ],
)
def test_moments_of_revision(text: str, moment: datetime | str) -> None:
    assert parsed("revised_at", text) == moment


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("hydrant_ref", "007", "007"),
        ("hydrant_ref", "12E3", "12E3"),
        ("hydrant_ref", "DWG 12/34-b", "DWG 12/34-b"),
        ("hydrant_ref", "1.2E+15", "ID_MANGLED"),
        ("hydrant_ref", "1,23457E+11", "ID_MANGLED"),
        ("hydrant_ref", "1E+15", "ID_MANGLED"),
        ("hydrant_ref", "12345.0", "ID_MANGLED"),
        ("hydrant_ref", "12345,00", "ID_MANGLED"),
        ("hydrant_ref", "1" * 101, "TEXT_TOO_LONG"),
        ("record_ref", "W-33021-00123", "W-33021-00123"),
        ("outcome", "O.K.", "ok"),
        ("outcome", "v", "ok"),
        ("outcome", "Niet in orde", "failed"),
        ("outcome", "X", "failed"),
        ("outcome", "n.v.t", "not_testable"),
        ("outcome", "onvindbaar", "not_found"),
        ("outcome", "Hersteld", "repaired"),
        ("outcome", "goed", "OUTCOME_UNKNOWN"),
        ("outcome", "?", "OUTCOME_UNKNOWN"),
        ("defects", "straatpot stuk, lek", ("box_broken", "leak")),
        ("defects", "Lek;lek / verf", ("leak", "paint")),
        ("defects", "lek verf", ("leak", "paint")),
        ("defects", "lek roest", "DEFECT_UNKNOWN"),
        ("defects", ",", ()),
        ("defects", "lek, roest", "DEFECT_UNKNOWN"),
        ("is_reinspection", "Ja", True),
        ("is_reinspection", "nee", False),
        ("is_reinspection", "misschien", "VALUE_UNKNOWN"),
        ("hydrant_type", "OH", "underground"),
        ("hydrant_type", "muur", "VALUE_UNKNOWN"),
        ("diameter_mm", "80", 80),
        ("diameter_mm", "80 mm", 80),
        ("diameter_mm", "DN80", 80),
        ("diameter_mm", "dn 100", 100),
        ("diameter_mm", "80,0", 80),
        ("diameter_mm", "groot", "NUMBER_UNREADABLE"),
        ("diameter_mm", "80/100", "NUMBER_UNREADABLE"),
        ("gemeente", "Poperinge", "33021"),
        ("gemeente", "de panne", "38008"),
        ("gemeente", "8972", "33021"),
        ("gemeente", "8970 Poperinge", "33021"),
        ("gemeente", "8900 Poperinge", "GEMEENTE_UNKNOWN"),
        ("gemeente", "33021", "33021"),
        ("gemeente", "Brugge", "GEMEENTE_UNKNOWN"),
        ("postcode", "8970", "8970"),
        ("postcode", "8000", "GEMEENTE_UNKNOWN"),
        ("address", "a" * 501, "TEXT_TOO_LONG"),
        ("remark", "r" * 200_000, "TEXT_TOO_LONG"),
    ],
)
def test_words_ids_and_places(field: str, text: str, value: Any) -> None:
    assert parsed(field, text) == value


# -- headings ----------------------------------------------------------------------------------


def test_the_heading_is_found_below_titles() -> None:
    head = [
        ["Controle brandkranen Poperinge - VERZONNEN DEMOGEGEVENS"],
        ["Periode: Datum", "14/03/2019"],
        ["DATUM CONTROLE", None, "uitslag", "Ploeg", "bron", "Y-coordinaat"],
        ["14/03/2019", None, "goedgekeurd"],
    ]
    found = headings.find(head, WESTLANDIA)
    assert isinstance(found, Heading)
    assert (found.position, found.width, found.unknown) == (2, 6, ["Ploeg"])
    assert found.columns == {
        "inspected_on": Column(0, "DATUM CONTROLE"),
        "outcome": Column(2, "uitslag"),
        "y": Column(5, "Y-coordinaat"),
    }


def test_a_geometry_is_x_and_y_whatever_columns_are_called_so() -> None:
    found = headings.declared(["datum", "x", "resultaat", "@x", "@y"], WESTLANDIA)
    assert isinstance(found, Heading)
    assert (found.position, found.unknown) == (None, ["x"])
    assert (found.columns["x"], found.columns["y"]) == (Column(3, "@x"), Column(4, "@y"))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ([], "geen rij met kolomtitels gevonden"),
        ([["a", "b"], ["14/03/2019", "ok"]], "geen rij met kolomtitels gevonden"),
        (
            [["Adres", "Resultaat", "Ploeg"]],
            "kolom 'Datum' ontbreekt (gevonden kolommen: Adres, Resultaat, Ploeg)",
        ),
        ([["Adres", "X", "Y"]], "kolommen 'Datum', 'Resultaat' ontbreken (gevonden kolommen: Adres, X, Y)"),
    ],
)
def test_no_heading(head: list[list[str | None]], says: str) -> None:
    assert headings.find(head, WESTLANDIA) == NoHeading(says)


@pytest.mark.parametrize("second", ["Datum", "datum controle"])
def test_two_columns_that_mean_the_same_are_refused(second: str) -> None:
    with pytest.raises(UploadRejected, match=rf"'Datum' \(kolom 1\) en '{second}' \(kolom 3\)"):
        headings.find([["Datum", "Resultaat", second]], WESTLANDIA)


@pytest.mark.parametrize(
    ("field", "text", "unit", "value"),
    [
        ("diameter_mm", "80", None, 80),
        ("diameter_mm", "DN80", None, 80),
        ("diameter_mm", "dn 100", None, 100),
        ("diameter_mm", "Ø80", None, 80),
        ("diameter_mm", "80 mm", None, 80),
        ("diameter_mm", "8", "cm", 80),
        ("diameter_mm", "80 mm", "cm", 80),
        ("diameter_mm", "80,5", None, "NUMBER_UNREADABLE"),
        ("diameter_mm", "8", None, "NUMBER_OUT_OF_RANGE"),
        ("diameter_mm", "3 inch", None, "NUMBER_UNREADABLE"),
        ("diameter_mm", "DN80 cm", None, "NUMBER_UNREADABLE"),
        ("pressure_bar", "4,5", None, 4.5),
        ("pressure_bar", "4,5 bar", None, 4.5),
        ("pressure_bar", "450 kPa", None, 4.5),
        ("pressure_bar", "450", "kPa", 4.5),
        ("pressure_bar", "450", None, "NUMBER_OUT_OF_RANGE"),
        ("pressure_bar", "-1", None, "NUMBER_OUT_OF_RANGE"),
        ("flow_l_per_min", "1.000", None, 1000.0),
        ("flow_l_per_min", "60 m3/h", None, 1000.0),
        ("flow_l_per_min", "60 m³/uur", None, 1000.0),
        ("flow_l_per_min", "60", "m3/h", 1000.0),
        ("flow_l_per_min", "20 l/s", "m3/h", 1200.0),
        ("flow_l_per_min", "60 vaten", None, "NUMBER_UNREADABLE"),
        ("x", "657476,452 m", None, 657476.452),
        ("geopoint", "50.85123 2.72456 12.0 4.5", None, (2.72456, 50.85123)),
        ("geopoint", "50.85123 2.72456", None, (2.72456, 50.85123)),
        ("geopoint", "50,85 2,72", None, "NUMBER_UNREADABLE"),
        ("geopoint", "50.85", None, "NUMBER_UNREADABLE"),
        pytest.param("geopoint", "9" * 400 + " 2.7", None, "NUMBER_UNREADABLE", id="beyond every float"),
        ("geopoint", "90.1 2.7", None, "NUMBER_UNREADABLE"),
        pytest.param("x", "9" * 307, "km", "NUMBER_OUT_OF_RANGE", id="beyond every float in metres"),
        ("photos", "a.jpg; foto's/b.JPG;a.jpg", None, ("a.jpg", "b.JPG")),
        ("photos", "C:\\kaart\\cafe\u0301.png", None, ("caf\u00e9.png",)),
        ("record_status", "Ingetrokken", None, "withdrawn"),
        ("record_status", "geldig", None, "valid"),
        ("record_status", "misschien", None, "VALUE_UNKNOWN"),
        ("address", "Cafe\u0301straat 1", None, "Caf\u00e9straat 1"),
    ],
)
def test_measures_points_and_pictures(field: str, text: str, unit: str | None, value: Any) -> None:
    found = parsed(field, text, "csv", unit)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


def test_units_stand_in_headings_in_a_row_below_and_in_cells() -> None:
    names = [
        "Datum",
        "Resultaat",
        "Debiet (m3/h)",
        "Druk [kPa]",
        "Diameter",
        "X (EPSG:4326)",
        "Y (EPSG:4326)",
    ]
    data = ["14/03/2019", "ok", "60", "450", "DN80", "2,72456", "50,85123"]
    found = headings.find([names, ["dd/mm/jjjj", None, None, None, "cm"], data], WESTLANDIA)
    assert isinstance(found, Heading)
    assert found.first_data_position == 2
    facts = UploadFacts("westlandia", "33021", "csv", date(2019, 1, 1), date(2019, 12, 31))
    said = outcome_of(SheetParser(WESTLANDIA, found, facts), data).values
    assert said is not None
    assert [said[name] for name in ("diameter_mm", "pressure_bar", "crs_given")] == [80, 4.5, "EPSG:4326"]
    assert said["flow_l_per_min"] == pytest.approx(1000)
    below = headings.find([names[:5], ["dd/mm/jjjj", None, None, None, "80"]], WESTLANDIA)
    assert isinstance(below, Heading)
    assert below.first_data_position == 1, "a number is no unit: that row is an inspection"


@pytest.mark.parametrize(
    ("title", "meaning"),
    [
        ("controle/gegevens/Datum", ("inspected_on", None, None)),
        ("Debiet (l/s)", ("flow_l_per_min", "l/s", None)),
        ("X (Lambert 2008)", ("x", None, "EPSG:3812")),
        ("Y [m]", ("y", "m", None)),
        ("Datum (dd/mm/jjjj)", ("inspected_on", None, None)),
        ("Debiet (vaten)", None),
        ("Datum (gisteren)", None),
        ("Debiet (m3/h) (l/s)", None),
        ("Ploeg", None),
        ("(" * 100_000, None),
    ],
)
def test_what_a_heading_means(title: str, meaning: tuple[str, str | None, str | None] | None) -> None:
    assert headings._meaning(title, WESTLANDIA) == meaning


# -- rows --------------------------------------------------------------------------------------


class Result(NamedTuple):
    """What became of one row; `values` are None when it is refused."""

    values: dict[str, Any] | None
    reasons: list[Any]
    remarks: list[Any]
    content_hash: bytes

    @property
    def codes(self) -> list[str]:
        return [reason["code"] for reason in self.reasons]


def outcome_of(parser: SheetParser, cells: Sequence[str | None]) -> Result:
    found = parser.parse([cells])
    values_ = None if 0 in found.refused else {name: column[0] for name, column in found.columns.items()}
    return Result(values_, found.refused.get(0, []), found.remarked.get(0, []), found.hashes[0])


def parse(changes: dict[str, str], headings_: Sequence[str] = HEADINGS, family: Family = "csv") -> Any:
    heading = headings.find([list(headings_)], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", family, date(2019, 1, 1), date(2019, 12, 31))
    row = GOOD | changes
    return outcome_of(SheetParser(WESTLANDIA, heading, facts), [row.get(name) or None for name in headings_])


IEPER_NORTH, IEPER_EAST = 50 + 51 / 60 + 19 / 3600, 2 + 43 / 60 + 28 / 3600
SEXAGESIMAL = "EPSG:4326 in degrees, minutes and seconds"


@pytest.mark.parametrize(
    ("x", "y", "given", "crs"),
    [
        ("2°43'28\"E", "50°51'19\"N", (IEPER_EAST, IEPER_NORTH), SEXAGESIMAL),
        ("50°51'19\"N 2°43'28\"E", "", (IEPER_EAST, IEPER_NORTH), SEXAGESIMAL),
        ("", "50° 51’ 19” N, 2° 43’ 28” O", (IEPER_EAST, IEPER_NORTH), SEXAGESIMAL),
        ("50°51'19\"N 2°43'28\"E", "50°51'19\"N 2°43'28\"E", (IEPER_EAST, IEPER_NORTH), SEXAGESIMAL),
        ("50°51'19\"N", "2°43'28\"E", (IEPER_NORTH, IEPER_EAST), SEXAGESIMAL),  # geocoding swaps and says so
        ("45621,03", "172241,12", (45621.03, 172241.12), "EPSG:31370"),
    ],
)
def test_degrees_with_minutes_become_numbers(x: str, y: str, given: tuple[float, float], crs: str) -> None:
    accepted = parse({"X": x, "Y": y}).values
    assert (accepted["x_given"], accepted["y_given"]) == pytest.approx(given)
    assert type(accepted["x_given"]) is type(accepted["y_given"]) is float
    assert accepted["crs_given"] == crs


def test_a_phone_may_write_degrees_with_minutes() -> None:
    point = parsed("geopoint", "50°51'19\"N 2°43'28\"E")
    assert tuple(point) == pytest.approx((IEPER_EAST, IEPER_NORTH))
    assert parsed("geopoint", "50°51'19\"N") == "NUMBER_UNREADABLE"


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        ("50°51'19\"N 2°43'28\"E", "172241", "NUMBER_UNREADABLE"),
        ("50°51'19\"N", "", "COORDINATE_INCOMPLETE"),
        ("50°61'19\"N", "2°43'28\"E", "NUMBER_UNREADABLE"),
    ],
)
def test_degrees_that_do_not_add_up_are_refused(x: str, y: str, code: str) -> None:
    assert code in {reason["code"] for reason in parse({"X": x, "Y": y}).reasons}


def test_a_good_row_says_all_of_this() -> None:
    hostile = '=HYPERLINK("http://x") <img onerror=alert(1)> \'; DROP TABLE record; --\n🔥 \u202e'
    accepted = parse({"Gebrek": "lek, verf", "Herkeuring": "ja", "Opmerking": hostile})
    assert accepted.values == {
        "contractor": "westlandia",
        "nis": "33021",
        "deelgemeente": None,
        "record_ref": "W-33021-00001",
        "revised_at": datetime(2019, 3, 14, 17, 20),
        "hydrant_ref": "1234567",
        "inspected_on": date(2019, 3, 14),
        "outcome": "ok",
        "is_reinspection": True,
        "defects": ("leak", "paint"),
        "hydrant_type": "aboveground",
        "diameter_mm": 80,
        "address_text": "Dorpsstraat t.o. 14",
        "postcode": None,
        "x_given": 34567.25,
        "y_given": 172345.5,
        "crs_given": "EPSG:31370",
        "remark": hostile,
        "photos": (),
        "pressure_bar": None,
        "flow_l_per_min": None,
        "is_withdrawn": False,
    }


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"Datum": ""}, ["DATE_MISSING"]),
        ({"Datum": "  "}, ["DATE_MISSING"]),
        ({"Datum": "32/01/2019", "Resultaat": ""}, ["DATE_UNREADABLE", "OUTCOME_MISSING"]),
        ({"Resultaat": "geodgekeurd"}, ["OUTCOME_UNKNOWN"]),
        ({"X": "abc", "Diameter": "dik"}, ["NUMBER_UNREADABLE", "NUMBER_UNREADABLE"]),
        ({"X": ""}, ["COORDINATE_INCOMPLETE"]),
        ({"X": "", "Y": "", "Nr. brandkraan": "", "Straat en nr": ""}, ["NOTHING_TO_GO_ON"]),
        ({"X": "", "Y": "", "Nr. brandkraan": ""}, []),
        ({"X": "", "Y": "", "Straat en nr": ""}, []),
        ({"Nr. brandkraan": "", "Straat en nr": ""}, []),
        ({"Nr. brandkraan": "1.2E+15"}, ["ID_MANGLED"]),
        ({"Nr. brandkraan": "#FORMULE!"}, ["FORMULA_UNCALCULATED"]),
        ({"Opmerking": "#FORMULE!"}, ["FORMULA_UNCALCULATED"]),
        ({"Opmerking": "a␀b"}, ["TEXT_DAMAGED"]),
        ({"Gewijzigd op": "morgen"}, ["DATE_UNREADABLE"]),
        ({"Fiche": "Totaal", "Datum": "", "Nr. brandkraan": "312"}, ["SUMMARY_ROW"]),
        ({"Fiche": "", "Datum": "TOTAAL: 312", "Nr. brandkraan": ""}, ["SUMMARY_ROW"]),
        ({"Fiche": "Totaal", "Datum": "312", "Nr. brandkraan": "", "Resultaat": ""}, ["SUMMARY_ROW"]),
        ({"Fiche": "Totaal-3"}, []),
        ({"Fiche": "Totaalweg 3", "Datum": ""}, ["DATE_MISSING"]),
    ],
)
def test_what_is_refused_and_what_is_not(changes: dict[str, str], codes: list[str]) -> None:
    assert parse(changes).codes == codes


def test_a_reason_names_the_column_the_value_and_the_way_out() -> None:
    result = parse({"Resultaat": "goedgekeurt", "Opmerking": "x" * 40_000})
    assert result.reasons == [
        {
            "code": "OUTCOME_UNKNOWN",
            "column": "Resultaat",
            "value": "goedgekeurt",
            "message": "'goedgekeurt' is geen bekend resultaat; bedoelde u 'goedgekeurd'?",
            "suggestion": "goedgekeurd",
        },
        {
            "code": "TEXT_TOO_LONG",
            "column": "Opmerking",
            "value": "x" * 200 + "…",
            "message": "De tekst telt 40000 tekens; hoogstens 32767 wordt aanvaard.",
            "suggestion": None,
        },
    ]


def test_the_gemeente_of_a_row_outranks_the_folder() -> None:
    columns = [*HEADINGS, "Gemeente", "Postcode"]
    assert parse({}, columns).values["nis"] == "33021"
    assert parse({"Gemeente": "Ieper"}, columns).values["nis"] == "33011"
    assert parse({"Postcode": "8640"}, columns).values["nis"] == "33041"
    both = parse({"Gemeente": "Ieper", "Postcode": "8908"}, columns).values
    assert (both["nis"], both["postcode"]) == ("33011", "8908")
    assert parse({"Gemeente": "Ieper", "Postcode": "8640"}, columns).codes == ["GEMEENTE_UNKNOWN"]


def test_an_empty_gemeente_is_filled_in_only_where_nobody_can_read_it_otherwise() -> None:
    columns = [*HEADINGS, "Gemeente", "Postcode"]
    heading = headings.find([columns], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", "csv", date(2019, 1, 1), date(2019, 12, 31))
    parser = SheetParser(WESTLANDIA, heading, facts)

    def becomes(gemeente: str, postcode: str = "") -> str | list[str]:
        row = GOOD | {"Gemeente": gemeente, "Postcode": postcode}
        found = outcome_of(parser, [row[name] or None for name in columns])
        return found.codes if found.values is None else str(found.values["nis"])

    assert becomes("") == "33021"
    assert becomes("Ieper") == "33011"
    assert becomes("") == ["GEMEENTE_MISSING"], "of Ieper, as above, or of the folder's Poperinge?"
    assert becomes("", "8970") == "33021"
    assert becomes("Poperinge") == "33021"
    assert becomes("") == "33021"


def test_a_withdrawn_row_says_which_record_it_withdraws() -> None:
    columns = [*HEADINGS, "Toestand fiche"]
    assert parse({"Toestand fiche": "ingetrokken"}, columns).values["is_withdrawn"] is True
    assert parse({"Toestand fiche": "geldig"}, columns).values["is_withdrawn"] is False
    assert parse({"Toestand fiche": ""}, columns).values["is_withdrawn"] is False
    assert parse({"Toestand fiche": "vervallen", "Fiche": ""}, columns).codes == ["WITHDRAWN_UNNUMBERED"]
    assert parse({"Toestand fiche": "geldig", "Fiche": ""}, columns).codes == []


def test_a_row_keeps_counting_when_its_picture_does_not() -> None:
    columns = [*HEADINGS, "Foto"]
    heading = headings.find([columns], WESTLANDIA)
    assert isinstance(heading, Heading)
    photos = {"a.jpg": None, "b.jpg": "het is geen foto."}
    days = (date(2019, 1, 1), date(2019, 12, 31))

    def remarks(names: str, came: dict[str, str | None]) -> list[str]:
        facts = UploadFacts("westlandia", "33021", "csv", *days, photos=came)
        cells = [(GOOD | {"Foto": names})[name] or None for name in columns]
        found = outcome_of(SheetParser(WESTLANDIA, heading, facts), cells)
        assert found.values is not None
        return [remark["code"] for remark in found.remarks]

    assert remarks("a.jpg", photos) == []
    assert remarks("a.jpg; b.jpg; c.jpg", photos) == ["PHOTO_REFUSED", "PHOTO_MISSING"]
    assert remarks("a.jpg", {}) == [], "the file as a whole has a notice then"


def test_an_answer_that_is_sent_back_says_what_it_said() -> None:
    heading = headings.find([[*HEADINGS, "status", "reden", "voorstel"]], WESTLANDIA)
    assert isinstance(heading, Heading)
    assert heading.unknown == []
    facts = UploadFacts("westlandia", "33021", "workbook", date(2019, 1, 1), date(2019, 12, 31))
    cells = [GOOD[name] or None for name in HEADINGS]
    answered = outcome_of(SheetParser(WESTLANDIA, heading, facts), [*cells, "aanvaard", None, "iets"])
    assert answered.content_hash == parse({}).content_hash
    interwest = profile.load("interwest")
    own = headings.find([["Datum controle", "Status", "Kenmerk", "status", "reden", "voorstel"]], interwest)
    assert isinstance(own, Heading)
    assert own.columns["outcome"] == Column(1, "Status")


SOME_TEXTS = [
    *(
        "1",
        "12,5",
        "1.234,5",
        "+3",
        "-0,1",
        "1.5",
        "",
        " ",
        " 7",
        "7 ",
        "7\n8",
        "1E+5",
        "12E3",
        "1,0",
        "#FORMULE!",
    ),
    *(
        "1000000000001",
        "999999999999,9",
        "a",
        "é",
        "e\u0301",
        "a␀",
        "x" * 101,
        "9" * 20,
        "1,2E+15",
        "\t5",
        "5 m",
        "٣",
        "007",
    ),
]


@hypothesis_settings(deadline=None)
@given(
    field=st.sampled_from(["x", "y", "hydrant_ref", "record_ref"]),
    family=st.sampled_from(["csv", "workbook", "vector"]),
    texts=st.lists(st.none() | st.sampled_from(SOME_TEXTS) | st.integers().map(str) | st.text(max_size=5)),
)
def test_many_plain_texts_are_parsed_as_one_by_one(field: Any, family: Any, texts: list[str | None]) -> None:
    column = Column(0, field)
    parse = values.parser(field, column, WESTLANDIA, family, date(2019, 1, 1), date(2019, 12, 31))
    plain = values.plain_parser(field, column, WESTLANDIA, family)
    assert plain is not None
    at_once = ColumnParser(field, 0, field, parse, plain).parsed(texts)
    assert at_once == ColumnParser(field, 0, field, parse).parsed(texts)


@hypothesis_settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["", "ok", "x", "14/03/2019", "1", "hm", "8970", " "]), max_size=7)))
def test_rows_mean_the_same_alone_and_together(rows: list[list[str]]) -> None:
    heading = headings.find([["Fiche", "Datum", "Resultaat", "X", "Y", "Postcode"]], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", "csv", date(2019, 1, 1), date(2019, 12, 31))
    together = SheetParser(WESTLANDIA, heading, facts).parse(rows)
    parser = SheetParser(WESTLANDIA, heading, facts)
    for position, row in enumerate(rows):
        alone = outcome_of(parser, row)
        assert alone.reasons == together.refused.get(position, [])
        if alone.values is not None:
            assert alone.values == {name: column[position] for name, column in together.columns.items()}
            assert alone.content_hash == together.hashes[position]


def test_two_coordinate_systems_are_refused() -> None:
    names = ["Datum", "Resultaat", "X (WGS84)", "Y (Lambert 72)"]
    with pytest.raises(UploadRejected, match=r"X \(WGS84\)' en 'Y \(Lambert 72\)' noemen niet hetzelfde"):
        headings.find([names], WESTLANDIA)
    with pytest.raises(UploadRejected, match="betekenen hetzelfde"):
        headings.find([["Datum", "Resultaat", "X", "Y", "X (WGS84)"]], WESTLANDIA)


def test_a_geometry_comes_back_by_its_place_whatever_the_firm_calls_x() -> None:
    interwest = profile.load("interwest")
    own = ["datum", "Status", "X-coördinaat", "Y-coördinaat"]
    answer = ["status", "reden", "voorstel"]
    found = headings.find([[*own, "X (EPSG:4326)", "Y (EPSG:4326)", *answer]], interwest, has_geometry=True)
    assert isinstance(found, Heading)
    assert (found.columns["x"], found.columns["y"]) == (
        Column(4, "X (EPSG:4326)", crs="EPSG:4326"),
        Column(5, "Y (EPSG:4326)", crs="EPSG:4326"),
    )
    without_crs = headings.find([[*own, "X", "Y", *answer]], interwest, has_geometry=True)
    assert isinstance(without_crs, Heading)
    assert without_crs.columns["x"] == Column(4, "X")


def test_text_beyond_the_headings_is_not_dropped() -> None:
    heading = headings.find([HEADINGS], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", "csv", date(2019, 1, 1), date(2019, 12, 31))
    parser = SheetParser(WESTLANDIA, heading, facts)
    cells = [GOOD[name] or None for name in HEADINGS]
    assert outcome_of(parser, [*cells, None, " "]).codes == []
    assert outcome_of(parser, [*cells, None, "verschoven"]).codes == ["TOO_MANY_CELLS"]


def test_rows_that_say_the_same_have_the_same_hash_however_they_are_written() -> None:
    plain = parse({})
    same = parse(
        {"X": "34567.25", "Y": "172345.5", "Datum": "2019-03-14", "Gewijzigd op": "2019-03-14T17:20:00"},
        family="workbook",
    )
    assert same.content_hash == plain.content_hash
    hashes = [parse({name: ""}).content_hash for name in ("Opmerking", "Type", "Gewijzigd op", "Fiche")]
    assert len({plain.content_hash, *hashes}) == 4, "an empty remark is no difference, the others are"


HOSTILE = [
    *("9999-12-31T23:59:59.999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"),
    *("9999-12-31 02:30", "0001-01-01 02:30", "31/12/9999 23:59:59", "2019-02-30", "2019-04-03T24:00:00"),
    *("1e999", "-inf", "NaN", "9" * 400, "9" * 5000, "-0", "0" * 5000, "1.2E+15", "1E-400", "DN9999"),
    *("\U0010ffff", "\u202e", "\ufeff", "\x00", "␀", "#FORMULE!", "²", "١٢"),
    *("Totaal", "goedgekeurd", "14/03/2019", "8970 Poperinge", ";,/", "8970" + " " * 50_000 + "1"),
]
FAMILIES: tuple[Family, ...] = ("csv", "workbook", "vector")


@hypothesis_settings(deadline=None)
@given(
    contractor=st.sampled_from(sorted(reference.contractors())),
    family=st.sampled_from(FAMILIES),
    data=st.data(),
)
def test_whatever_a_row_says_it_is_an_inspection_or_has_reasons(
    contractor: str, family: Family, data: st.DataObject
) -> None:
    agreed = profile.load(contractor)
    titles = [spellings[0] for spellings in agreed.columns.values()]
    heading = headings.find([titles], agreed)
    assert isinstance(heading, Heading)
    if family not in agreed.formats:
        return
    facts = UploadFacts(contractor, "33021", family, date(2019, 1, 1), date(2019, 12, 31))
    cell = st.none() | st.sampled_from(HOSTILE) | st.text()
    plain = {"inspected_on": "14/03/2019", "outcome": "ok", "record_ref": "1", "hydrant_ref": "1"}
    usual = [st.just(plain[field]) | cell if field in plain else cell for field in agreed.columns]
    cells = data.draw(st.tuples(*usual).map(list) | st.lists(cell, max_size=len(titles) + 2))
    result = outcome_of(SheetParser(agreed, heading, facts), cells)
    if result.values is None:
        assert result.reasons
        assert all(reason["code"] and reason["message"] for reason in result.reasons)
    else:
        coordinates = [result.values["x_given"], result.values["y_given"]]
        assert all(number is None or math.isfinite(number) for number in coordinates)
        assert len(result.content_hash) == 16
