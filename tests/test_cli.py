"""The command line as a program and a person call it, in processes of its own."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from hydrants import demo

PROGRESS_KEYS = [
    "operator",
    "nis",
    "gemeente",
    "contractor",
    "registered",
    "checked",
    "ok",
    "failed",
    "remaining",
    "as_of",
    "snapshot_id",
]
ROWS_COLUMNS = (
    "file,sheet,row,disposition,reasons,location_method,location_accuracy_m,x_l72,y_l72,"
    "hydrant_id,match_method,score,distance_m"
)


def hydrants(world: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the settings that the demo wrote beside its world."""
    told = dict(
        line.split("=", 1)
        for line in (world / "demo.env").read_text().splitlines()
        if not line.startswith("#")
    )
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", *arguments],
        env={"PATH": os.environ["PATH"], "HYDRANTS_UPLOAD_STABLE_S": "0", **told},
        cwd=world,
        capture_output=True,
        text=True,
        timeout=300,
    )


def printed(world: Path, *arguments: str) -> str:
    done = hydrants(world, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world after one night."""
    directory = tmp_path_factory.mktemp("cli")
    demo.write(directory, seed=3, scale=0.03)
    counts = json.loads(printed(directory, "night", "--json"))
    assert counts["snapshot_id"] == 1
    assert counts["match"]["linked"] > 300
    return directory


def test_demo_speaks_of_its_world(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "hydrants.cli", "demo", str(tmp_path), "--scale", "0.01", "--json"]
    counts = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
    assert counts["registered"]["dewatergroep"] == 159
    assert {"uploads", "registers", "boundaries.geojson", "addresses.csv", "truth.csv"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_progress_for_programs_and_people(world: Path) -> None:
    lines: list[dict[str, Any]] = json.loads(printed(world, "progress", "--json"))
    assert all(list(line) == PROGRESS_KEYS for line in lines)
    totals = {line["operator"]: line for line in lines if line["nis"] is None}
    assert set(totals) == {"dewatergroep", "aquaduin"}
    assert totals["dewatergroep"]["as_of"] == "2019-12-31"
    row = next(line for line in printed(world, "progress").splitlines() if "De Watergroep" in line)
    assert [int(word) for word in row.split() if word.isdigit()] == [
        totals["dewatergroep"][name] for name in ("registered", "checked", "failed", "remaining")
    ]


def test_rows_lists_every_row_once(world: Path) -> None:
    text = printed(world, "rows", "--csv")
    assert text.splitlines()[0] == ROWS_COLUMNS
    rows = list(csv.DictReader(io.StringIO(text)))
    with (world / "truth.csv").open(encoding="utf-8", newline="") as file:
        told = [row for row in csv.DictReader(file) if not row["why"].startswith("same bytes")]
    assert sorted((row["file"], row["sheet"], row["row"]) for row in rows) == sorted(
        (row["file"], row["sheet"], row["row"]) for row in told
    )
    assert {row["disposition"] for row in rows} == {"accepted", "quarantined", "duplicate"}
    assert all(bool(row["reasons"]) == (row["disposition"] == "quarantined") for row in rows)


@pytest.mark.parametrize("figure", ["registered", "checked", "ok", "failed", "remaining"])
def test_trace_names_as_many_hydrants_as_the_table(world: Path, figure: str) -> None:
    lines = json.loads(printed(world, "progress", "--json"))
    expected = next(line[figure] for line in lines if line["nis"] == "33021")
    found = json.loads(printed(world, "trace", "--nis", "33021", "--figure", figure, "--json"))
    assert len(found) == len({row["hydrant_id"] for row in found}) == expected > 0
    assert all({"file", "sheet", "row_number", "sha256"} <= row.keys() for row in found)
    assert len(printed(world, "trace", "--nis", "33021", "--figure", figure).splitlines()) == expected


def test_evaluate_measures_against_the_truth(world: Path) -> None:
    measured = json.loads(printed(world, "evaluate", "truth.csv", "--json"))
    assert {"precision", "recall", "wrong_per_1000", "unresolved_share", "rows"} <= measured.keys()
    assert measured["recall"] >= 0.985
    assert measured["wrong_per_1000"] <= 2


def _where(row: dict[str, str]) -> tuple[str, ...]:
    """A row of `rows --csv` as the arguments of `explain`."""
    return (row["file"], row["row"], *(("--sheet", row["sheet"]) if row["sheet"] else ()))


def _a_row(world: Path, disposition: str, method: str = "") -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(printed(world, "rows", "--csv")))
    return next(
        row for row in rows if row["disposition"] == disposition and method in (row["match_method"], "")
    )


@pytest.mark.parametrize("method", ["id", "repaired_id", "position"])
def test_explain_says_why_a_row_was_linked(world: Path, method: str) -> None:
    row = _a_row(world, "accepted", method)
    where = _where(row)
    told = json.loads(printed(world, "explain", *where, "--json"))
    best = told["found"][0]
    assert (told["verdict"], best["hydrant_id"]) == ("linked", row["hydrant_id"])
    assert best["probability"] == pytest.approx(float(row["score"]), abs=1e-9)
    assert best["distance_m"] == pytest.approx(float(row["distance_m"]), abs=1e-6)
    assert sum(one["probability"] for one in told["found"]) == pytest.approx(1, abs=1e-6)
    chances = [one["probability"] for one in told["found"]]
    assert chances == sorted(chances, reverse=True)
    assert {"other", "unregistered"} <= {one["hydrant_id"] for one in told["found"]}
    text = printed(world, "explain", *where, "--map", "kaart.svg")
    assert row["hydrant_id"] in text
    assert "number" in text
    drawn = ElementTree.parse(world / "kaart.svg")
    words = [node.text or "" for node in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert any(row["hydrant_id"] in word for word in words)
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}circle"))) >= 1


def test_explain_of_a_row_that_is_no_record(world: Path) -> None:
    row = _a_row(world, "quarantined")
    where = _where(row)
    assert row["reasons"].split()[0] in printed(world, "explain", *where)
    missing = hydrants(world, "explain", row["file"], "999999")
    assert missing.returncode == 1
    assert "no row 999999" in missing.stderr


def test_explain_of_a_heading_and_of_a_duplicate(world: Path) -> None:
    assert "repeats another row" in printed(world, "explain", *_where(_a_row(world, "duplicate")))
    heading = hydrants(world, "explain", _a_row(world, "accepted", "id")["file"], "1")
    assert (heading.returncode, heading.stdout.strip(), heading.stderr) == (0, "heading", "")


def test_parameters_lists_what_was_learned_of_each_batch(world: Path) -> None:
    learned = json.loads(printed(world, "parameters", "--json"))
    assert {(one["contractor"], one["nis"]) for one in learned} >= {("westlandia", "33021")}
    assert all(1 <= one["sigma_m"] <= 50 for one in learned)
    assert "sigma_m" in printed(world, "parameters")


def test_plan_lists_what_remains(world: Path) -> None:
    lines = json.loads(printed(world, "progress", "--json"))
    expected = next(line["remaining"] for line in lines if line["nis"] == "33021")
    assert len(printed(world, "plan", "--nis", "33021").splitlines()) == expected


def test_review_goes_out_and_comes_back(world: Path) -> None:
    printed(world, "review", "export", "beslissen.xlsx")
    workbook = openpyxl.load_workbook(world / "beslissen.xlsx")
    sheet = workbook.worksheets[0]
    column = next(cell.column for cell in sheet[1] if cell.value == "Beslissing")
    sheet.cell(2, column).value = "DWG-bestaat-niet"
    workbook.save(world / "fout.xlsx")
    refused = hydrants(world, "review", "import", "fout.xlsx")
    assert refused.returncode == 1
    assert "rij 2" in refused.stderr
    sheet.cell(2, column).value = "nieuw"
    workbook.save(world / "goed.xlsx")
    assert json.loads(printed(world, "review", "import", "goed.xlsx", "--json"))["decided"] == 1
    assert json.loads(printed(world, "review", "import", "goed.xlsx", "--json"))["unchanged"] == 1


def test_register_load_twice_is_one_version(world: Path) -> None:
    export = str(next((world / "registers" / "dewatergroep").glob("*.csv")))
    counts = json.loads(printed(world, "register", "load", "--operator", "dewatergroep", export, "--json"))
    assert counts["is_new"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "nergens.csv"], "no truth file"),
        (["trace", "--nis", "99999", "--figure", "failed"], "99999"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(world: Path, arguments: list[str], said: str) -> None:
    done = hydrants(world, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_published_yet(tmp_path: Path) -> None:
    (tmp_path / "demo.env").write_text(f"HYDRANTS_DATABASE_URL=sqlite:///{tmp_path}/leeg.sqlite\n")
    done = hydrants(tmp_path, "progress")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert printed(tmp_path, "rows", "--csv").splitlines() == [ROWS_COLUMNS]
