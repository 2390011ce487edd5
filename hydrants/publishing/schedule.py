"""How far a campaign is beside its plan: what a burn-down shows.

The plan is a straight line: nothing checked before the campaign's first day, everything by the end of its
last. Contracts say who inspects, not by when, so there is no better one in the data. A hydrant counts from
the day of the inspection that its status rests on: one that was inspected again later counts from then, so
that the past can look emptier than it was, never fuller. What is checked on the day that the figures speak of
is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants.store.tables import snapshot, snapshot_hydrant, snapshot_progress

_WEEK = timedelta(days=7)
RECENT_DAYS = 28
"""The pace of so many days gives the day on which all would be checked."""


class Schedule(NamedTuple):
    """How many hydrants of a scope were checked by when, and how many should have been.

    Args:
        start: first day of the campaign.
        end: last day of the campaign.
        as_of: the day that the figures speak of.
        registered: hydrants in the register.
        by_week: how many were checked by the end of each seventh day of the campaign, and last by the end of
            as_of (or of `end`, where that is earlier): see `points`.
        recent: how many of them in the last RECENT_DAYS of those days.
    """

    start: date
    end: date
    as_of: date
    registered: int
    by_week: tuple[int, ...]
    recent: int

    @property
    def checked(self) -> int:
        """How many are checked."""
        return self.by_week[-1]

    @property
    def remaining(self) -> int:
        """How many are still to check."""
        return self.registered - self.checked

    @property
    def points(self) -> list[tuple[date, int]]:
        """The burn-down: a day, and how many were still to check at its end; from the campaign's eve on."""
        left = [self.registered, *(self.registered - checked for checked in self.by_week)]
        return list(zip([self.start - timedelta(days=1), *ends(self.start, self._last)], left, strict=True))

    @property
    def plan(self) -> list[tuple[date, int]]:
        """The two ends of the line that the burn-down should follow or stay below."""
        return [(self.start - timedelta(days=1), self.registered), (self.end, 0)]

    def planned(self, day: date) -> int:
        """How many should have been checked by the end of a day; a hydrant that is half due is not due."""
        days = min((day - self.start).days, (self.end - self.start).days) + 1
        return self.registered * max(days, 0) // ((self.end - self.start).days + 1)

    @property
    def ahead(self) -> int:
        """How many more than planned are checked; negative: fewer."""
        return self.checked - self.planned(self.as_of)

    @property
    def is_on_schedule(self) -> bool:
        """Whether at least as many are checked as planned."""
        return self.ahead >= 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to check."""
        return self.remaining == 0

    @property
    def per_week(self) -> float:
        """How many were checked in a week, lately."""
        days = min(RECENT_DAYS, (self._last - self.start).days + 1)
        return 7 * self.recent / days

    @property
    def finish_on(self) -> date | None:
        """The day on which all would be checked at that pace; None when nothing is left, or was done."""
        if self.is_done or not self.recent:
            return None
        return self.as_of + timedelta(days=math.ceil(7 * self.remaining / self.per_week))

    @property
    def verdict_nl(self) -> str:
        """The plan in three words."""
        if not self.registered:
            return "geen brandkranen"
        if self.is_done:
            return "alles gecontroleerd"
        return "op schema" if self.is_on_schedule else "achter op schema"

    @property
    def _last(self) -> date:
        return min(self.as_of, self.end)

    def as_json(self) -> dict[str, Any]:
        """As JSON values; `from_json` reads it back."""
        days = {name: getattr(self, name).isoformat() for name in ("start", "end", "as_of")}
        return {**days, "registered": self.registered, "by_week": list(self.by_week), "recent": self.recent}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Schedule:
        """What `as_json` wrote."""
        days = {name: date.fromisoformat(given[name]) for name in ("start", "end", "as_of")}
        return cls(**{**given, **days, "by_week": tuple(given["by_week"])})


def ends(start: date, last: date) -> list[date]:
    """Every seventh day of a campaign that lies before `last`, and `last`."""
    first = start + _WEEK - timedelta(days=1)
    whole_weeks = max(0, math.ceil((last - first) / _WEEK))
    return [first + week * _WEEK for week in range(whole_weeks)] + [last]


def read(connection: sa.Connection, snapshot_id: int) -> dict[tuple[str, str], Schedule]:
    """The schedule of each line of a snapshot's progress table: per water company and gemeente (NIS code)."""
    taken = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id)).one()
    line, status = snapshot_progress.c, snapshot_hydrant.c
    lines = connection.execute(
        sa.select(line.operator, line.nis, line.registered)
        .where(line.snapshot_id == snapshot_id, line.nis.is_not(None))
        .order_by(line.position)
    ).all()
    counted = connection.execute(
        sa.select(status.operator, status.nis, status.inspected_on, sa.func.count())
        .where(status.snapshot_id == snapshot_id, status.inspected_on.is_not(None))
        .group_by(status.operator, status.nis, status.inspected_on)
    )
    days: dict[tuple[str, str], list[tuple[date, int]]] = {(one.operator, one.nis): [] for one in lines}
    for operator, nis, day, count in counted:
        days[operator, nis].append((day, count))
    last = min(taken.as_of, taken.campaign_end)
    return {
        (one.operator, one.nis): Schedule(
            taken.campaign_start,
            taken.campaign_end,
            taken.as_of,
            one.registered,
            tuple(
                sum(count for day, count in days[one.operator, one.nis] if day <= end)
                for end in ends(taken.campaign_start, last)
            ),
            sum(
                count
                for day, count in days[one.operator, one.nis]
                if last - timedelta(days=RECENT_DAYS) < day <= last
            ),
        )
        for one in lines
    }


def combined(schedules: Iterable[Schedule]) -> Schedule:
    """The schedule of several scopes together, all of one snapshot.

    Raises:
        ValueError: for none, or for those of several snapshots.
    """
    first, *others = schedules
    total = first
    for other in others:
        if other[:3] != first[:3]:
            raise ValueError("schedules of several campaigns or days do not add up")
        total = total._replace(
            registered=total.registered + other.registered,
            by_week=tuple(map(sum, zip(total.by_week, other.by_week, strict=True))),
            recent=total.recent + other.recent,
        )
    return total
