"""Files that went wrong in any way: the night survives each of them, and each has an answer.

`make test` tries some hundreds, `make fuzz` thousands of every format and prints what became of them.
A failure prints what was done to the file, its bytes, and `@reproduce_failure` to have the whole night again.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants.settings import Settings
from tests.fuzz_nights import Nights, Tally, held_open, table_of
from tests.mutants import FORMATS, Mutant, mutants

ASKED = int(os.environ.get("FUZZ_CASES", "0"))
"""Files of each format, as `make fuzz` asks for; otherwise as many as are quick."""
CASES = ASKED or 40
FILES_PER_NIGHT = 40 if ASKED else 20
_SOME_EQUAL = 1.25
"""Of so many files, some have equal contents; and the first night has nothing but the simplest mutant."""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def tallies(request: pytest.FixtureRequest) -> Iterator[dict[str, Tally]]:
    """The tally of each format; printed at the end where many files were asked for."""
    found: dict[str, Tally] = {}
    yield found
    if ASKED:
        plugins = request.config.pluginmanager
        reporter = plugins.getplugin("terminalreporter")
        with plugins.getplugin("capturemanager").global_and_fixture_disabled():
            reporter.ensure_newline()
            for line in table_of(found):
                reporter.write_line(line)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_sound_file_is_read(
    engine: sa.Engine, settings: Settings, tmp_path: Path, file_format: str
) -> None:
    """Else the mutants would show nothing."""
    tally = Tally()
    Nights(engine, settings, tmp_path).work_through([Mutant(file_format, (), ())], tally)
    assert (tally.files, tally.reasons, tally.codes) == (1, {}, {})
    assert tally.rows - 1 <= 6 <= tally.rows  # with or without a row of headings


@pytest.mark.parametrize("file_format", FORMATS)
def test_any_damage_has_an_answer(
    engine: sa.Engine, settings: Settings, tmp_path: Path, tallies: dict[str, Tally], file_format: str
) -> None:
    nights = Nights(engine, settings, tmp_path)
    nights.work_through([Mutant(file_format, (), ())], Tally())  # what is opened once stays open
    before = held_open()
    tally = tallies[file_format] = Tally()

    @hypothesis_settings(
        max_examples=1 + math.ceil(_SOME_EQUAL * CASES / FILES_PER_NIGHT),
        deadline=None,
        print_blob=True,
        phases=[Phase.reuse, Phase.generate],  # `culprit` finds the file and makes it smaller, much sooner
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(mutants(file_format), min_size=FILES_PER_NIGHT, max_size=FILES_PER_NIGHT))
    def one_night(files: list[Mutant]) -> None:
        try:
            nights.work_through(files, tally)
        except Exception as error:
            raise AssertionError(nights.culprit(files)) from error

    one_night()
    assert tally.files >= CASES
    assert held_open() == before, "no process, thread or file is left behind"
