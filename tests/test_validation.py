# ruff: noqa: DTZ001 - what people write down has no time zone
"""A row becomes an inspection by the profile, or is refused with reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants import reference
from hydrants.errors import UploadRejected
from hydrants.reference import profile
from hydrants.reference.profile import Family
from hydrants.validation import headings, values
from hydrants.validation.headings import Heading, NoHeading
from hydrants.validation.reasons import Refusal
from hydrants.validation.rows import Accepted, Rejected, RowParser, UploadFacts
from tests.batches import GOOD, HEADINGS

WESTLANDIA = profile.load("westlandia")


# -- cells: literal tables ---------------------------------------------------------------------


def parsed(field: str, text: str, family: Family = "csv") -> Any:
    """The value, or the code of the refusal."""
    by_field = values.parsers(WESTLANDIA, family, date(2019, 1, 1), date(2019, 12, 31))
    value = by_field[field](text)  # type: ignore[index]
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
        ("34567 m", "NUMBER_UNREADABLE", "NUMBER_UNREADABLE"),
    ],
)
def test_numbers(text: str, in_csv: float | str, in_xlsx: float | str) -> None:
    assert parsed("x", text, "csv") == in_csv
    assert parsed("x", text, "xlsx") == in_xlsx
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
        ("2026-10-25 02:30", datetime(2026, 10, 25, 2, 30)),
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
        ("defects", "straatpot stuk, lek", ["box_broken", "leak"]),
        ("defects", "Lek;lek / verf", ["leak", "paint"]),
        ("defects", ",", []),
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
        "inspected_on": (0, "DATUM CONTROLE"),
        "outcome": (2, "uitslag"),
        "y": (5, "Y-coordinaat"),
    }


def test_a_geometry_is_x_and_y_whatever_columns_are_called_so() -> None:
    found = headings.declared(["datum", "x", "resultaat", "@x", "@y"], WESTLANDIA)
    assert isinstance(found, Heading)
    assert (found.position, found.unknown) == (None, ["x"])
    assert (found.columns["x"], found.columns["y"]) == ((3, "@x"), (4, "@y"))


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


# -- rows --------------------------------------------------------------------------------------


def parse(changes: dict[str, str], headings_: Sequence[str] = HEADINGS, family: Family = "csv") -> Any:
    heading = headings.find([list(headings_)], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", family, date(2019, 1, 1), date(2019, 12, 31))
    row = GOOD | changes
    return RowParser(WESTLANDIA, heading, facts).parse([row.get(name) or None for name in headings_])


def test_a_good_row_says_all_of_this() -> None:
    hostile = '=HYPERLINK("http://x") <img onerror=alert(1)> \'; DROP TABLE record; --\n🔥 \u202e'
    accepted = parse({"Gebrek": "lek, verf", "Herkeuring": "ja", "Opmerking": hostile})
    assert isinstance(accepted, Accepted)
    assert accepted.values == {
        "contractor": "westlandia",
        "nis": "33021",
        "record_ref": "W-33021-00001",
        "revised_at": datetime(2019, 3, 14, 17, 20),
        "hydrant_ref": "1234567",
        "inspected_on": date(2019, 3, 14),
        "outcome": "ok",
        "is_reinspection": True,
        "defects": ["leak", "paint"],
        "hydrant_type": "aboveground",
        "diameter_mm": 80,
        "address_text": "Dorpsstraat t.o. 14",
        "postcode": None,
        "x_given": 34567.25,
        "y_given": 172345.5,
        "crs_given": "EPSG:31370",
        "remark": hostile,
        "photos": [],
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
    result = parse(changes)
    found = [reason["code"] for reason in result.reasons] if isinstance(result, Rejected) else []
    assert found == codes


def test_a_reason_names_the_column_the_value_and_the_way_out() -> None:
    result = parse({"Resultaat": "goedgekeurt", "Opmerking": "x" * 40_000})
    assert result.reasons == [
        {
            "code": "OUTCOME_UNKNOWN",
            "column": "Resultaat",
            "value": "goedgekeurt",
            "message": "'goedgekeurt' is geen bekend resultaat; bedoelde u 'goedgekeurd'?",
        },
        {
            "code": "TEXT_TOO_LONG",
            "column": "Opmerking",
            "value": "x" * 200 + "…",
            "message": "De tekst telt 40000 tekens; hoogstens 32767 wordt aanvaard.",
        },
    ]


def test_the_gemeente_of_a_row_outranks_the_folder() -> None:
    columns = [*HEADINGS, "Gemeente", "Postcode"]
    assert parse({}, columns).values["nis"] == "33021"
    assert parse({"Gemeente": "Ieper"}, columns).values["nis"] == "33011"
    assert parse({"Postcode": "8640"}, columns).values["nis"] == "33041"
    both = parse({"Gemeente": "Ieper", "Postcode": "8908"}, columns).values
    assert (both["nis"], both["postcode"]) == ("33011", "8908")
    assert [
        reason["code"] for reason in parse({"Gemeente": "Ieper", "Postcode": "8640"}, columns).reasons
    ] == ["GEMEENTE_UNKNOWN"]


def test_text_beyond_the_headings_is_not_dropped() -> None:
    heading = headings.find([HEADINGS], WESTLANDIA)
    assert isinstance(heading, Heading)
    facts = UploadFacts("westlandia", "33021", "csv", date(2019, 1, 1), date(2019, 12, 31))
    parser = RowParser(WESTLANDIA, heading, facts)
    cells = [GOOD[name] or None for name in HEADINGS]
    assert isinstance(parser.parse([*cells, None, " "]), Accepted)
    result = parser.parse([*cells, None, "verschoven"])
    assert isinstance(result, Rejected)
    assert [reason["code"] for reason in result.reasons] == ["TOO_MANY_CELLS"]


def test_rows_that_say_the_same_have_the_same_hash_however_they_are_written() -> None:
    plain = parse({})
    same = parse(
        {"X": "34567.25", "Y": "172345.5", "Datum": "2019-03-14", "Gewijzigd op": "2019-03-14T17:20:00"},
        family="xlsx",
    )
    assert same.content_hash == plain.content_hash
    hashes = [parse({name: ""}).content_hash for name in ("Opmerking", "Type", "Gewijzigd op", "Fiche")]
    assert len({plain.content_hash, *hashes}) == 4, "an empty remark is no difference, the others are"


HOSTILE = [
    *("9999-12-31T23:59:59.999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"),
    *("9999-12-31 02:30", "0001-01-01 02:30", "31/12/9999 23:59:59", "2019-02-30", "2019-04-03T24:00:00"),
    *("1e999", "-inf", "NaN", "9" * 400, "9" * 5000, "-0", "0" * 5000, "1.2E+15", "1E-400", "DN9999"),
    *("\ud800", "\U0010ffff", "\u202e", "\ufeff", "\x00", "␀", "#FORMULE!", "²", "١٢", "8970 \ud800"),
    *("Totaal", "goedgekeurd", "14/03/2019", "8970 Poperinge", ";,/", "8970" + " " * 50_000 + "1"),
]
FAMILIES: tuple[Family, ...] = ("csv", "xlsx", "vector")


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
    result = RowParser(agreed, heading, facts).parse(cells)
    if isinstance(result, Rejected):
        assert result.reasons
        assert all(reason["code"] and reason["message"] for reason in result.reasons)
    else:
        coordinates = [result.values["x_given"], result.values["y_given"]]
        assert all(number is None or math.isfinite(number) for number in coordinates)
        assert len(result.content_hash) == 16
