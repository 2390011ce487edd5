"""Nothing comes, nothing runs: readers know of when their figures are, and somebody is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from hydrants import health
from hydrants.settings import Settings
from tests.faults import children
from tests.faults.children import in_child
from tests.faults.ordeals import Ordeal

pytestmark = pytest.mark.timeout(600)


def _problems(settings: Settings, now: datetime) -> set[str]:
    return {check.name for check in health.checks(settings, now) if not check.is_ok}


def test_a_dead_scheduler_is_told_and_the_page_says_of_when_it_is(
    second_night: Ordeal, tmp_path: Path
) -> None:
    last_night = second_night.world.now
    with second_night.world.copied(tmp_path) as own:
        settings = own.model_copy(update={"campaign_end": date(2020, 12, 31), "read_file_mb": 1})
        ended = in_child(children.one_night, settings, last_night)
        assert ended.code == 0, ended.answer
        assert _problems(settings, last_night + timedelta(hours=6)) == set()
        page = (settings.site / "current" / "index.html").read_text(encoding="utf-8")
        assert "gegevens van 31 december 2019" in page.lower()
        assert _problems(settings, last_night + timedelta(days=2)) == {"snapshot", "night"}
