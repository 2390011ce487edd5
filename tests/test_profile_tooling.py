"""What helps to write a profile: a schema for editors, a check that tells all, and a dry run."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sa
import yaml

from hydrants import cli_profiles, demo, reference, store
from hydrants.errors import ProfileError
from hydrants.geocoding import coordinates
from hydrants.reference import profile, profile_rules, profile_schema
from hydrants.reference.profile_check import check
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.validation.trial import Trial
from tests.batches import as_csv, good, night, send
from tests.valid_files import jpeg, sound_files, zipped

ROOT = Path(__file__).resolve().parents[1]
CONTRACTORS = ROOT / "hydrants" / "reference" / "contractors"
SCHEMA = ROOT / "docs" / "profile.schema.json"

SOUND = """\
contractor: zuidhoek
name: Zuidhoek
columns:
  inspected_on: [Wanneer]
  outcome: [Hoe]
  hydrant_ref: [Nummer]
required_columns: [inspected_on, outcome]
formats:
  csv: {decimal: "."}
date_formats: ["%d.%m.%Y"]
lookups:
  outcome:
    ok: [goed, 1]
    failed: [slecht, 0]
"""
NO_CONTRACT = (False, 1, "contractor", "no contract")


def hydrants(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HYDRANTS_DATABASE_URL": f"sqlite:///{folder}/never.sqlite"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


def written(folder: Path, text: str) -> Path:
    path = folder / "zuidhoek.yml"
    path.write_text(text, encoding="utf-8")
    return path


# -- the schema --------------------------------------------------------------------------------


def test_the_committed_schema_is_the_one_that_the_model_makes() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == profile_schema.schema(), (
        "run: hydrants profile schema > docs/profile.schema.json"
    )


def test_the_schema_is_one_and_explains_every_key() -> None:
    schema = profile_schema.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    mute = []

    def walk(node: Any, place: str) -> None:
        for name, inner in node.get("properties", {}).items():
            if "description" not in inner and "$ref" not in inner:
                mute.append(f"{place}.{name}")
            walk(inner, f"{place}.{name}")
        assert "properties" not in node or node["additionalProperties"] is False, place

    walk(schema, "")
    for name, inner in schema["$defs"].items():
        walk(inner, name)
    assert mute == []
    columns = schema["properties"]["columns"]["properties"]
    assert set(columns) == set(profile.FIELDS)
    assert set(schema["$defs"]["Lookups"]["properties"]["defects"]["properties"]) == set(profile.defects())


def as_an_editor_sees_it(text: str) -> Any:
    """Numbers and booleans typed, keys as text."""
    return json.loads(json.dumps(yaml.safe_load(text)))


@pytest.mark.parametrize("parse", [as_an_editor_sees_it, lambda text: yaml.load(text, yaml.BaseLoader)])
@pytest.mark.parametrize("contractor", ["interwest", "westlandia"])
def test_the_firms_profiles_pass_the_schema(contractor: str, parse: Callable[[str], Any]) -> None:
    path = CONTRACTORS / f"{contractor}.yml"
    text = path.read_text(encoding="utf-8")
    jsonschema.validate(parse(text), profile_schema.schema())
    jsonschema.validate(parse(SOUND), profile_schema.schema())
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.split("=")[1]).resolve() == SCHEMA


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: Zuidhoek", "naam: Zuidhoek"),
        ("inspected_on: [Wanneer]", "inspected: [Wanneer]"),
        ("inspected_on: [Wanneer]", "inspected_on: []"),
        ("inspected_on, outcome]", "datum]"),
        ("csv:", "excel:"),
        ('decimal: "."', 'decimal: ";"'),
        ('decimal: "."', 'decimal: ".", crs: Lambert'),
        ("failed:", "kapot:"),
        ("lookups:\n", "lookups:\n  defects: {rust: [roest]}\n"),
        ("lookups:\n", "lookups:\n  is_reinspection: {maybe: [misschien]}\n"),
        ("lookups:\n", "units: {pressure_bar: mm}\nlookups:\n"),
        ("lookups:\n", "units: {remark: mm}\nlookups:\n"),
        ("lookups:\n", "expectations: {max_refused_share: 3}\nlookups:\n"),
        ("lookups:\n", "expectations: {from_rows: many}\nlookups:\n"),
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(tmp_path: Path, old: str, new: str) -> None:
    text = SOUND.replace(old, new)
    assert text != SOUND
    assert not jsonschema.Draft202012Validator(profile_schema.schema()).is_valid(as_an_editor_sees_it(text))
    assert [problem for problem in check(written(tmp_path, text)) if problem.is_error]
    if "crs" not in new:  # the model takes any text for a coordinate system
        with pytest.raises(ProfileError):
            profile.load_file(tmp_path / "zuidhoek.yml")


# -- the check ---------------------------------------------------------------------------------


def test_the_firms_profiles_have_nothing_against_them() -> None:
    files = sorted(CONTRACTORS.glob("*.yml"))
    assert len(files) >= 2
    assert [problem for file in files for problem in check(file)] == []


def test_a_sound_profile_of_a_firm_without_contract(tmp_path: Path) -> None:
    (problem,) = check(written(tmp_path, SOUND))
    assert (problem.is_error, problem.line, problem.place) == NO_CONTRACT[:3]
    assert "no contract in contracts.csv" in problem.message
    assert profile.load_file(tmp_path / "zuidhoek.yml").name == "Zuidhoek"


@pytest.mark.parametrize(
    ("old", "new", "is_error", "line", "place", "says"),
    [
        ("name: Zuidhoek", "naam: Zuidhoek", True, 2, "naam", "unknown key 'naam'; did you mean 'name'"),
        ("name: Zuidhoek\n", "", True, None, "name", "'name' is missing"),
        ("contractor: zuidhoek", "contractor: noordhoek", True, 1, "contractor", "named noordhoek.yml"),
        ("  outcome: [Hoe]", "  uitkomst: [Hoe]", True, 5, "columns.uitkomst", "unknown key 'uitkomst'"),
        ("outcome: [Hoe]", "outcome: [Hoe, hoe]", False, 5, "columns.outcome.1", "same as 'Hoe'"),
        ("[Hoe]", "[Hoe, WÁNNEER]", True, 5, "columns.outcome.1", "means both 'inspected_on' and 'outcome'"),
        ("[Hoe]", "['']", True, 5, "columns.outcome.0", "may not be empty"),
        ("[Hoe]", "[]", True, 5, "columns.outcome", "list at least one"),
        ("[Hoe]", "Hoe", True, 5, "columns.outcome", "valid list"),
        (", outcome]", ", outcom]", True, 7, "required_columns.1", "did you mean 'outcome'"),
        (", outcome]", "]", True, 7, "required_columns", "must name inspected_on and outcome"),
        (", outcome]", ", outcome, x]", True, 7, "required_columns.2", "without headings under 'columns': x"),
        ('{decimal: "."}', '{decimal: ";"}', True, 9, "formats.csv.decimal", "',' or '.' (it is ';')"),
        ('{decimal: "."}', '{decimal: ".", crs: "EPSG:1"}', True, 9, "formats.csv.crs", "EPSG:31370"),
        ('{decimal: "."}', '{decimal: ".", crs: WGS84}', True, 9, "formats.csv.crs", "write its code"),
        ('{decimal: "."}', '{decimal: ".", crs: "EPSG:31300"}', False, 9, "formats.csv.crs", "not one of"),
        ("  csv: ", "  cvs: ", True, 9, "formats.cvs", "did you mean 'csv'"),
        ('["%d.%m.%Y"]', '["%d.%m"]', True, 10, "date_formats.0", "does not hold day, month and year"),
        ('["%d.%m.%Y"]', '["%q"]', True, 10, "date_formats.0", "%q"),
        (
            '["%d.%m.%Y"]',
            '["%d.%m.%Y", "%m.%d.%Y"]',
            *(True, 10, "date_formats.1", "one day by '%m.%d.%Y' and another by '%d.%m.%Y'"),
        ),
        ('["%d.%m.%Y"]', '["%Y-%d-%m"]', True, 10, "date_formats.0", "another by '%Y-%m-%d'"),
        ("[slecht, 0]", "[slecht, GOED]", True, 14, "lookups.outcome.failed.1", "both 'ok' and 'failed'"),
        ("failed: [slecht, 0]", "failed: []", False, 12, "lookups.outcome", "no word means 'failed'"),
        ("failed:", "ok:", True, 13, "lookups.outcome.ok", "again in line 14"),
        ("failed:", "kapot:", True, 14, "lookups.outcome.kapot", "known are ok, failed"),
        (
            "lookups:",
            "lookups:\n  defects: {leek: [lekt]}",
            *(True, 12, "lookups.defects.leek", "unknown defects: leek; did you mean 'leak'"),
        ),
        (
            "lookups:",
            "lookups:\n  defects: {leak: [geen water]}",
            *(True, 12, "lookups.defects.leak.0", "both 'no_water', whose label it is, and 'leak'"),
        ),
        (
            "lookups:",
            "lookups:\n  defects: {leak: [lek/breuk]}",
            *(False, 12, "lookups.defects.leak.0", "is never met"),
        ),
        (
            "[Nummer]",
            "[Nummer]\n  hydrant_type: [Soort]",
            True,
            7,
            "columns.hydrant_type",
            "none of its words",
        ),
        ("[Nummer]", "[Nummer]\n  x: [X]", True, 7, "columns.x", "'x' without 'y'"),
        ("[Nummer]", "[Nummer]\n  revised_at: [Op]", False, 7, "columns.revised_at", "which record"),
        ("  hydrant_ref: [Nummer]\n", "", False, 3, "columns", "no column tells which hydrant"),
        (
            "[Nummer]",
            "[Nummer]\n  record_status: [Stand]",
            *(True, 7, "columns.record_status", "needs a 'record_ref'"),
        ),
        (
            "[Nummer]",
            "[Nummer]\n  pressure_bar: [Druk (kPa)]",
            *(True, 7, "columns.pressure_bar.0", "Leave the unit out here"),
        ),
        ("lookups:", "units: {pressure_bar: mm}\nlookups:", True, 11, "units.pressure_bar", "known are bar"),
        ("lookups:", "units: {pressure_bar: BAR}\nlookups:", False, 11, "units.pressure_bar", "as 'bar'"),
        ("lookups:", "units: {remark: m}\nlookups:", True, 11, "units.remark", "not measured"),
        (
            "lookups:",
            "ignored_columns: [Hoe]\nlookups:",
            True,
            11,
            "ignored_columns.0",
            "heading of 'outcome'",
        ),
        ("lookups:", 'ignored_columns: ["*"]\nlookups:', False, 11, "ignored_columns.0", "ignores every"),
        ("lookups:", "ignored_sheets: [Controles]\nlookups:", True, 11, "ignored_sheets.0", "templates"),
        ("lookups:", "layer: controles\nlookups:", False, 11, "layer", "'vector'"),
        (
            "lookups:",
            "expectations: {max_refused_share: 3}\nlookups:",
            *(True, 11, "expectations.max_refused_share", "less than or equal to 1"),
        ),
        ("name: Zuidhoek", "name: [Zuidhoek", True, 3, "", "not YAML"),
        (SOUND, "- a\n- b\n", True, None, "", "not a profile"),
        (SOUND, "", True, None, "", "not a profile"),
    ],
)
def test_the_check_says_where_and_what(
    tmp_path: Path, old: str, new: str, is_error: bool, line: int | None, place: str, says: str
) -> None:
    assert SOUND.count(old) >= 1
    found = check(written(tmp_path, SOUND.replace(old, new, 1)))
    here = [
        problem
        for problem in found
        if (problem.is_error, problem.line, problem.place) == (is_error, line, place)
    ]
    assert any(says in problem.message for problem in here), found


def test_the_check_tells_all_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = SOUND
    for old, new in (
        ("name:", "naam:"),
        ("[Hoe]", "[Wanneer]"),
        ('decimal: "."', 'decimal: ";"'),
        ('"%d.%m.%Y"', '"%d.%m"'),
        ("failed: [slecht, 0]", "failed: [goed]"),
    ):
        text = text.replace(old, new)
    found = check(written(tmp_path, text))
    assert [(problem.line, problem.place) for problem in found if problem.is_error] == [
        (None, "name"),
        (2, "naam"),
        (5, "columns.outcome.0"),
        (9, "formats.csv.decimal"),
        (10, "date_formats.0"),
        (14, "lookups.outcome.failed.0"),
    ]


def test_a_profile_in_another_encoding_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "zuidhoek.yml"
    path.write_bytes(SOUND.replace("[Hoe]", "[Wíj]").encode("cp1252"))
    (problem,) = check(path)
    assert (problem.is_error, problem.line) == (True, 5)
    assert "UTF-8" in problem.message


def test_a_document_that_holds_itself_is_refused(tmp_path: Path) -> None:
    (problem,) = check(written(tmp_path, "contractor: zuidhoek\nname: &x [*x]\n"))
    assert (problem.is_error, problem.line) == (True, 2)
    assert "recursive" in problem.message


def test_what_the_check_passes_loads_and_what_the_loader_refuses_it_tells(tmp_path: Path) -> None:
    """Each line of the profile left out, or doubled, in turn."""
    lines = SOUND.splitlines(keepends=True)
    refused = 0
    for position in range(len(lines)):
        for changed in (
            lines[:position] + lines[position + 1 :],
            lines[:position] + lines[position:][:1] * 2 + lines[position + 1 :],
        ):
            path = written(tmp_path, "".join(changed))
            has_errors = any(problem.is_error for problem in check(path))
            try:
                profile.load_file(path)
            except ProfileError:
                assert has_errors, "".join(changed)
                refused += 1
    assert refused > 5


def test_the_systems_that_geocoding_tells_apart() -> None:
    assert set(profile_rules.RECOGNISED_CRS) == {system.crs for system in coordinates._SYSTEMS}


def test_the_command_exits_with_one_on_errors_only(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    done = hydrants(tmp_path, "profile", "check", path)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert done.stdout.startswith(f"{path}:1: warning: contractor: no contract in contracts.csv")
    path = written(tmp_path, SOUND.replace("name:", "naam:"))
    done = hydrants(tmp_path, "profile", "check", path, "--json")
    assert done.returncode == 1
    assert [(one["line"], one["place"], one["is_error"]) for one in json.loads(done.stdout)] == [
        (None, "name", True),
        (1, "contractor", False),
        (2, "naam", True),
    ]
    done = hydrants(tmp_path, "profile", "check", CONTRACTORS / "westlandia.yml")
    assert (done.returncode, "nothing to say against it" in done.stdout) == (0, True)
    printed = hydrants(tmp_path, "profile", "schema")
    assert json.loads(printed.stdout) == json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert not (tmp_path / "never.sqlite").exists()


# -- the dry run -------------------------------------------------------------------------------

DIRTY = [
    good(1),
    good(2, Resultaat="goedgekeurt", Diameter="DN 100"),
    good(3, Resultaat="goedgekeurt", X="", Y=""),
    good(4, Resultaat="niet controleerbar", Datum="31/02/2019"),
    good(1),
    good(5, Opmerking="\x1b[31mrood", Gebrek="lek, verf"),
]


def tried(folder: Path, *arguments: str | Path) -> dict[str, Any]:
    done = hydrants(folder, "profile", "try", *arguments, "--json")
    assert done.returncode in (0, 1), done.stderr
    return {"exit": done.returncode, **json.loads(done.stdout)}


def test_a_dry_run_tells_what_each_column_and_each_bad_cell_became(tmp_path: Path) -> None:
    text = (
        as_csv(DIRTY)
        .replace(b"Opmerking", b"Opmerking;Bron;Brandkraan nr")
        .replace(b"mrood", b"mrood;eigen;9")
    )
    upload = tmp_path / "lijst.csv"
    upload.write_bytes(text)
    found = tried(tmp_path, "westlandia", upload, "--nis", "33021", "--rows", "2")
    assert {key: found[key] for key in ("exit", "format", "rows", "accepted", "duplicates", "refused")} == {
        "exit": 0,
        "format": "csv",
        "rows": 6,
        "accepted": 2,
        "duplicates": 1,
        "refused": 3,
    }
    assert (found["rejected_because"], found["held_because"], found["notices"]) == (None, None, [])
    (sheet,) = found["sheets"]
    assert (sheet["name"], sheet["heading_row"], sheet["rows"]) == ("", 2, 6)
    assert sheet["ignored_columns"] == ["Bron"]
    assert sheet["unknown_columns"] == [
        {"heading": "Brandkraan nr", "nearest_heading": "Brandkraannummer", "nearest_field": "hydrant_ref"}
    ]
    columns = {column["heading"]: column for column in sheet["columns"]}
    assert columns["Resultaat"] == {
        "heading": "Resultaat",
        "place": 9,
        "field": "outcome",
        "unit": None,
        "crs": None,
        "texts": 6,
        "parsed": 3,
        "refused": 3,
        "distinct": 3,
        "examples": [["goedgekeurd", "ok"]],
    }
    assert (columns["X"]["crs"], columns["X"]["texts"]) == ("EPSG:31370", 5)
    assert (columns["Diameter"]["unit"], columns["Diameter"]["examples"]) == (
        "mm",
        [["80", 80], ["DN 100", 100]],
    )
    assert columns["Gebrek"]["examples"] == [["lek, verf", ["leak", "paint"]]]
    assert columns["Datum"]["examples"] == [["14/03/2019", "2019-03-14"]]
    assert [(code["code"], code["rows"]) for code in found["refusals"]] == [
        ("OUTCOME_UNKNOWN", 3),
        ("DATE_UNREADABLE", 1),
    ]
    outcomes = found["refusals"][0]["examples"]
    assert [
        (one["column"], one["value"], one["suggestion"], one["count"], one["row"]) for one in outcomes
    ] == [
        ("Resultaat", "goedgekeurt", "goedgekeurd", 2, 4),
        ("Resultaat", "niet controleerbar", "niet controleerbaar", 1, 6),
    ]
    told = hydrants(tmp_path, "profile", "try", "westlandia", upload, "--nis", "33021").stdout
    assert "'Resultaat' -> outcome: 6 texts, 3 different, 3 parsed, 3 REFUSED" in told
    assert "2 x 'Resultaat' = 'goedgekeurt' -> 'goedgekeurd'? (first in row 4)" in told
    assert "6 rows: 2 accepted, 1 duplicate, 3 refused" in told
    assert "\\x1b[31mrood" in told
    assert "\x1b" not in told, "a cell drives the terminal"
    assert not (tmp_path / "never.sqlite").exists()


def test_a_dry_run_says_when_the_whole_file_would_be_put_aside(tmp_path: Path) -> None:
    upload = tmp_path / "lijst.csv"
    upload.write_bytes(as_csv([good(number, Resultaat="?") for number in range(30)]))
    found = tried(tmp_path, "westlandia", upload)
    assert (found["exit"], found["refused"], found["rejected_because"]) == (1, 30, None)
    assert found["held_because"].startswith("30 van de 30 rijen zijn geweigerd")
    upload.write_bytes(as_csv([good(1)]).replace(b"Resultaat", b"Bevinding"))
    found = tried(tmp_path, "westlandia", upload)
    assert (found["exit"], found["accepted"]) == (1, 0)
    assert found["rejected_because"].startswith("Kolom 'Resultaat' ontbreekt")
    upload.write_bytes(b"")
    found = tried(tmp_path, "westlandia", upload)
    assert (found["exit"], found["sheets"], found["format"]) == (1, [], None)
    assert "leeg" in found["rejected_because"]
    done = hydrants(tmp_path, "profile", "try", "zuidhoek", upload)
    assert (done.returncode, "zuidhoek is not known" in done.stderr) == (1, True)
    done = hydrants(tmp_path, "profile", "try", "westlandia", upload, "--nis", "99999")
    assert (done.returncode, "99999 is not known" in done.stderr) == (1, True)


def test_a_dry_run_with_a_profile_that_lies_elsewhere(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    upload = tmp_path / "lijst.csv"
    upload.write_text("Nummer,Wanneer,Hoe\n7,14.03.2019,1\n8,15.03.2019,goet\n", encoding="utf-8")
    found = tried(tmp_path, path, upload)
    assert (found["contractor"], found["accepted"], found["refused"]) == ("zuidhoek", 1, 1)
    assert found["refusals"][0]["examples"][0]["suggestion"] == "goed"


def test_a_dry_run_counts_as_the_night_does(
    engine: sa.Engine, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every file of a made-up gemeente, and one of each format, each in a batch of its own."""
    world = tmp_path_factory.mktemp("world")
    demo.write(world, seed=5, scale=0.05)
    sound = world / "uploads" / "westlandia" / "sound"
    sound.mkdir()
    for kind, (name, content) in sound_files().items():
        (sound / f"{kind}_{name}").write_bytes(content)
    compared, kinds = 0, set()
    unused = {contractor: iter(reference.gemeenten()) for contractor in ("westlandia", "interwest")}
    for contractor, folder in (("westlandia", "32003"), ("interwest", "32003"), ("westlandia", "sound")):
        files = sorted((world / "uploads" / contractor / folder).glob("*"))
        for path in without_copies(files)[:4] if folder.isdigit() else files:
            nis = next(unused[contractor])
            compared += compare_with_the_night(engine, settings, contractor, nis, path)
            kinds.add(path.suffix)
    assert compared > 60
    assert kinds == {".xlsx", ".csv", ".gpkg", ".geojson", ".ods", ".xls", ".zip", ".kml", ".kmz"}


def without_copies(files: list[Path]) -> list[Path]:
    return list({hashlib.sha256(path.read_bytes()).digest(): path for path in files}.values())


def compare_with_the_night(
    engine: sa.Engine, settings: Settings, contractor: str, nis: str, path: Path
) -> int:
    send(settings, path.name, path.read_bytes(), (contractor, nis))
    counts = night(engine, settings, (contractor, nis))
    report = cli_profiles.dry_run(profile.load(contractor), path, nis, settings, examples=3)
    rejected, held = whole_file(engine, contractor, nis)
    assert (report.rejected_because, report.held_because) == (rejected, held), path
    if held is None:
        assert (report.accepted, report.duplicates, report.refused) == (
            counts["accepted"],
            counts["duplicates"],
            counts["quarantined"],
        ), path
    return report.accepted


def test_a_dry_run_knows_the_pictures_that_came_along(tmp_path: Path, settings: Settings) -> None:
    rows = as_csv([good(1), good(2)]).decode("utf-8-sig").splitlines()
    listed = "\n".join([f"{rows[1]};Foto", f"{rows[2]};a.jpg", f"{rows[3]};fotos/b.jpg"])
    westlandia = profile.load("westlandia")
    path = tmp_path / "lijst.zip"
    path.write_bytes(zipped({"lijst.csv": listed.encode(), "fotos/a.jpg": jpeg()}))
    report = cli_profiles.dry_run(westlandia, path, "33021", settings, examples=3)
    assert (report.accepted, report.refused, report.notices) == (2, 0, [])
    ((code, rows_with, (example,)),) = [(one.code, one.rows, one.examples) for one in report.remarks]
    assert (code, rows_with, example.value, example.row) == ("PHOTO_MISSING", 1, "b.jpg", 3)
    path = tmp_path / "lijst.csv"
    path.write_text(listed, encoding="utf-8")
    report = cli_profiles.dry_run(westlandia, path, "33021", settings, examples=3)
    assert (report.accepted, report.remarks) == (2, [])
    assert [notice.startswith("De lijst verwijst naar foto's") for notice in report.notices] == [True]


def whole_file(engine: sa.Engine, contractor: str, nis: str) -> tuple[str | None, str | None]:
    columns = tables.upload.c
    query = sa.select(columns.rejected_because, columns.held_because)
    with store.read(engine) as connection:
        return (
            connection.execute(query.where(columns.contractor == contractor, columns.nis == nis))
            .one()
            ._tuple()
        )


def test_memory_does_not_grow_with_the_file() -> None:
    def peak_bytes(rows: int) -> int:
        agreed = profile.load("westlandia")
        trial = Trial(agreed, "33021", date(2019, 1, 1), date(2019, 12, 31), {}, examples=5)
        chunks = (
            (
                range(first, first + 1000),
                [[str(number), "14/03/2019", "ok"] for number in range(first, first + 1000)],
            )
            for first in range(2, rows + 2, 1000)
        )
        heading = ([1], [["Nr. brandkraan", "Datum", "Resultaat"]])
        tracemalloc.start()
        trial.take("csv", "", None, None, None, itertools.chain([heading], chunks))
        report = trial.report()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (report.rows, report.accepted) == (rows, rows)
        return peak

    few, many = peak_bytes(60_000), peak_bytes(180_000)  # both fill what is remembered of a column
    assert many < few + 5_000_000, (few, many)


# -- the document ------------------------------------------------------------------------------


def fenced(first_words: str) -> str:
    """The block of docs/profiles.md that starts so."""
    blocks = re.findall(
        r"```(?:yaml|sh)?\n(.*?)```", (ROOT / "docs" / "profiles.md").read_text("utf-8"), re.DOTALL
    )
    (found,) = [text for text in map(textwrap.dedent, blocks) if text.startswith(first_words)]
    return found


def test_the_example_of_the_document_is_whole_and_works(tmp_path: Path) -> None:
    path = tmp_path / "polder.yml"
    path.write_text(fenced("# yaml-language-server"), encoding="utf-8")
    assert [problem.place for problem in check(path)] == ["contractor"], "no contract, and nothing else"
    upload = tmp_path / "may.csv"
    upload.write_text(fenced("start,check"), encoding="utf-8")
    found = tried(tmp_path, path, upload)
    assert (found["accepted"], found["refused"], found["sheets"][0]["unknown_columns"]) == (2, 0, [])
    told = hydrants(tmp_path, "profile", "try", "polder.yml", "may.csv").stdout.splitlines()
    shown = [line for line in fenced("may.csv (csv)").splitlines() if line.strip() not in ("", "...")]
    assert [line for line in shown if line not in told] == []


def test_the_document_names_every_key_and_field() -> None:
    text = (ROOT / "docs" / "profiles.md").read_text("utf-8")
    names = [*profile.Profile.model_fields, *profile.FIELDS, *profile.Lookups.model_fields]
    assert [name for name in names if f"`{name}`" not in text and f"{name}:" not in text] == []
