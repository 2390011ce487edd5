"""How good the links are, against a truth file and against what people decided, on both stores."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from hydrants import evaluation, night, review, store
from hydrants.errors import ReferenceMissing
from hydrants.matching import stage
from hydrants.settings import Settings
from hydrants.store import tables
from tests.command_line import called
from tests.test_review import (
    E_LINKED,
    SHA_A,
    SHA_B,
    decide,
    decided,
    here,
    links,
    put_decision,
    put_row,
    remove,
    world,
)

__all__ = ["decided", "here", "world"]  # fixtures

HEADER = "file,sheet,row,hydrant_id\n"
MAART = "westlandia/33021/maart.xlsx,Controle"


def measured(world: sa.Engine, path: Path, truth: str, **how: bool) -> dict[str, Any]:
    path.write_text(HEADER + truth, encoding="utf-8")
    with store.read(world) as connection:
        return evaluation.evaluate(connection, path, **how)


# of that file rows 7 and 8 are linked, to DWG-1003 and DWG-1002, and rows 5, 6 and 9 are not
@pytest.mark.parametrize(
    ("truth", "how", "expected"),
    [
        (
            f"{MAART},5,DWG-1001\n{MAART},6,\n{MAART},7,DWG-1003\n{MAART},8,DWG-1001\n{MAART},99,\n",
            {},
            {
                "precision": 0.5,
                "recall": 1 / 3,
                "wrong_per_1000": 500.0,
                "unresolved_share": 1 / 3,
                "rows": 4,
                "unlisted": 1,
            },
        ),
        (
            f"{MAART},5,DWG-1001\n{MAART},6,\n{MAART},7,DWG-1003\n",  # the link of row 8 is not known of
            {},
            {
                "precision": 0.5,
                "recall": 0.5,
                "wrong_per_1000": 500.0,
                "unresolved_share": 0.5,
                "rows": 3,
                "unlisted": 0,
            },
        ),
        (
            f"{MAART},5,DWG-1001\n{MAART},6,\n{MAART},7,DWG-1003\n{MAART},99,DWG-1001\n",
            {"is_partial": True},
            {
                "precision": 1.0,
                "recall": 1 / 3,
                "wrong_per_1000": 0.0,
                "unresolved_share": 2 / 3,
                "rows": 3,
                "unlisted": 1,
            },
        ),
        (
            "",
            {"is_partial": True},
            {
                "precision": 0.0,
                "recall": 0.0,
                "wrong_per_1000": 0.0,
                "unresolved_share": 0.0,
                "rows": 0,
                "unlisted": 0,
            },
        ),
    ],
    ids=["a whole truth", "a link it does not know is wrong", "a partial truth", "no truth at all"],
)
def test_against_a_file(
    world: sa.Engine, tmp_path: Path, truth: str, how: dict[str, bool], expected: dict[str, float]
) -> None:
    assert measured(world, tmp_path / "t.csv", truth, **how) == pytest.approx(expected)


def test_a_sheet_that_looks_like_a_formula_is_found_by_its_inert_name(
    world: sa.Engine, tmp_path: Path
) -> None:
    with store.write(world) as connection:
        sheet = tables.raw_sheet
        connection.execute(sa.update(sheet).where(sheet.c.sheet == "Controle").values(sheet="=Controle"))
    truth = "westlandia/33021/maart.xlsx,'=Controle,7,DWG-1003\n"
    found = measured(world, tmp_path / "t.csv", truth, is_partial=True)
    assert (found["rows"], found["precision"]) == (1, 1.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no truth file at"),
        ("file,sheet,row\n", r"lacks the column\(s\) hydrant_id"),
        (HEADER + f"{MAART},5,\n{MAART},5,DWG-1001\n", "has two contents for westlandia/33021/maart.xlsx"),
    ],
)
def test_a_truth_that_cannot_be_used(
    world: sa.Engine, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with store.read(world) as connection, pytest.raises(ReferenceMissing, match=said):
        evaluation.evaluate(connection, path)


class Matcher:
    """Stands for `examine`: says of each row what it is told to, and remembers what it was asked."""

    def __init__(self, says: dict[tuple[str, int], tuple[str, str | None]]) -> None:
        self.says = says
        self.asked: list[tuple[str, str, bool]] = []

    def __call__(
        self,
        connection: sa.Connection,
        settings: Settings,
        contractor: str,
        nis: str,
        with_decisions: bool = True,
    ) -> SimpleNamespace:
        self.asked.append((contractor, nis, with_decisions))
        upload_id = {"33021": 1, "33011": 2}[nis]
        mine = {row: said for (of, row), said in self.says.items() if of == nis}
        return SimpleNamespace(
            records=pd.DataFrame({"row_id": [upload_id * tables.ROWS_PER_UPLOAD + row for row in mine]}),
            verdicts=pd.DataFrame(
                {
                    "verdict": [verdict for verdict, _ in mine.values()],
                    "best_hydrant_id": pd.Series([best for _, best in mine.values()], dtype=object),
                    "score": 0.5,
                }
            ),
        )


SAYS: dict[tuple[str, int], tuple[str, str | None]] = {
    ("33021", 5): ("linked", "DWG-1002"),
    ("33021", 6): ("linked", "DWG-1003"),
    ("33021", 7): ("review", "DWG-1003"),
    ("33021", 8): ("linked", "DWG-1003"),
    ("33021", 9): ("linked", "DWG-1003"),
    ("33011", 2): ("new", None),
}
DECIDED: list[tuple[str, str, int, str | None]] = [
    (SHA_A, "Controle", 5, "DWG-1002"),  # linked right
    (SHA_A, "Controle", 6, None),  # linked, and people say it is in no register
    (SHA_A, "Controle", 7, "DWG-1003"),  # not linked, but the best candidate is right
    (SHA_A, "Controle", 8, "DWG-1002"),  # linked wrong
    (SHA_A, "Controle", 9, "DWG-1001"),  # whose hydrant is removed: says nothing any more
    (SHA_B, "", 2, "DWG-1003"),  # taken to be new
    ("c" * 64, "", 2, "DWG-1003"),  # a file that is not here
]


def put_decisions(engine: sa.Engine, decisions: list[tuple[str, str, int, str | None]]) -> None:
    rows = [
        {
            "sha256": sha256,
            "sheet": sheet,
            "row_number": row,
            "hydrant_id": hydrant_id,
            "verdict": "linked" if hydrant_id else "new",
            "decided_at": store.utc_now(),
        }
        for sha256, sheet, row, hydrant_id in decisions
    ]
    with store.write(engine) as connection:
        store.insert_rows(connection, tables.decision, rows)


def test_against_what_people_decided(
    world: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = Matcher(SAYS)
    monkeypatch.setattr(stage, "examine", matcher, raising=False)
    put_decisions(world, DECIDED)
    remove(world, "DWG-1001")
    with store.read(world) as connection:
        found = evaluation.evaluate_decisions(connection, settings)
    assert found == pytest.approx(
        {
            "precision": 1 / 3,
            "recall": 1 / 4,
            "wrong_per_1000": 2000 / 3,
            "unresolved_share": 2 / 4,
            "rows": 5,
            "unlisted": 1,
            "decisions": 7,
            "lapsed": 1,
            "best_candidate_share": 2 / 4,
        }
    )
    assert matcher.asked == [("westlandia", "33011", False), ("westlandia", "33021", False)]


def test_a_decision_on_a_row_that_repeats_another_is_measured_on_that_other(
    world: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "examine", Matcher({("33021", 7): ("linked", "DWG-1003")}), raising=False)
    ledger = tables.ledger
    repeats = sa.update(ledger).where(ledger.c.row_id == tables.ROWS_PER_UPLOAD + 8)
    with store.write(world) as connection:
        connection.execute(
            repeats.values(disposition="duplicate", duplicate_of_row_id=tables.ROWS_PER_UPLOAD + 7)
        )
    put_decisions(world, [(SHA_A, "Controle", 8, "DWG-1003"), (SHA_A, "Controle", 6, "DWG-1003")])
    with store.read(world) as connection:
        found = evaluation.evaluate_decisions(connection, settings)
    assert (found["rows"], found["unlisted"], found["precision"], found["decisions"]) == (1, 1, 1.0, 2)


def test_without_decisions_nothing_is_matched(
    world: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = Matcher({})
    monkeypatch.setattr(stage, "examine", matcher, raising=False)
    with store.read(world) as connection:
        found = evaluation.evaluate_decisions(connection, settings)
    assert set(found.values()) == {0}
    assert matcher.asked == []


def test_the_matcher_itself_is_measured_without_the_decisions(engine: sa.Engine, decided: Settings) -> None:
    """Of two decided rows the matcher links one by itself; the decisions do not help it."""
    with store.read(engine) as connection:
        sha256 = review.active(connection)["sha256"].iloc[0]
    put_decisions(engine, [(sha256, "", 4, "DWG-3333333")])
    night.whole_night(engine, decided)
    assert links(engine) == E_LINKED
    with store.read(engine) as connection:
        found = evaluation.evaluate_decisions(connection, decided)
    assert links(engine) == E_LINKED
    assert found == pytest.approx(
        {
            "precision": 1.0,
            "recall": 0.5,
            "wrong_per_1000": 0.0,
            "unresolved_share": 0.5,
            "rows": 2,
            "unlisted": 0,
            "decisions": 2,
            "lapsed": 0,
            "best_candidate_share": 0.5,
        }
    )


NAMES = ["'=x", "=x", "'-x", "''x", "'x", "'", " Controle "]


@pytest.mark.parametrize(
    ("sheet", "note"),
    [*((name, None) for name in NAMES), ("Controle", "a\rb"), ("Controle", 'a\nb"c'), ("Controle", "=1+1")],
)
def test_labels_are_found_again(world: sa.Engine, tmp_path: Path, sheet: str, note: str | None) -> None:
    of_maart = tables.raw_sheet.c.upload_id == 1
    with store.write(world) as connection:
        connection.execute(sa.update(tables.raw_sheet).where(of_maart).values(sheet=sheet))
    put_decision(world, 7, "DWG-1003", sheet=sheet, note=note)
    path = tmp_path / "labels.csv"
    with store.read(world) as connection:
        review.write_labels(path, review.labels(connection)[0])
        found = evaluation.evaluate(connection, path, is_partial=True)
    assert (found["rows"], found["precision"], found["recall"]) == (1, 1.0, 1.0)
    assert review.read_labels(path)["why"].tolist() == [note or ""]
    assert not [line for line in path.read_text(encoding="utf-8").split(",") if line.startswith(("=", '"='))]


def test_labels_of_a_list_that_grows_under_one_name(world: sa.Engine, tmp_path: Path) -> None:
    again = {"upload_id": 3, "sha256": "c" * 64, "contractor": "westlandia", "nis": "33021"}
    again |= {"file_name": "maart.xlsx", "size_bytes": 1, "landed_at": store.utc_now()}
    sheet = {"upload_id": 3, "sheet_number": 1, "format": "xlsx", "sheet": "Controle", "blank_rows": 0}
    with store.write(world) as connection:
        store.insert_rows(connection, tables.upload, [again])
        store.insert_rows(connection, tables.raw_sheet, [sheet])
        put_row(connection, 3, 7, {"verdict": "linked", "hydrant_id": "DWG-1001", "score": 0.99})
    put_decision(world, 7, "DWG-1003")
    path = tmp_path / "labels.csv"
    with store.read(world) as connection:
        review.write_labels(path, review.labels(connection)[0])
        found = evaluation.evaluate(connection, path, is_partial=True)
        assert (found["rows"], found["precision"], found["unlisted"]) == (1, 1.0, 0)
        without = review.read_labels(path).drop(columns="sha256")
        review.write_labels(path, without)
        with pytest.raises(ReferenceMissing, match="has two contents"):
            evaluation.evaluate(connection, path, is_partial=True)


def test_the_command_line_measures_by_labels(world: sa.Engine, tmp_path: Path) -> None:
    decide(world, tmp_path / "review.xlsx")
    assert called(world, tmp_path, "review", "labels", "labels.csv").returncode == 0
    told = called(world, tmp_path, "evaluate", "labels.csv", "--partial", "--json")
    assert json.loads(told.stdout) == {
        "precision": 0.0,
        "recall": 0.0,
        "wrong_per_1000": 0.0,
        "unresolved_share": 1.0,
        "rows": 3,
        "unlisted": 0,
    }


@pytest.mark.parametrize("arguments", [[], ["t.csv", "--decisions"], ["--decisions", "--partial"]])
def test_one_thing_to_measure_by(
    arguments: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hydrants import cli

    monkeypatch.setattr(sys, "argv", ["hydrants", "evaluate", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert "give a TRUTH file, or --decisions" in capfd.readouterr().err
