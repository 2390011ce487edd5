"""Whatever is sent: the night goes on, every row ends in one place, and the sender is told what is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants.settings import Settings
from tests.bad_inputs import CASES, inert, world
from tests.bad_inputs.case import Case, Read, Same
from tests.bad_inputs.damage import ESCAPED
from tests.bad_inputs.page import COMMAND, HEAD, PAGE, TAIL, lines
from tests.bad_inputs.work import (
    SOUND_NAME,
    found,
    night,
    outside,
    published,
    send_all,
    settings_of,
    told,
    touched,
    wanted,
)
from tests.forgetting import forget_uploads

HAZARDS = range(1, 36)
SOUND = Read(accepted=3)


def test_the_page_has_a_line_for_every_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    table = text.removeprefix(HEAD).removesuffix(TAIL).splitlines()
    assert len(table) == sum(len(case.files) for case in CASES)


def test_every_hazard_has_a_case() -> None:
    assert {case.number for case in CASES} == set(HAZARDS)
    assert len({(case.number, case.slug) for case in CASES}) == len(CASES) > 80


@pytest.fixture
def temporary(engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader puts aside for a moment lies here, and is seen when it stays.

    It comes after `engine`: the server has a place of its own.
    """
    folder = tmp_path / "tijdelijk"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.mark.parametrize("number", HAZARDS)
def test_bad_input(
    engine: sa.Engine,
    settings: Settings,
    tmp_path: Path,
    temporary: Path,
    subtests: pytest.Subtests,
    number: int,
) -> None:
    cases = [case for case in CASES if case.number == number]
    assert cases
    if any(case.is_placed for case in cases):
        world.make(engine, settings)
    known = set(tmp_path.iterdir())
    for case in cases:
        with subtests.test(case.slug):
            folder = tmp_path / case.slug
            folder.mkdir()
            _assert_worked_through(engine, settings_of(case, settings, folder), case)
            assert outside(folder, settings_of(case, settings, folder)) == []
        forget_uploads(engine)
    assert set(tmp_path.iterdir()) - known == {tmp_path / case.slug for case in cases}
    assert list(temporary.iterdir()) == []
    for folder in (*tmp_path.parents, Path.cwd(), *Path.cwd().parents):
        assert list(folder.glob(f"{ESCAPED}*")) == []


def _assert_worked_through(engine: sa.Engine, settings: Settings, case: Case) -> None:
    send_all(settings, case)
    night(engine, settings, case)
    received = found(engine, settings, case)
    for name, expected in case.expects.items():
        if isinstance(expected, Same):
            assert case.path_of(name) not in received, "the same content is received once"
            assert case.path_of(expected.name) in received
        else:
            assert told(expected, received[case.path_of(name)]) == wanted(expected)
    for batch in case.batches:
        assert told(SOUND, received["/".join([*batch, SOUND_NAME])]) == wanted(SOUND)
    assert published(engine, case.published) == dict(case.published)
    if case.is_placed and case.number in (33, 34):
        assert inert.live(engine, settings) == []
    assert touched(engine, settings) == []
    changed = [counts for counts in night(engine, settings, case) if any(_numbers(counts))]
    assert changed == [], "a second night has nothing to do"
    text = PAGE.read_text(encoding="utf-8")
    for line in lines(case, received):
        assert line in text, f"the page is not up to date: {COMMAND}"


def _numbers(counts: dict[str, object]) -> list[object]:
    return [count for name, count in counts.items() if name != "snapshot_id"]
