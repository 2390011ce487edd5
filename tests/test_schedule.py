"""The campaign beside its plan: what was checked by when, how far ahead, and when it would end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from hydrants import publishing, reference, store
from hydrants.publishing import schedule
from hydrants.publishing.schedule import Schedule
from hydrants.settings import Settings
from tests.judged_world import World, square_gemeenten

JANUARY, DECEMBER = date(2019, 1, 1), date(2019, 12, 31)


def campaign(
    by_week: tuple[int, ...], *, registered: int = 100, days: int = 100, as_of_day: int = 28, recent: int = 0
) -> Schedule:
    """A campaign of 100 hydrants in 100 days, seen at the end of its 28th day: 28 are due."""
    end, as_of = JANUARY + timedelta(days=days - 1), JANUARY + timedelta(days=as_of_day - 1)
    return Schedule(JANUARY, end, as_of, registered, by_week, recent)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (1, [1]),
        (6, [6]),
        (7, [7]),
        (8, [7, 8]),
        (14, [7, 14]),
        (20, [7, 14, 20]),
    ],
)
def test_a_campaign_is_counted_by_weeks_and_on_its_last_day(last: int, expected: list[int]) -> None:
    days = schedule.ends(date(2019, 3, 1), date(2019, 3, last))
    assert days == [date(2019, 3, day) for day in expected]


@pytest.mark.parametrize(
    ("checked", "ahead", "verdict"),
    [
        (0, -28, "achter op schema"),
        (27, -1, "achter op schema"),
        (28, 0, "op schema"),
        (40, 12, "op schema"),
        (100, 72, "alles gecontroleerd"),
    ],
)
def test_the_verdict(checked: int, ahead: int, verdict: str) -> None:
    one = campaign((0, 0, 0, checked))
    assert (one.ahead, one.verdict_nl, one.is_on_schedule) == (ahead, verdict, ahead >= 0)
    assert (one.checked, one.remaining) == (checked, 100 - checked)


def test_the_plan_is_a_straight_line() -> None:
    one = campaign((0, 0, 0, 0), registered=10, days=365)
    days = (-30, 0, 36, 37, 182, 183, 365, 900)
    planned = [one.planned(JANUARY + timedelta(days=day - 1)) for day in days]
    assert planned == [0, 0, 0, 1, 4, 5, 10, 10]
    assert one.plan == [(date(2018, 12, 31), 10), (DECEMBER, 0)]


def test_the_burn_down_starts_with_all_on_the_eve() -> None:
    assert campaign((4, 4, 9), as_of_day=16).points == [
        (date(2018, 12, 31), 100),
        (date(2019, 1, 7), 96),
        (date(2019, 1, 14), 96),
        (date(2019, 1, 16), 91),
    ]


@pytest.mark.parametrize(
    ("checked", "recent", "finish"),
    [
        (30, 28, date(2019, 1, 28) + timedelta(days=70)),  # one a day, 70 left
        (30, 56, date(2019, 1, 28) + timedelta(days=35)),
        (30, 27, date(2019, 1, 28) + timedelta(days=73)),  # 72.6
        (30, 0, None),
        (100, 28, None),
    ],
)
def test_when_it_would_end(checked: int, recent: int, finish: date | None) -> None:
    assert campaign((0, 0, 0, checked), recent=recent).finish_on == finish


def test_the_pace_of_a_campaign_that_has_just_begun() -> None:
    one = campaign((3, 10), as_of_day=10, recent=10)
    assert one.per_week == pytest.approx(7.0)
    assert one.finish_on == date(2019, 1, 10) + timedelta(days=90)


def test_several_add_up_and_several_campaigns_do_not() -> None:
    one, other = campaign((1, 2, 3, 4), recent=4), campaign((10, 10, 10, 10), registered=30, recent=1)
    assert schedule.combined([one, other]) == campaign((11, 12, 13, 14), registered=130, recent=5)
    assert schedule.combined([one]) == one
    with pytest.raises(ValueError, match="several campaigns"):
        schedule.combined([one, campaign((1,), as_of_day=3)])
    with pytest.raises(ValueError, match="not enough values"):
        schedule.combined([])


def test_it_survives_json() -> None:
    one = campaign((1, 2, 3, 4), recent=4)
    assert Schedule.from_json(one.as_json()) == one
    assert one.as_json() == {
        "start": "2019-01-01",
        "end": "2019-04-10",
        "as_of": "2019-01-28",
        "registered": 100,
        "by_week": [1, 2, 3, 4],
        "recent": 4,
    }


def test_what_a_snapshot_says(engine: sa.Engine, settings: Settings) -> None:
    """A re-inspected hydrant counts from its last inspection; one tried in vain not at all."""
    square_gemeenten(settings.boundaries, sorted(reference.gemeenten()))
    with store.write(engine) as connection:
        world = World(connection)
        world.register()
        world.upload(1, "a")
        for number in range(1, 6):
            world.hydrant(f"DWG-{number}", x=41_000.0 + number)
        world.hydrant("AQD-1", "38014", "aquaduin", x=45_000.0)
        world.row("DWG-1", "ok", date(2019, 1, 7))
        world.row("DWG-2", "failed", date(2019, 1, 8))
        world.row("DWG-3", "ok", date(2019, 1, 2))
        world.row("DWG-3", "failed", date(2019, 1, 20))
        world.row("DWG-4", "not_testable", date(2019, 1, 3))
    snapshot_id = publishing.run(engine, settings, date(2019, 1, 20))["snapshot_id"]
    with store.read(engine) as connection:
        found = schedule.read(connection, snapshot_id)
    poperinge = found["dewatergroep", "33021"]
    assert poperinge == Schedule(JANUARY, DECEMBER, date(2019, 1, 20), 5, (1, 2, 3), 3)
    assert found["aquaduin", "38014"] == Schedule(JANUARY, DECEMBER, date(2019, 1, 20), 1, (0, 0, 0), 0)
    assert found["dewatergroep", "33011"].verdict_nl == "geen brandkranen"
    assert schedule.combined(found.values()).by_week == (1, 2, 3)
