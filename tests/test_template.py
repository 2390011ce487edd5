"""The empty workbook of a firm: what it offers is understood, and what is filled in comes through."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from openpyxl.utils import get_column_letter

from hydrants import reference, store, template
from hydrants.reference import profile as profiles
from hydrants.reference.own_sheets import GUIDE_SHEET, LIST_SHEET, WORDS_SHEET
from hydrants.reference.profile import Profile
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.validation.values import parse_gemeente
from tests.batches import night, send
from tests.test_third_contractor import PROFILE as PHONE_FIRM

START = date(2019, 1, 1)
FIRMS = ("interwest", "westlandia")


@pytest.fixture(params=[*FIRMS, "polder"])
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Profile:
    """Both firms, and one with English headings that sends phone forms."""
    if request.param in FIRMS:
        return profiles.load(request.param)
    path = tmp_path / "polder.yml"
    path.write_text(PHONE_FIRM, encoding="utf-8")
    return profiles.load_file(path)


def made(folder: Path, agreed: Profile) -> Path:
    path = folder / "sjabloon.xlsx"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # XlsxWriter leaves out with a warning what Excel would not open
        template.write(path, agreed, START)
    return path


def filled(folder: Path, agreed: Profile, rows: list[dict[str, Any]]) -> bytes:
    """The template with rows as a person types them, by field."""
    path = made(folder, agreed)
    book = openpyxl.load_workbook(path)
    sheet = book[LIST_SHEET]
    columns = {field: index for index, field in enumerate(agreed.columns, start=1)}
    for number, row in enumerate(rows, start=2):
        for field, value in row.items():
            sheet.cell(number, columns[field]).value = value  # type: ignore[index]
    book.save(path)
    return path.read_bytes()


def rules(sheet: Any) -> dict[str, Any]:
    """Data validations by the letter of their column."""
    return {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
        for rule in sheet.data_validations.dataValidation
    }


def offered(book: openpyxl.Workbook, formula: str) -> list[str]:
    sheet, cells = formula.lstrip("=").split("!")
    return [cell.value for (cell,) in book[sheet][cells.replace("$", "")]]


def test_the_headings_are_the_firms_own_and_each_is_explained(firm: Profile, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(made(tmp_path, firm))
    assert book.sheetnames == [LIST_SHEET, GUIDE_SHEET, WORDS_SHEET]
    assert [sheet.sheet_state for sheet in book] == ["visible"] * 3
    sheet = book[LIST_SHEET]
    headings = sheet[1]
    assert [cell.value for cell in headings] == [words[0] for words in firm.columns.values()]
    assert sheet.max_row == 1
    assert sheet.freeze_panes == {"polder": "B2"}.get(firm.contractor, "C2")
    colours = {field: cell.fill.start_color.rgb for field, cell in zip(firm.columns, headings, strict=True)}
    required = {field for field, colour in colours.items() if colour == colours["outcome"]}
    assert required == {"inspected_on", "outcome"}
    for field, cell in zip(firm.columns, headings, strict=True):
        assert cell.comment is not None, field
        assert cell.comment.text.startswith("Verplicht.") == (field in required)
        assert "{" not in cell.comment.text
    explained = [row[0].value for row in book[GUIDE_SHEET].iter_rows()]
    assert [words[0] for words in firm.columns.values() if words[0] not in explained] == []


def test_what_a_column_takes(tmp_path: Path) -> None:
    westlandia = profiles.load("westlandia")
    sheet = openpyxl.load_workbook(made(tmp_path, westlandia))[LIST_SHEET]
    letters = {field: get_column_letter(i) for i, field in enumerate(westlandia.columns, start=1)}
    formats = {
        field: column.number_format
        for column in sheet.column_dimensions.values()
        for field in list(letters)[column.min - 1 : column.max]
    }
    assert {field: form for field, form in formats.items() if form != "@"} == {
        "inspected_on": "dd/mm/yyyy",
        "revised_at": "dd/mm/yyyy hh:mm",
        "x": "0.00",
        "y": "0.00",
        "diameter_mm": "0",
        "pressure_bar": "0.0#",
        "flow_l_per_min": "0.##",
    }
    found = rules(sheet)
    kinds = {field: found[letter].type for field, letter in letters.items() if letter in found}
    assert kinds == {
        **dict.fromkeys(("outcome", "defects", "hydrant_type", "is_reinspection"), "list"),
        **dict.fromkeys(("record_status", "gemeente"), "list"),
        **dict.fromkeys(("inspected_on", "revised_at"), "date"),
        **dict.fromkeys(("x", "y", "diameter_mm", "pressure_bar", "flow_l_per_min"), "decimal"),
    }
    days = found[letters["inspected_on"]]
    assert (days.operator, days.formula1, days.formula2) == (None, "43466", "TODAY()")  # 1 January 2019
    # several defects in one cell are no item of the list: it may warn, not stop
    styles = {field: found[letter].errorStyle for field, letter in letters.items() if letter in found}
    assert {field for field, style in styles.items() if style == "warning"} == {"defects", "gemeente"}
    assert str(found["A" if "A" in found else letters["outcome"]].sqref).endswith("1048576")


def test_what_the_drop_downs_offer_is_understood(firm: Profile, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(made(tmp_path, firm))
    words = {
        field: offered(book, rule.formula1)
        for field, letter in ((f, get_column_letter(i)) for i, f in enumerate(firm.columns, start=1))
        if (rule := rules(book[LIST_SHEET]).get(letter)) and rule.type == "list"
    }
    assert [firm.outcomes.get(word) for word in words["outcome"]] == list(firm.lookups.outcome)
    assert [firm.hydrant_types.get(word) for word in words["hydrant_type"]] == ["aboveground", "underground"]
    assert [firm.reinspections.get(word) for word in words["is_reinspection"]] == [True, False]
    assert [firm.defect_codes.get(word) for word in words["defects"]] == list(profiles.defects())
    if "gemeente" in firm.columns:
        contracted = {row.nis for row in reference.contracts() if row.contractor == firm.contractor}
        assert {parse_gemeente(word) for word in words["gemeente"]} == contracted
        assert words["gemeente"] == sorted(words["gemeente"])
    if "record_status" in firm.columns:
        assert [firm.record_statuses.get(word) for word in words["record_status"]] == ["valid", "withdrawn"]


def test_units_and_systems_are_those_of_the_firm(tmp_path: Path) -> None:
    text = PHONE_FIRM.replace("lookups:", "units: {flow_l_per_min: m3/h, pressure_bar: kPa}\nlookups:", 1)
    text = text.replace("  geopoint: [gps]", "  x: [easting]\n  y: [northing]").replace("geopoint]", "x]")
    text = text.replace('csv: {decimal: "."}', 'csv: {decimal: ".", crs: "EPSG:4326"}')
    path = tmp_path / "polder.yml"
    path.write_text(text, encoding="utf-8")
    sheet = openpyxl.load_workbook(made(tmp_path, profiles.load_file(path)))[LIST_SHEET]
    comments = {cell.value: cell.comment.text for cell in sheet[1]}
    assert comments["flow"].startswith("Gemeten debiet, in m3/h.")
    assert comments["flow"].endswith("60")
    assert comments["pressure"].endswith("450")
    assert "WGS84 in graden" in comments["easting"]


MODIFIED = datetime(2019, 3, 14, 17, 20)  # noqa: DTZ001 - as a spreadsheet holds it
ROWS: list[dict[str, Any]] = [
    {
        "record_ref": "T-1",
        "hydrant_ref": "0012345",
        "inspected_on": date(2019, 3, 14),
        "address": "12-14 Dorpsstraat",
        "x": 34567.25,
        "y": 172345.5,
        "hydrant_type": "BH",
        "diameter_mm": 80,
        "outcome": "afgekeurd",
        "defects": "straatpot stuk, geen water",
        "is_reinspection": "nee",
        "revised_at": MODIFIED,
        "pressure_bar": 4.5,
        "flow_l_per_min": 1000,
        "remark": "hek op slot",
    },
    {"inspected_on": date(2019, 3, 15), "outcome": "goedgekeurd", "hydrant_ref": "7"},
    {"inspected_on": date(2019, 3, 15), "outcome": "niet gevonden", "address": "Markt 1"},
]
SAYS = (
    *(
        "record_ref",
        "hydrant_ref",
        "inspected_on",
        "outcome",
        "defects",
        "address_text",
        "x_given",
        "y_given",
    ),
    *("crs_given", "hydrant_type", "diameter_mm", "pressure_bar", "flow_l_per_min", "is_reinspection"),
    *("revised_at", "remark"),
)
RECORDS = [
    (
        *("T-1", "0012345", date(2019, 3, 14), "failed", ["box_broken", "no_water"], "12-14 Dorpsstraat"),
        *(34567.25, 172345.5, "EPSG:31370", "aboveground", 80, 4.5, 1000.0, False),
        *(MODIFIED, "hek op slot"),
    ),
    (None, "7", date(2019, 3, 15), "ok", [], *[None] * 8, False, None, None),
    (None, None, date(2019, 3, 15), "not_found", [], "Markt 1", *[None] * 7, False, None, None),
]


def summary(engine: sa.Engine) -> tuple[str | None, str | None, dict[str, Any]]:
    """Why the only upload is refused or held, and what its sender should know of it."""
    state = tables.stage_state.c
    with store.read(engine) as connection:
        upload = connection.execute(sa.select(tables.upload)).one()
        counts = connection.execute(
            sa.select(state.counts).where(state.scope == f"parse:{upload.upload_id}")
        ).scalar_one()
    return upload.rejected_because, upload.held_because, counts


@pytest.mark.parametrize("contractor", FIRMS)
def test_a_filled_template_comes_through_the_night(
    engine: sa.Engine, settings: Settings, tmp_path: Path, contractor: str
) -> None:
    content = filled(tmp_path, profiles.load(contractor), ROWS)
    nis = next(row.nis for row in reference.contracts() if row.contractor == contractor)
    send(settings, "ingevuld.xlsx", content, (contractor, nis))
    counts = night(engine, settings, (contractor, nis))
    assert (counts["accepted"], counts["quarantined"], counts["duplicates"]) == (3, 0, 0)
    rejected, held, told = summary(engine)
    assert (rejected, held, told["notices"], told["unknown_columns"]) == (None, None, [], [])
    query = sa.select(*(tables.record.c[name] for name in SAYS)).order_by(tables.record.c.row_id)
    with store.read(engine) as connection:
        assert [tuple(row) for row in connection.execute(query)] == RECORDS


@pytest.mark.parametrize("contractor", FIRMS)
def test_an_empty_template_is_a_list_without_inspections(
    engine: sa.Engine, settings: Settings, tmp_path: Path, contractor: str
) -> None:
    content = made(tmp_path, profiles.load(contractor)).read_bytes()
    send(settings, "leeg.xlsx", content, (contractor, "32003"))
    counts = night(engine, settings, (contractor, "32003"))
    assert {name: count for name, count in counts.items() if count} == {}
    rejected, held, told = summary(engine)
    assert (rejected, held, told["notices"]) == (None, None, ["Het bestand bevat geen controles."])


def test_equal_profiles_make_equal_files(tmp_path: Path) -> None:
    westlandia = profiles.load("westlandia")
    first = made(tmp_path, westlandia).read_bytes()
    assert made(tmp_path, westlandia).read_bytes() == first


def test_the_command(tmp_path: Path) -> None:
    def hydrants(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hydrants.cli", "template", *arguments],
            env={"PATH": os.environ["PATH"], "HYDRANTS_CAMPAIGN_START": "2019-02-01"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = hydrants("westlandia")
    assert (done.returncode, done.stderr) == (0, "")
    sheet = openpyxl.load_workbook(tmp_path / "sjabloon_westlandia.xlsx")[LIST_SHEET]
    assert {rule.formula1 for rule in rules(sheet).values()} >= {"43497"}  # 1 February 2019
    (tmp_path / "polder.yml").write_text(PHONE_FIRM, encoding="utf-8")
    assert hydrants("polder.yml", "leeg.xlsx").returncode == 0
    assert openpyxl.load_workbook(tmp_path / "leeg.xlsx")[LIST_SHEET]["A1"].value == "_uuid"
    done = hydrants("zuidhoek")
    assert (done.returncode, "zuidhoek is not known" in done.stderr) == (1, True)
