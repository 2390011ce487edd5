"""From uploaded files to the published table, on both stores: the invariants, and human decisions."""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import demo, evaluation, night, publishing, review, store
from hydrants.settings import Settings
from hydrants.store.files import landed_path
from hydrants.store.tables import metadata

SCALE = 0.05
BUSY_NIS = "33021"
SOME_NIS = ("32003", "33021", "38014")  # both firms, one gemeente shared, all formats


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, demo.DemoCounts]:
    """A made-up Westhoek of one twentieth, and what it says of itself."""
    directory = tmp_path_factory.mktemp("world")
    return directory, demo.write(directory, seed=11, scale=SCALE)


def pointed_at(settings: Settings, directory: Path, uploads: Path | None = None) -> Settings:
    """The same settings, reading a world."""
    return settings.model_copy(
        update={
            "uploads": uploads or directory / "uploads",
            "registers": directory / "registers",
            "boundaries": directory / "boundaries.geojson",
            "addresses": directory / "addresses.csv",
        }
    )


def query(engine: sa.Engine, text: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(text))]


def table_contents(engine: sa.Engine) -> dict[str, Counter[tuple[Any, ...]]]:
    """Every row of every table but the log of runs."""
    with engine.connect() as connection:
        return {
            table.name: Counter(tuple(map(str, row)) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table.name != "run"
        }


def published(engine: sa.Engine) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        lines = publishing.progress(connection)
    return [{key: value for key, value in line.items() if key != "snapshot_id"} for line in lines]


def listed(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """All rows with what became of them, without what depends on the database's own numbering."""
    with store.read(engine) as connection:
        rows = evaluation.listed_rows(connection)
    return [tuple(map(str, row)) for row in rows.itertuples(index=False)]


def test_one_night(engine: sa.Engine, settings: Settings, world: tuple[Path, demo.DemoCounts]) -> None:
    directory, counts = world
    settings = pointed_at(settings, directory)
    night.whole_night(engine, settings)

    lines = published(engine)
    total = next(line for line in lines if line["operator"] == "dewatergroep" and line["nis"] is None)
    for figure in ("registered", "checked", "failed", "remaining"):
        assert total[figure] == getattr(counts, figure)["dewatergroep"]
    assert total["registered"] == round(15_916 * SCALE)

    with store.read(engine) as connection:
        measured = evaluation.evaluate(connection, directory / "truth.csv")
    assert measured["rows"] > 500
    assert measured["recall"] >= 0.985
    assert measured["wrong_per_1000"] <= 2.0

    # I1: every data row of every file has exactly one disposition
    rows = query(
        engine,
        "SELECT r.upload_id, COUNT(*), COUNT(l.row_id), SUM(CASE WHEN l.disposition IN "
        "('accepted', 'quarantined', 'duplicate', 'heading') THEN 1 ELSE 0 END) "
        "FROM raw_row r LEFT JOIN ledger l ON l.row_id = r.row_id GROUP BY r.upload_id",
    )
    assert len(rows) > 50
    assert all(read == entered == settled for _, read, entered, settled in rows)
    with (directory / "truth.csv").open(encoding="utf-8", newline="") as file:
        told = Counter(row["file"] for row in csv.DictReader(file) if not row["why"].startswith("same bytes"))
    assert Counter(row[0] for row in listed(engine)) == told

    # I2: the lines add up, and every contracted gemeente has one
    for line in lines:
        assert line["checked"] + line["remaining"] == line["registered"]
        assert line["ok"] + line["failed"] == line["checked"]
    for operator in ("dewatergroep", "aquaduin"):
        own = [line for line in lines if line["operator"] == operator]
        for figure in ("registered", "checked", "ok", "failed", "remaining"):
            assert sum(line[figure] for line in own if line["nis"]) == own[-1][figure]
    assert len([line for line in lines if line["operator"] == "dewatergroep" and line["nis"]]) == 14

    # I3: every figure leads to as many hydrants, each with the place it comes from
    line = next(line for line in lines if (line["operator"], line["nis"]) == ("dewatergroep", BUSY_NIS))
    with store.read(engine) as connection:
        for figure in ("registered", "checked", "ok", "failed", "remaining"):
            found = publishing.trace(connection, BUSY_NIS, figure, "dewatergroep")
            assert len(found) == line[figure] > 0
            assert all(row["file"] and row["row_number"] > 0 and len(row["sha256"]) == 64 for row in found)

    # I7: the landed bytes are those whose hash they bear
    for (sha256,) in query(engine, "SELECT sha256 FROM upload"):
        assert hashlib.sha256(landed_path(settings.landing, sha256).read_bytes()).hexdigest() == sha256


def test_a_second_night_changes_nothing(
    engine: sa.Engine, settings: Settings, world: tuple[Path, demo.DemoCounts]
) -> None:
    settings = pointed_at(settings, world[0])
    first = night.whole_night(engine, settings)
    before, site = table_contents(engine), (settings.site / "current").resolve()
    second = night.whole_night(engine, settings)
    assert table_contents(engine) == before
    assert (settings.site / "current").resolve() == site
    assert second["snapshot_id"] == first["snapshot_id"]
    assert query(engine, "SELECT COUNT(*) FROM run WHERE finished_at IS NOT NULL") == [(2,)]
    changed = {"land": "landed", "read": "rows_read", "validate": "accepted", "match": "linked"}
    assert min(first[stage][count] for stage, count in changed.items()) > 0
    assert [second[stage][count] for stage, count in changed.items()] == [0, 0, 0, 0]


def test_the_order_of_arrival_changes_nothing(
    engine: sa.Engine, settings: Settings, world: tuple[Path, demo.DemoCounts], tmp_path: Path
) -> None:
    directory, _ = world
    uploads = tmp_path / "arriving"
    settings = pointed_at(settings, directory, uploads)
    files = [path for path in sorted((directory / "uploads").glob("*/*/*")) if path.parent.name in SOME_NIS]
    assert len({path.suffix for path in files}) == 4
    seed = random.randrange(2**32)
    print(f"order of arrival from seed {seed}")  # noqa: T201
    random.Random(seed).shuffle(files)
    nights = 4
    for number in range(nights):
        for path in files[number::nights]:
            target = uploads / path.relative_to(directory / "uploads")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        night.whole_night(engine, settings)

    straight = store.create_engine(f"sqlite:///{tmp_path}/straight.sqlite")
    store.migrate(straight)
    one_night = {"site": tmp_path / "straight_site", "landing": tmp_path / "straight_landing"}
    night.whole_night(straight, settings.model_copy(update=one_night))
    assert published(engine) == published(straight)
    assert listed(engine) == listed(straight)
    straight.dispose()


@pytest.mark.parametrize("wrong_folder", ["westlandia/32003", "interwest/38014", "westlandia/33029"])
def test_a_misfiled_upload_is_put_right_by_moving_it(
    engine: sa.Engine,
    settings: Settings,
    world: tuple[Path, demo.DemoCounts],
    tmp_path: Path,
    wrong_folder: str,
) -> None:
    uploads = tmp_path / "arriving"
    settings = pointed_at(settings, world[0], uploads)
    for folder in ("westlandia/32003", f"westlandia/{BUSY_NIS}", "interwest/38014"):
        shutil.copytree(world[0] / "uploads" / folder, uploads / folder)
    belongs_in = uploads / "westlandia" / BUSY_NIS
    right = max(belongs_in.glob("*.csv"), key=lambda path: path.stat().st_size)
    straight = store.create_engine(f"sqlite:///{tmp_path}/straight.sqlite")
    store.migrate(straight)
    elsewhere = {"site": tmp_path / "straight_site", "landing": tmp_path / "straight_landing"}
    night.whole_night(straight, settings.model_copy(update=elsewhere))

    misfiled = uploads / wrong_folder / right.name
    misfiled.parent.mkdir(exist_ok=True)
    right.rename(misfiled)
    night.whole_night(engine, settings)
    assert listed(engine) != listed(straight)
    misfiled.rename(right)
    if not any(misfiled.parent.iterdir()):
        misfiled.parent.rmdir()
    for _ in range(2):
        night.whole_night(engine, settings)
    assert listed(engine) == listed(straight)
    assert published(engine) == published(straight)
    before = table_contents(engine)
    night.whole_night(engine, settings)
    assert table_contents(engine) == before
    straight.dispose()


def test_a_decision_survives_re_runs_and_can_be_undone(
    engine: sa.Engine, settings: Settings, world: tuple[Path, demo.DemoCounts], tmp_path: Path
) -> None:
    uploads = tmp_path / "arriving"
    shutil.copytree(world[0] / "uploads" / "interwest", uploads / "interwest")
    settings = pointed_at(settings, world[0], uploads)
    night.whole_night(engine, settings)
    before = listed(engine)
    sheet = tmp_path / "te_beslissen.xlsx"
    waiting = review.export(engine, sheet)
    assert waiting > 0
    some_id = query(engine, "SELECT MIN(hydrant_id) FROM hydrant WHERE operator = 'aquaduin'")[0][0]

    for answer, expected in ((some_id, ("linked", some_id)), ("nieuw", ("new", None))):
        workbook = openpyxl.load_workbook(sheet)
        page = workbook.worksheets[0]
        header = next(row for row in page.iter_rows() if any(cell.value == "Beslissing" for cell in row))
        column = {cell.value: cell.column for cell in header}
        page.cell(header[0].row + 1, column["Beslissing"]).value = answer
        workbook.save(sheet)
        review.import_(engine, settings.landing, sheet)
        for _ in range(2):
            night.whole_night(engine, settings)
            decided = query(engine, "SELECT verdict, hydrant_id FROM match WHERE match_method = 'decision'")
            assert decided == [expected]
        assert review.export(engine, tmp_path / "rest.xlsx") == waiting - 1

    review.revoke(
        engine, settings.landing, [row[0] for row in query(engine, "SELECT decision_id FROM decision")]
    )
    night.whole_night(engine, settings)
    assert listed(engine) == before
