"""The burn-down as a drawing: where its lines and labels lie. `templates/burndown.html.j2` draws them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from hydrants.publishing import labels
from hydrants.publishing.schedule import Schedule

WIDTH, HEIGHT = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 30
_MONTHS_APART = (1, 2, 3, 6, 12, 24, 60, 120)
_MOST_LABELS = 7
_NICE = (1, 2, 2.5, 5, 10)


class Label(NamedTuple):
    """A word on an axis, and how far along it lies."""

    at: float
    text: str


class Row(NamedTuple):
    """The drawing in words: by the end of a day, what is still to check, and what would be by the plan."""

    day: date
    remaining: int
    planned: int


class Chart(NamedTuple):
    """A burn-down in the units of its drawing.

    Args:
        plan: points of the line of the plan, as SVG writes them.
        actual: those of what is still to check.
        area: those of the shape below it.
        now: where the last of them lies.
        days: labels below, from left to right.
        numbers: labels beside, from below to above.
    """

    plan: str
    actual: str
    area: str
    now: tuple[float, float]
    days: list[Label]
    numbers: list[Label]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def chart(schedule: Schedule) -> Chart:
    """Lay out a burn-down."""
    first, last = schedule.plan[0][0], max(schedule.end, schedule.points[-1][0])
    ticks = _ticks(schedule.registered)
    top = ticks[-1]

    def x(day: date) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (day - first) / (last - first), 1)

    def y(count: int) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * count / top, 1)

    line = [(x(day), y(count)) for day, count in schedule.points]
    floor = y(0)
    return Chart(
        _points((x(day), y(count)) for day, count in schedule.plan),
        _points(line),
        _points([(line[0][0], floor), *line, (line[-1][0], floor)]),
        line[-1],
        [Label(x(day), text) for day, text in _days(first + timedelta(days=1), last)],
        [Label(y(tick), labels.number(tick)) for tick in ticks],
    )


def rows(schedule: Schedule) -> list[Row]:
    """The drawing in words."""
    return [Row(day, left, schedule.registered - schedule.planned(day)) for day, left in schedule.points]


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _ticks(most: int) -> list[int]:
    """Round numbers from 0 to at least `most`, five steps at most."""
    power = 1
    while True:
        for nice in _NICE:
            step = round(nice * power)
            if step == nice * power and 5 * step >= most:
                return [step * place for place in range(max(1, -(-most // step)) + 1)]
        power *= 10


def _days(start: date, last: date) -> list[tuple[date, str]]:
    """Firsts of months, not more than fit; of a campaign that has none or one, its first and last day."""
    firsts = [
        date(year, month, 1)
        for year in range(start.year, last.year + 1)
        for month in range(1, 13)
        if start <= date(year, month, 1) <= last
    ]
    if len(firsts) < 2:
        return [(day, labels.short_day(day)) for day in dict.fromkeys((start, last))]
    apart = next(months for months in _MONTHS_APART if len(firsts) <= _MOST_LABELS * months)
    shown = [day for day in firsts if (day.month - 1 + 12 * day.year) % apart == 0] or firsts[:1]
    years = [None, *(day.year for day in shown)]
    return [
        (day, labels.short_month(day) if before == after else f"{labels.short_month(day)} {day.year}")
        for day, (before, after) in zip(shown, pairwise(years), strict=True)
    ]
