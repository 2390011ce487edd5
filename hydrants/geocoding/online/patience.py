"""How much a service may still be asked today, and when it is left alone: shared by all workers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants.settings import Settings
from hydrants.store.tables import geocoder_use

PORTION = 25
"""Questions that a worker counts before it asks them; what a killed run has to ask again, at most."""
FAILURES_IN_ROW = 3
"""After so many failures of the service, one after the other, it is left alone ..."""
REST = timedelta(hours=1)
"""... for so long: the rest of a night's run, whatever worker comes next."""
FAILED_TOO_OFTEN = "it failed too often in a row"

_BELGIUM = ZoneInfo("Europe/Brussels")


class Failures(NamedTuple):
    """Failures of the service since its last answer, whatever day."""

    in_row: int = 0
    last_at: datetime | None = None

    def and_one(self, now: datetime, *, is_final: bool) -> Failures:
        """With one more; a final one is reason enough to leave the service alone."""
        return Failures(max(self.in_row + 1, FAILURES_IN_ROW if is_final else 0), now)

    def ask_for_rest(self, now: datetime) -> bool:
        """Whether the service is left alone."""
        return self.in_row >= FAILURES_IN_ROW and self.last_at is not None and now - self.last_at < REST


@dataclass
class Portion:
    """Questions that one worker may ask, counted in the store already.

    `ends_at`, `began_at`: on the monotonic clock, in seconds; `reason`: why there are no questions in it.
    """

    day: date
    questions: int
    began_at: float
    ends_at: float
    failures: Failures
    reason: str = ""
    asked: int = 0

    @property
    def is_used(self) -> bool:
        """Whether all of it is asked."""
        return self.asked >= self.questions


def reserve(connection: sa.Connection, settings: Settings, now: datetime) -> Portion:
    """Count a portion of today's questions as asked; the caller writes, and holds the service's turn."""
    columns, service, day = geocoder_use.c, settings.online_geocoder, _day(now)
    newest = sa.select(geocoder_use).where(columns.service == service).order_by(columns.day.desc()).limit(1)
    row = connection.execute(newest).first()
    failures = Failures(row.failures_in_row, _with_zone(row.failed_at)) if row else Failures()
    is_today = row is not None and row.day == day
    questions, waited_s = (row.questions, row.waited_s) if row is not None and is_today else (0, 0.0)
    left, left_s = settings.online_per_day - questions, settings.online_wait_s_per_day - waited_s
    began_at = time.monotonic()
    portion = Portion(day, min(PORTION, max(0, left)), began_at, began_at + left_s, failures)
    if failures.ask_for_rest(now):
        portion.reason = FAILED_TOO_OFTEN
    elif left <= 0:
        portion.reason = f"its {settings.online_per_day} questions of today are used up"
    elif left_s <= 0:
        portion.reason = f"the {settings.online_wait_s_per_day:g} s to wait for it today are used up"
    if portion.reason:
        portion.questions = 0
    elif is_today:
        more = geocoder_use.c.questions + portion.questions
        connection.execute(sa.update(geocoder_use).where(*_key(service, day)).values(questions=more))
    else:
        new = {"service": service, "day": day, "questions": portion.questions, "waited_s": 0.0}
        failed = {"failures_in_row": failures.in_row, "failed_at": failures.last_at}
        connection.execute(sa.insert(geocoder_use).values(**new, **failed))
    return portion


def give_back(connection: sa.Connection, service: str, portion: Portion) -> None:
    """Count what was not asked as such, how long the service was waited for, and how it failed."""
    if not portion.asked and not portion.questions:
        return
    values = {
        "questions": geocoder_use.c.questions - (portion.questions - portion.asked),
        "waited_s": geocoder_use.c.waited_s + (time.monotonic() - portion.began_at),
        "failures_in_row": portion.failures.in_row,
        "failed_at": portion.failures.last_at,
    }
    connection.execute(sa.update(geocoder_use).where(*_key(service, portion.day)).values(**values))


def _key(service: str, day: date) -> tuple[sa.ColumnElement[bool], ...]:
    return geocoder_use.c.service == service, geocoder_use.c.day == day


def _with_zone(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment  # SQLite


def _day(now: datetime) -> date:
    return now.astimezone(_BELGIUM).date()
