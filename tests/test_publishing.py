"""Publishing: the figures, the snapshot that is whole or not there, the workbooks and the page."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.errors import NothingPublished, ReferenceMissing
from hydrants.publishing import labels, pages, site, snapshot
from hydrants.publishing.downloads import workbook
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import World, square_gemeenten

POPERINGE, IEPER, DIKSMUIDE, KOKSIJDE = "33021", "33011", "32003", "38014"
MAY, JUNE = date(2019, 5, 1), date(2019, 6, 1)
FIGURES = ("registered", "checked", "ok", "failed", "remaining")
ONE_STORE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For files and pages, which are written from rows that both stores hold alike."""

FORMULA = '=HYPERLINK("http://example.invalid","klik")'
SCRIPT = "<img src=x onerror=\"document.title='geraakt'\">"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Square gemeenten of 1 km, in order of their NIS codes from x 30 000 on."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()), f"verzonnen {SCRIPT}")
    return settings


def _place(nis: str, east_m: float = 500.0) -> dict[str, float]:
    return {"x": 30_000.0 + 1_000 * sorted(reference.gemeenten()).index(nis) + east_m, "y": 170_500.0}


@pytest.fixture
def engine(engine: sa.Engine) -> sa.Engine:
    """Poperinge: ok, failed, not found and repaired, contradicted, two remaining; others: a few."""
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a", file_name="controle mei.xlsx")
        for number in range(1, 7):
            world.hydrant(f"DWG-{number}", POPERINGE, **_place(POPERINGE, 100.0 * number), diameter_mm=80)
        world.row("DWG-1", "ok", MAY)
        world.row("DWG-2", "failed", MAY, defects=["leak", "paint"])
        world.row("DWG-3", "not_found", MAY)
        world.row("DWG-3", "repaired", JUNE)
        world.row("DWG-4", "ok", MAY)
        world.row("DWG-4", "failed", MAY)
        world.row("DWG-5", "not_testable", MAY)
        world.hydrant("DWG-7", IEPER, **_place(IEPER), street_names=FORMULA, hydrant_type="underground")
        world.row("DWG-7", "failed", MAY)
        world.hydrant("DWG-8", DIKSMUIDE, **_place(DIKSMUIDE), street_names=SCRIPT)
        world.row("DWG-8", "failed", JUNE)
        world.hydrant("AQD-1", DIKSMUIDE, "aquaduin", **_place(DIKSMUIDE, 600))
        world.hydrant("AQD-2", KOKSIJDE, "aquaduin", **_place(KOKSIJDE))
        world.row("AQD-2", "ok", JUNE)
        world.hydrant("AQD-3", IEPER, "aquaduin", **_place(IEPER, 600))  # nobody is contracted there
    return engine


def add_row(engine: sa.Engine, hydrant_id: str = "DWG-6", outcome: str = "ok") -> None:
    """A late file that says one thing more."""
    with store.write(engine) as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(tables.upload)).scalar_one()
        world = World(connection)
        world.upload(count + 1, f"b{count}", file_name=f"laat {count}.csv")
        world.row(hydrant_id, outcome, JUNE, upload_id=count + 1)


def table(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """What readers of the store see: operator, gemeente, contractor and figures."""
    with store.read(engine) as connection:
        lines = publishing.progress(connection)
    return [
        (line["operator"], line["gemeente"], line["contractor"], *(line[name] for name in FIGURES))
        for line in lines
    ]


def published(settings: Settings) -> list[dict[str, Any]]:
    """What readers of the site see."""
    return json.loads((settings.site / "current" / "progress.json").read_text(encoding="utf-8"))


NONE = (0, 0, 0, 0, 0)
EXPECTED = [
    ("dewatergroep", "Alveringem", "westlandia", *NONE),
    ("dewatergroep", "Diksmuide", "westlandia", 1, 1, 0, 1, 0),
    ("dewatergroep", "Heuvelland", "westlandia", *NONE),
    ("dewatergroep", "Houthulst", "westlandia", *NONE),
    ("dewatergroep", "Ieper", "westlandia", 1, 1, 0, 1, 0),
    ("dewatergroep", "Koekelare", "westlandia", *NONE),
    ("dewatergroep", "Kortemark", "westlandia", *NONE),
    ("dewatergroep", "Langemark-Poelkapelle", "westlandia", *NONE),
    ("dewatergroep", "Lo-Reninge", "westlandia", *NONE),
    ("dewatergroep", "Mesen", "westlandia", *NONE),
    ("dewatergroep", "Poperinge", "westlandia", 6, 4, 1, 3, 2),
    ("dewatergroep", "Vleteren", "westlandia", *NONE),
    ("dewatergroep", "Wervik", "westlandia", *NONE),
    ("dewatergroep", "Zonnebeke", "westlandia", *NONE),
    ("dewatergroep", None, "westlandia", 8, 6, 1, 5, 2),
    ("aquaduin", "Alveringem", "interwest", *NONE),
    ("aquaduin", "De Panne", "interwest", *NONE),
    ("aquaduin", "Diksmuide", "interwest", 1, 0, 0, 0, 1),
    ("aquaduin", "Ieper", None, 1, 0, 0, 0, 1),
    ("aquaduin", "Koksijde", "interwest", 1, 1, 1, 0, 0),
    ("aquaduin", "Nieuwpoort", "interwest", *NONE),
    ("aquaduin", "Veurne", "interwest", *NONE),
    ("aquaduin", None, None, 3, 1, 1, 0, 2),
]


def test_the_table(engine: sa.Engine, settings: Settings) -> None:
    with store.read(engine) as connection, pytest.raises(NothingPublished):
        publishing.progress(connection)
    counts = publishing.run(engine, settings)
    assert counts == {"snapshot_id": counts["snapshot_id"], "published": 1, "removed": 0}
    assert table(engine) == EXPECTED
    with store.read(engine) as connection:
        lines = publishing.progress(connection)
    keys = ["operator", "nis", "gemeente", "contractor", *FIGURES, "as_of", "snapshot_id"]
    assert [list(line) for line in lines] == [keys] * len(lines)
    assert {line["as_of"] for line in lines} == {date(2019, 12, 31)}
    shown = published(settings)
    checked_on = {(line["operator"], line["nis"]): line.pop("last_checked_on") for line in shown}
    assert shown == [{**line, "as_of": "2019-12-31"} for line in lines]
    assert {key: day for key, day in checked_on.items() if day} == {
        ("dewatergroep", POPERINGE): "2019-05-01",
        ("dewatergroep", IEPER): "2019-05-01",
        ("dewatergroep", DIKSMUIDE): "2019-06-01",
        ("dewatergroep", None): "2019-06-01",
        ("aquaduin", KOKSIJDE): "2019-06-01",
        ("aquaduin", None): "2019-06-01",
    }


def test_every_figure_is_traced_to_as_many_rows(engine: sa.Engine, settings: Settings) -> None:
    snapshot_id = publishing.run(engine, settings)["snapshot_id"]
    with store.read(engine) as connection:
        judged = tables.snapshot_hydrant.c
        to_check = connection.execute(
            sa.select(judged.hydrant_id, judged.nis, judged.contractor, judged.tried_on).where(
                judged.snapshot_id == snapshot_id, judged.status == "remaining"
            )
        ).all()
        for line in publishing.progress(connection):
            for figure in FIGURES:
                rows = publishing.trace(connection, line["nis"], figure, line["operator"])
                assert len({row["hydrant_id"] for row in rows}) == len(rows) == line[figure]
                assert {row["operator"] for row in rows} <= {line["operator"]}
        failed = publishing.trace(connection, POPERINGE, "failed")
        remaining = publishing.trace(connection, DIKSMUIDE, "remaining")
        with pytest.raises(ReferenceMissing, match="99999"):
            publishing.trace(connection, "99999", "failed")
        with pytest.raises(ReferenceMissing, match="broken"):
            publishing.trace(connection, POPERINGE, "broken")
    assert sorted(map(tuple, to_check)) == [
        ("AQD-1", DIKSMUIDE, "interwest", None),
        ("AQD-3", IEPER, None, None),
        ("DWG-5", POPERINGE, "westlandia", MAY),
        ("DWG-6", POPERINGE, "westlandia", None),
    ]
    inspection = {
        "operator": "dewatergroep",
        "nis": POPERINGE,
        "file": "westlandia/33021/controle mei.xlsx",
        "sheet": "Controle",
        "sha256": "a" + "0" * 63,
        "inspected_on": MAY,
    }
    assert failed == [
        {**inspection, "hydrant_id": "DWG-2", "row_number": 3, "outcome": "failed"},
        {**inspection, "hydrant_id": "DWG-3", "row_number": 4, "outcome": "not_found"},
        {**inspection, "hydrant_id": "DWG-4", "row_number": 7, "outcome": "failed"},
    ]
    assert remaining == [
        {
            "operator": "aquaduin",
            "nis": DIKSMUIDE,
            "hydrant_id": "AQD-1",
            "file": "dewatergroep/brandkranen_1.csv",
            "sheet": "",
            "row_number": 1,
            "sha256": f"{1:064d}",
            "inspected_on": None,
            "outcome": None,
        }
    ]


# -- invariant I2 ------------------------------------------------------------------------------

_LINE = tables.snapshot_progress.c
TAMPERING: dict[str, tuple[sa.Update | sa.Delete, str]] = {
    "one failed more": (
        sa.update(tables.snapshot_progress).where(_LINE.nis == POPERINGE).values(failed=_LINE.failed + 1),
        r"ok 1 \+ failed 4 != checked 4",
    ),
    "one remaining less": (
        sa.update(tables.snapshot_progress).where(_LINE.nis == POPERINGE).values(remaining=1),
        r"checked 4 \+ remaining 1 != 6",
    ),
    "one hydrant forgotten": (
        sa.update(tables.snapshot_progress).where(_LINE.nis == POPERINGE).values(registered=5, remaining=1),
        r"registered 5, in the register 6",
    ),
    "a gemeente left out": (
        sa.delete(tables.snapshot_progress).where(_LINE.nis == "33016"),
        r"missing or too many.*33016",
    ),
    "a total left out": (
        sa.delete(tables.snapshot_progress).where(_LINE.nis.is_(None), _LINE.operator == "aquaduin"),
        r"aquaduin: registered None in total, 3 over",
    ),
    "a total too high": (
        sa.update(tables.snapshot_progress)
        .where(_LINE.nis.is_(None), _LINE.operator == "aquaduin")
        .values(registered=4, remaining=3),
        r"aquaduin: registered 4 in total, 3 over",
    ),
}


def test_figures_that_do_not_add_up_are_noticed(engine: sa.Engine, settings: Settings) -> None:
    snapshot_id = publishing.run(engine, settings)["snapshot_id"]
    for statement, message in TAMPERING.values():
        with store.write(engine) as connection:
            snapshot.check(connection, snapshot_id)
            connection.execute(statement)
            with pytest.raises(publishing.InvariantBroken, match=message):
                snapshot.check(connection, snapshot_id)
            connection.rollback()


_LINKED = sa.select(sa.func.min(tables.match.c.row_id)).where(tables.match.c.hydrant_id.is_not(None))
_ONE = _LINKED.scalar_subquery()
_BACK = 9 * tables.ROWS_PER_UPLOAD  # the same ordinal of an upload that there is not
BEREFT: dict[str, tuple[str, Any]] = {
    "raw_row": ("upload", sa.delete(tables.upload)),
    "ledger": ("raw_row", sa.delete(tables.raw_row).where(tables.raw_row.c.row_id == _ONE)),
    "ledger.duplicate_of_row_id": ("ledger", sa.update(tables.ledger).values(duplicate_of_row_id=_BACK)),
    "record": ("ledger", sa.delete(tables.ledger).where(tables.ledger.c.row_id == _ONE)),
    "record.superseded_by_row_id": ("record", sa.update(tables.record).values(superseded_by_row_id=_BACK)),
    "record.nis": ("gemeente", sa.update(tables.record).values(nis="99999")),
    "location": (
        "record",
        sa.insert(tables.location).values(
            row_id=_BACK, upload_id=9, location_method="none", corrections=[], is_outside_gemeente=False
        ),
    ),
    "match": ("record", sa.delete(tables.record).where(tables.record.c.row_id == _ONE)),
    "match.hydrant_id": (
        "hydrant",
        sa.update(tables.match).where(tables.match.c.hydrant_id.is_not(None)).values(hydrant_id="DWG-0"),
    ),
    "snapshot_hydrant": ("hydrant", sa.update(tables.snapshot_hydrant).values(hydrant_id="DWG-0")),
    "snapshot_hydrant.row_id": ("raw_row", sa.update(tables.snapshot_hydrant).values(row_id=_BACK)),
}


@pytest.mark.parametrize("child", BEREFT)
def test_a_row_that_rests_on_nothing_is_noticed(engine: sa.Engine, settings: Settings, child: str) -> None:
    parent, statement = BEREFT[child]
    snapshot_id = publishing.run(engine, settings)["snapshot_id"]
    with store.write(engine) as connection:
        if child == "snapshot_hydrant":  # its key: one hydrant only
            first = sa.select(sa.func.min(tables.snapshot_hydrant.c.hydrant_id)).scalar_subquery()
            statement = statement.where(tables.snapshot_hydrant.c.hydrant_id == first)
        if child == "raw_row":
            for name in ("finding", "receipt", "raw_photo", "raw_sheet", "delivery"):
                connection.execute(sa.delete(tables.metadata.tables[name]))
        connection.execute(statement)
        with pytest.raises(publishing.InvariantBroken, match=rf"\d+ rows of {child} have no {parent}"):
            snapshot.check(connection, snapshot_id)
        connection.rollback()


def test_without_a_register_there_is_nothing_to_publish(engine: sa.Engine, settings: Settings) -> None:
    with store.write(engine) as connection:
        for name in ("match", "record", "ledger", "raw_row", "hydrant_state", "hydrant", "register_version"):
            connection.execute(sa.delete(tables.metadata.tables[name]))
    with pytest.raises(ReferenceMissing, match="no hydrant register is loaded"):
        publishing.run(engine, settings)
    assert not (settings.site / "current").exists()


# -- snapshots ---------------------------------------------------------------------------------


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file, but for the one that says when the others were last known to be right."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "state.js")
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def _stored(engine: sa.Engine, snapshot_id: int) -> list[tuple[Any, ...]]:
    with store.read(engine) as connection:
        return [
            tuple(row)
            for name in (tables.snapshot, tables.snapshot_hydrant, tables.snapshot_progress)
            for row in connection.execute(
                sa.select(name).where(name.c.snapshot_id == snapshot_id).order_by(*name.primary_key)
            )
        ]


def _snapshots(engine: sa.Engine) -> list[int]:
    with store.read(engine) as connection:
        return list(
            connection.execute(sa.select(tables.snapshot.c.snapshot_id).order_by("snapshot_id")).scalars()
        )


def test_an_equal_state_is_published_once(engine: sa.Engine, settings: Settings) -> None:
    first = publishing.run(engine, settings)
    files = _files(settings.site)
    assert publishing.run(engine, settings) == {**first, "published": 0}
    assert _snapshots(engine) == [first["snapshot_id"]]
    assert _files(settings.site) == files


def test_numbers_have_no_gap_for_what_was_not_published(engine: sa.Engine, settings: Settings) -> None:
    assert publishing.run(engine, settings)["snapshot_id"] == 1
    for _ in range(3):
        with store.write(engine) as connection:  # forgotten from what it was made: it is made again, and left
            connection.execute(
                sa.delete(tables.stage_state).where(tables.stage_state.c.stage == "publishing")
            )
        assert publishing.run(engine, settings)["published"] == 0
    assert publishing.run(engine, settings, date(2019, 5, 31))["snapshot_id"] == 2


def test_a_published_snapshot_never_changes(engine: sa.Engine, settings: Settings) -> None:
    first = publishing.run(engine, settings)["snapshot_id"]
    folder = settings.site / "snapshots" / str(first)
    rows, files = _stored(engine, first), _files(folder)
    assert len(rows) == 1 + 11 + len(EXPECTED)
    add_row(engine)
    second = publishing.run(engine, settings)
    assert second["published"] == 1
    assert second["snapshot_id"] > first
    assert (_stored(engine, first), _files(folder)) == (rows, files)
    assert (settings.site / "current").readlink() == Path("snapshots", str(second["snapshot_id"]))
    assert ("dewatergroep", "Poperinge", "westlandia", 6, 5, 2, 3, 1) in table(engine)
    another_day = publishing.run(engine, settings, date(2019, 5, 31))
    assert another_day["published"] == 1
    assert {line["as_of"] for line in published(settings)} == {"2019-05-31"}


@ONE_STORE
def test_a_damaged_site_is_written_again(engine: sa.Engine, settings: Settings) -> None:
    first = publishing.run(engine, settings)
    book = settings.site / "current" / POPERINGE / f"{POPERINGE}.xlsx"
    book.write_bytes(b"")
    (settings.site / "current").unlink()
    assert publishing.run(engine, settings) == {**first, "published": 0}
    assert openpyxl.load_workbook(book).sheetnames[0] == "Overzicht"
    assert sorted(path.name for path in (settings.site / "snapshots").iterdir()) == [
        str(first["snapshot_id"])
    ]


def _die(*_args: object, **_kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_within(path: Path, *_args: Any) -> None:
    path.write_bytes(b"half a workb")
    _die()


def _die_at_third(write: Callable[..., None]) -> Callable[..., None]:
    calls = iter(range(1, 100))

    def dying(*args: Any) -> None:
        if next(calls) == 3:
            _die()
        write(*args)

    return dying


STEPS: dict[str, tuple[Any, str, Callable[..., Any], bool]] = {
    # where the process is killed, and whether readers of the store see the new snapshot by then
    "before the rows are committed": (snapshot, "check", _die, False),
    "before the directory": (site, "write", _die, False),
    "within a file of the directory": (workbook, "write", _die_within, False),
    "between two gemeenten": (pages.hydrant, "write", _die_at_third(pages.hydrant.write), False),
    "before the pointer": (snapshot, "point", _die, False),
    "before the link": (site, "switch", _die, True),
}


def _run_in_child(url: str, settings: Settings, step: str | None) -> None:
    if step is not None:
        module, name, replacement, _ = STEPS[step]
        setattr(module, name, replacement)
    publishing.run(store.create_engine(url), settings)


def _start(url: str, settings: Settings, step: str | None = None) -> Any:
    child = multiprocessing.get_context("fork").Process(target=_run_in_child, args=(url, settings, step))
    child.start()
    return child


@pytest.mark.parametrize("step", ["before the rows are committed", "before the pointer", "before the link"])
def test_killed_between_steps(engine: sa.Engine, settings: Settings, database_url: str, step: str) -> None:
    _kill_and_run_again(engine, settings, database_url, step)


@ONE_STORE
@pytest.mark.parametrize(
    "step", ["before the directory", "within a file of the directory", "between two gemeenten"]
)
def test_killed_at_files(engine: sa.Engine, settings: Settings, database_url: str, step: str) -> None:
    _kill_and_run_again(engine, settings, database_url, step)


def _kill_and_run_again(engine: sa.Engine, settings: Settings, database_url: str, step: str) -> None:
    """Readers see the old snapshot or the new one, whole; the next run finishes what was begun."""
    first = publishing.run(engine, settings)["snapshot_id"]
    old_table, old_site = table(engine), published(settings)
    add_row(engine)
    engine.dispose()
    child = _start(database_url, settings, step)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert published(settings) == old_site
    assert site.is_complete((settings.site / "current").resolve())
    new_table = [
        ("dewatergroep", "Poperinge", "westlandia", 6, 5, 2, 3, 1)
        if line[:2] == ("dewatergroep", "Poperinge")
        else ("dewatergroep", None, "westlandia", 8, 7, 2, 5, 1)
        if line[:2] == ("dewatergroep", None)
        else line
        for line in old_table
    ]
    assert table(engine) == (new_table if STEPS[step][3] else old_table)

    publishing.run(engine, settings)
    assert table(engine) == new_table
    assert [tuple(line[name] for name in FIGURES) for line in published(settings)] == [
        line[3:] for line in new_table
    ]
    assert len(_snapshots(engine)) == 2
    assert sorted(path.name for path in (settings.site / "snapshots").iterdir()) == sorted(
        str(number) for number in _snapshots(engine)
    )
    assert publishing.run(engine, settings)["published"] == 0
    assert first in _snapshots(engine)


@ONE_STORE
def test_a_full_or_broken_disk_leaves_the_old_snapshot(engine: sa.Engine, settings: Settings) -> None:
    publishing.run(engine, settings)
    old_table = table(engine)
    add_row(engine)
    snapshots, moved = settings.site / "snapshots", settings.site / "moved"
    snapshots.rename(moved)
    snapshots.write_text("not a directory")
    with pytest.raises(OSError, match="snapshots"):
        publishing.run(engine, settings)
    assert table(engine) == old_table
    snapshots.unlink()
    moved.rename(snapshots)
    assert publishing.run(engine, settings)["published"] == 1
    assert len(_snapshots(engine)) == 2


def test_two_at_once(engine: sa.Engine, settings: Settings, database_url: str) -> None:
    engine.dispose()
    children = [_start(database_url, settings) for _ in range(2)]
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    assert len(_snapshots(engine)) == 1
    assert table(engine) == EXPECTED


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "-"),
        (0, 9, "0 %"),
        (1, 1000, "1 %"),
        (999, 1000, "99 %"),
        (5, 5, "100 %"),
        (11_515, 15_916, "72 %"),
    ],
)
def test_a_percentage_never_hides_the_last_few(part: int, whole: int, text: str) -> None:
    assert labels.percent(part, whole) == text
