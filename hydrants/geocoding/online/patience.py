"""How much a service may still be asked today, and when it is left alone: shared by all workers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hydrants.settings import Settings
from hydrants.store.tables import geocoder_use

FAILURES_IN_ROW = 3
"""After so many questions without an answer, one after the other, a service is left alone ..."""
REST = timedelta(hours=1)
"""... for so long: the rest of a night's run, whatever worker comes next."""

_BELGIUM = ZoneInfo("Europe/Brussels")


class Use(NamedTuple):
    """Questions asked today, and those without an answer since the last answer, whatever day."""

    questions: int = 0
    failures_in_row: int = 0
    failed_at: datetime | None = None

    def is_resting(self, now: datetime) -> bool:
        """Whether the service is left alone."""
        return (
            self.failures_in_row >= FAILURES_IN_ROW
            and self.failed_at is not None
            and now - self.failed_at < REST
        )

    def is_spent(self, settings: Settings) -> bool:
        """Whether today's questions are used up."""
        return self.questions >= settings.online_per_day

    def answered(self) -> Use:
        """After a question that was answered."""
        return Use(self.questions + 1)

    def failed(self, now: datetime, *, is_final: bool) -> Use:
        """After a question that was not; a final failure is reason enough to leave the service alone."""
        failures = max(self.failures_in_row + 1, FAILURES_IN_ROW if is_final else 0)
        return Use(self.questions + 1, failures, now)


def load(connection: sa.Connection, service: str, now: datetime) -> Use:
    """The use of a service until now."""
    columns = geocoder_use.c
    query = sa.select(geocoder_use).where(columns.service == service).order_by(columns.day.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return Use()
    failed_at = row.failed_at
    if failed_at is not None and failed_at.tzinfo is None:  # SQLite keeps no zone
        failed_at = failed_at.replace(tzinfo=UTC)
    return Use(row.questions if row.day == _day(now) else 0, row.failures_in_row, failed_at)


def add(connection: sa.Connection, service: str, now: datetime, more: int, last: Use) -> None:
    """Count `more` questions of today; failures are those of `last`, who asked last."""
    key = (geocoder_use.c.service == service, geocoder_use.c.day == _day(now))
    failures = {"failures_in_row": last.failures_in_row, "failed_at": last.failed_at}
    counted = sa.update(geocoder_use).where(*key)
    if (
        connection.execute(counted.values(questions=geocoder_use.c.questions + more, **failures)).rowcount
        == 0
    ):
        connection.execute(
            sa.insert(geocoder_use).values(service=service, day=_day(now), questions=more, **failures)
        )


def _day(now: datetime) -> date:
    return now.astimezone(_BELGIUM).date()
