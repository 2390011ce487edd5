"""Planning: every remaining hydrant once, nearest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants import planning, store
from hydrants.errors import NothingPublished
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import NOON, World

POPERINGE, DIKSMUIDE = "33021", "32003"


@pytest.fixture
def snapshot_id(engine: sa.Engine) -> int:
    """A snapshot with a line of remaining hydrants in Poperinge, and a few in Diksmuide."""
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        snapshot_id = connection.execute(
            sa.insert(tables.snapshot)
            .values(
                as_of=date(2019, 12, 31),
                campaign_start=date(2019, 1, 1),
                campaign_end=date(2019, 12, 31),
                register_version_id=1,
                fingerprint="f",
                created_at=NOON,
            )
            .returning(tables.snapshot.c.snapshot_id)
        ).scalar_one()

        def judged(hydrant_id: str, nis: str, firm: str | None, x: float, status: str = "remaining") -> None:
            operator = "dewatergroep" if hydrant_id.startswith("DWG") else "aquaduin"
            world.hydrant(hydrant_id, nis, operator, x=x, y=170_000.0, street_names="=1+1")
            store.insert_rows(
                connection,
                tables.snapshot_hydrant,
                [
                    {
                        "snapshot_id": snapshot_id,
                        "hydrant_id": hydrant_id,
                        "operator": operator,
                        "nis": nis,
                        "contractor": firm,
                        "status": status,
                        "is_conflict": False,
                        "is_repaired": False,
                        "x_l72": x,
                        "y_l72": 170_000.0,
                    }
                ],
            )

        for hydrant_id, x in (("A", 0), ("B", 100), ("C", 190), ("D", 310), ("E", 1_000)):
            judged(f"DWG-{hydrant_id}", POPERINGE, "westlandia", 30_000.0 + x)
        judged("DWG-done", POPERINGE, "westlandia", 30_305.0, "ok")
        judged("DWG-bad", POPERINGE, "westlandia", 30_195.0, "failed")
        judged("DWG-F", DIKSMUIDE, "westlandia", 40_000.0)
        judged("AQD-G", DIKSMUIDE, "interwest", 40_010.0)
        judged("AQD-H", POPERINGE, None, 30_010.0)
        connection.execute(
            sa.insert(tables.current_snapshot).values(
                pointer="current", snapshot_id=snapshot_id, published_at=NOON
            )
        )
    return snapshot_id


def test_the_plan(engine: sa.Engine, settings: Settings, snapshot_id: int) -> None:
    assert planning.run(engine, settings) == {"stops": 7, "lists": 3, "unplanned": 1}
    with store.read(engine) as connection:
        stops = planning.stops(connection)
        assert planning.stops(connection, nis=DIKSMUIDE, contractor="westlandia") == [stops[1]]
        assert planning.stops(connection, nis="38014") == []
    # the middle of Poperinge's five is x 320: D is nearest, then C, B, A, and E at last
    assert [
        (stop["contractor"], stop["nis"], stop["sequence"], stop["hydrant_id"], stop["leg_m"])
        for stop in stops
    ] == [
        ("interwest", DIKSMUIDE, 1, "AQD-G", 0.0),
        ("westlandia", DIKSMUIDE, 1, "DWG-F", 0.0),
        ("westlandia", POPERINGE, 1, "DWG-D", 0.0),
        ("westlandia", POPERINGE, 2, "DWG-C", 120.0),
        ("westlandia", POPERINGE, 3, "DWG-B", 90.0),
        ("westlandia", POPERINGE, 4, "DWG-A", 100.0),
        ("westlandia", POPERINGE, 5, "DWG-E", 1_000.0),
    ]
    assert (stops[1]["gemeente"], stops[1]["street_names"], stops[1]["x_l72"]) == (
        "Diksmuide",
        "=1+1",
        40_000.0,
    )


def test_planning_again_changes_nothing_and_mends_what_is_missing(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    planning.run(engine, settings)
    folder = settings.site / "planning" / str(snapshot_id)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert planning.run(engine, settings, snapshot_id) == {"stops": 0, "lists": 0, "unplanned": 1}
    lost = folder / "westlandia_33021.xlsx"
    lost.unlink()
    assert planning.run(engine, settings) == {"stops": 0, "lists": 1, "unplanned": 1}
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def _stops(engine: sa.Engine, snapshot_id: int) -> list[tuple[Any, ...]]:
    columns = [column for column in tables.plan_stop.c if column.name != "snapshot_id"]
    with store.read(engine) as connection:
        query = sa.select(*columns).where(tables.plan_stop.c.snapshot_id == snapshot_id)
        return [tuple(row) for row in connection.execute(query.order_by(*columns[:3]))]


def _next_snapshot(engine: sa.Engine, snapshot_id: int, checked: str | None = None) -> int:
    """The snapshot after one: the same, but for a hydrant that is checked."""
    with store.write(engine) as connection:
        for table in (tables.snapshot, tables.snapshot_hydrant):
            names = [column.name for column in table.c]
            new = [sa.literal(snapshot_id + 1) if n == "snapshot_id" else table.c[n] for n in names]
            same = sa.select(*new).where(table.c.snapshot_id == snapshot_id)
            connection.execute(sa.insert(table).from_select(names, same))
        own = tables.snapshot_hydrant.c
        connection.execute(
            sa.update(tables.snapshot_hydrant)
            .where(own.snapshot_id == snapshot_id + 1, own.hydrant_id == checked)
            .values(status="ok")
        )
    return snapshot_id + 1


def test_only_a_list_of_other_hydrants_is_drawn_up_anew(
    engine: sa.Engine, settings: Settings, snapshot_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning.run(engine, settings)
    drawn: list[int] = []
    whole = planning.nearest_first

    def noted(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn.append(len(points))
        return whole(points)

    monkeypatch.setattr(planning, "nearest_first", noted)
    second = _next_snapshot(engine, snapshot_id)
    assert planning.run(engine, settings, second) == {"stops": 7, "lists": 3, "unplanned": 1}
    assert (drawn, _stops(engine, second)) == ([], _stops(engine, snapshot_id))
    third = _next_snapshot(engine, second, checked="DWG-D")
    assert planning.run(engine, settings, third) == {"stops": 6, "lists": 3, "unplanned": 1}
    assert drawn == [4]
    kept = _stops(engine, third)
    with store.write(engine) as connection:  # as if nothing had been planned before
        connection.execute(sa.delete(tables.plan_stop).where(tables.plan_stop.c.snapshot_id == third))
        connection.execute(sa.delete(tables.stage_state))
    planning.run(engine, settings, third)
    assert (drawn, _stops(engine, third)) == ([4, 1, 1, 4], kept)


def test_a_plan_that_lost_stops_is_not_taken_over(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    planning.run(engine, settings)
    whole = _stops(engine, snapshot_id)
    second = _next_snapshot(engine, snapshot_id)
    with store.write(engine) as connection:
        connection.execute(sa.delete(tables.plan_stop).where(tables.plan_stop.c.hydrant_id == "DWG-B"))
    planning.run(engine, settings, second)
    assert _stops(engine, second) == whole


def _add_remaining(engine: sa.Engine, snapshot_id: int, numbers: range) -> None:
    """More remaining hydrants of Poperinge, in a row."""
    names = [f"DWG-{number:05}" for number in numbers]
    rows = [{"hydrant_id": name, "operator": "dewatergroep", "supplier_id": name} for name in names]
    judged = {
        "snapshot_id": snapshot_id,
        "operator": "dewatergroep",
        "nis": POPERINGE,
        "contractor": "westlandia",
        "status": "remaining",
        "is_conflict": False,
        "is_repaired": False,
        "y_l72": 171_000.0,
    }
    with store.write(engine) as connection:
        store.insert_rows(connection, tables.hydrant, rows)
        store.insert_rows(
            connection,
            tables.snapshot_hydrant,
            [
                {**judged, "hydrant_id": name, "x_l72": 30_000.0 + 10 * number}
                for name, number in zip(names, numbers, strict=True)
            ],
        )


def test_taking_over_a_list_costs_as_its_length(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL does not tell what it did
    hundreds = [0]

    def count() -> None:
        hundreds[0] += 1

    def watch(connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_progress_handler(count, 100)

    sa.event.listen(engine, "checkout", watch)
    cost = {}
    for last, length in ((0, 400), (400, 1600)):
        _add_remaining(engine, snapshot_id, range(last, length))
        planning.run(engine, settings, snapshot_id)
        snapshot_id = _next_snapshot(engine, snapshot_id)
        hundreds[0] = 0
        planning.run(engine, settings, snapshot_id)
        cost[length] = hundreds[0]
        snapshot_id = _next_snapshot(engine, snapshot_id)
    assert cost[1600] < 6 * cost[400], cost  # 16 times, if each hydrant were looked for among all


_LIST = f"westlandia_{POPERINGE}.xlsx"


def _tell(engine: sa.Engine, snapshot_id: int, told: str) -> None:
    """Let a snapshot tell of Poperinge what has this hash, since May."""
    campaign = {"campaign_start": date(2019, 1, 1), "campaign_end": date(2019, 12, 31)}
    with store.write(engine) as connection:
        connection.execute(
            sa.insert(tables.publication).values(
                snapshot_id=snapshot_id,
                fingerprint="f",
                as_of=date(2019, 12, 31),
                event="e",
                told={POPERINGE: [told, "2019-05-01"]},
                **campaign,
            )
        )


def _two_lists(
    engine: sa.Engine,
    settings: Settings,
    snapshot_id: int,
    told: str = "a",
    meanwhile: Callable[[Path], object] = lambda _: None,
) -> tuple[Path, Path]:
    """The list of Poperinge, and that of the next snapshot, which has the same hydrants and tells so."""
    _tell(engine, snapshot_id, "a")
    planning.run(engine, settings, snapshot_id)
    first = settings.site / "planning" / str(snapshot_id) / _LIST
    meanwhile(first)
    later = _next_snapshot(engine, snapshot_id)
    _tell(engine, later, told)
    planning.run(engine, settings, later)
    return first, settings.site / "planning" / str(later) / _LIST


def test_a_list_that_says_the_same_is_one_file_with_two_names(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    first, second = _two_lists(engine, settings, snapshot_id)
    assert first.samefile(second)
    rows = list(openpyxl.load_workbook(second).active.values)
    assert rows[1][0] == "Gegevens van 01/05/2019, 5 brandkranen, dichtste eerst"
    assert [row[1] for row in rows[3:]] == ["DWG-D", "DWG-C", "DWG-B", "DWG-A", "DWG-E"]
    # of Diksmuide it is not known since when
    unknown = first.with_name(f"westlandia_{DIKSMUIDE}.xlsx")
    assert not unknown.samefile(second.with_name(unknown.name))
    rows = list(openpyxl.load_workbook(unknown).active.values)
    assert rows[1][0] == "Gegevens van 31/12/2019, 1 brandkranen, dichtste eerst"


def test_a_list_that_says_something_else_is_made(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    """Such as a street that is called otherwise now: the order of the visit is the same."""
    first, second = _two_lists(engine, settings, snapshot_id, told="b")
    assert second.is_file()
    assert not first.samefile(second)


def test_a_list_is_made_where_the_plan_before_is_no_longer_what_it_was(
    engine: sa.Engine, settings: Settings, snapshot_id: int
) -> None:
    def lose_a_stop(_: Path) -> None:
        with store.write(engine) as connection:
            connection.execute(sa.delete(tables.plan_stop).where(tables.plan_stop.c.hydrant_id == "DWG-E"))

    first, second = _two_lists(engine, settings, snapshot_id, meanwhile=lose_a_stop)
    assert not first.samefile(second)
    assert len(list(openpyxl.load_workbook(second).active.values)) == 3 + 5


def test_a_list_that_was_cut_off_is_made(engine: sa.Engine, settings: Settings, snapshot_id: int) -> None:
    def cut_off(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-100])

    first, second = _two_lists(engine, settings, snapshot_id, meanwhile=cut_off)
    assert not first.samefile(second)
    assert len(list(openpyxl.load_workbook(second).active.values)) == 3 + 5


def test_a_list_that_was_lost_is_made(engine: sa.Engine, settings: Settings, snapshot_id: int) -> None:
    first, second = _two_lists(engine, settings, snapshot_id, meanwhile=Path.unlink)
    assert not first.exists()
    assert second.is_file()


def test_other_rules_draw_up_every_list_anew(
    engine: sa.Engine, settings: Settings, snapshot_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning.run(engine, settings)
    monkeypatch.setattr(planning, "VERSION", planning.VERSION + 1)
    monkeypatch.setattr(
        planning, "nearest_first", lambda points: (np.arange(len(points)), np.zeros(len(points)))
    )
    second = _next_snapshot(engine, snapshot_id)
    planning.run(engine, settings, second)
    assert [stop[3] for stop in _stops(engine, second)[2:]] == ["DWG-A", "DWG-B", "DWG-C", "DWG-D", "DWG-E"]


def test_the_list_for_the_crew(engine: sa.Engine, settings: Settings, snapshot_id: int) -> None:
    planning.run(engine, settings)
    folder = settings.site / "planning" / str(snapshot_id)
    names = ["interwest_32003.xlsx", "westlandia_32003.xlsx", "westlandia_33021.xlsx"]
    assert sorted(path.name for path in folder.iterdir()) == names
    sheet = openpyxl.load_workbook(folder / "westlandia_33021.xlsx").active
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[2][:3] == ("Volgorde", "Brandkraan", "Straat (register)")
    assert [row[1] for row in rows[3:]] == ["DWG-D", "DWG-C", "DWG-B", "DWG-A", "DWG-E"]
    assert {row[2].value for row in sheet.iter_rows(min_row=4)} == {"=1+1"}
    assert {row[2].data_type for row in sheet.iter_rows(min_row=4)} == {"s"}


def test_without_a_snapshot_there_is_nothing_to_plan(engine: sa.Engine, settings: Settings) -> None:
    with pytest.raises(NothingPublished):
        planning.run(engine, settings)
    with pytest.raises(NothingPublished, match="42"):
        planning.run(engine, settings, 42)
    assert not Path(settings.site / "planning").exists()


def _step_by_step(points: np.ndarray) -> tuple[list[int], list[float]]:
    """Nearest first by measuring every distance at every step."""
    middle = points.mean(axis=0)
    here = min(range(len(points)), key=lambda one: (float(np.hypot(*(points[one] - middle))), one))
    order, legs_m, left = [here], [0.0], set(range(len(points))) - {here}
    while left:
        leg_m, nearest = min((float(np.hypot(*(points[one] - points[here]))), one) for one in left)
        order.append(nearest)
        legs_m.append(leg_m)
        left.remove(nearest)
        here = nearest
    return order, legs_m


@hypothesis_settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 150), side=st.integers(1, 30))
@example(seed=1, count=150, side=1)  # everything in one of two places
def test_nearest_first_against_measuring_everything(seed: int, count: int, side: int) -> None:
    """On a grid of whole metres, where many are equally near."""
    points = np.random.default_rng(seed).integers(0, side + 1, (count, 2)).astype("float64")
    order, legs_m = planning.nearest_first(points)
    expected_order, expected_legs_m = _step_by_step(points)
    assert legs_m.tolist() == pytest.approx(expected_legs_m)
    assert order.tolist() == expected_order


def test_no_points_no_order() -> None:
    order, legs_m = planning.nearest_first(np.empty((0, 2)))
    assert (len(order), len(legs_m)) == (0, 0)
