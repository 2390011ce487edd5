"""Pieces of work side by side, in processes of their own; they are killed in the tests of faults."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from hydrants import store, workers
from hydrants.settings import Settings

POSTGRES = "postgresql://hydrants@localhost/hydrants"


def whose(engine: sa.Engine, settings: Settings, number: int) -> tuple[int, int, str]:
    """A piece of work: its number, its process, and the store that it would write to."""
    with store.read(engine) as connection:
        connection.execute(sa.text("SELECT 1"))
    return number, os.getpid(), settings.database_url


def mark(engine: sa.Engine, settings: Settings, folder: Path, number: int) -> int:
    """A piece of work that leaves a file behind, and fails if it is the third."""
    if number == 2:
        raise LookupError("the third piece")
    (folder / str(number)).touch()
    return number


def test_results_come_in_the_order_of_the_pieces(engine: sa.Engine, settings: Settings) -> None:
    pieces = [(number,) for number in range(20)]
    found = list(workers.side_by_side(engine, settings, whose, pieces, 3))
    assert [number for number, _, _ in found] == list(range(20))
    assert {url for _, _, url in found} == {settings.database_url}
    processes = {process for _, process, _ in found}
    assert os.getpid() not in processes
    assert len(processes) <= 3


@pytest.mark.parametrize(("pieces", "wanted"), [(0, 2), (1, 2), (5, 1)])
def test_one_worker_is_this_process(engine: sa.Engine, settings: Settings, pieces: int, wanted: int) -> None:
    found = list(workers.side_by_side(engine, settings, whose, [(n,) for n in range(pieces)], wanted))
    assert found == [(number, os.getpid(), settings.database_url) for number in range(pieces)]


@pytest.mark.parametrize("wanted", [1, 2])
def test_one_piece_apart(engine: sa.Engine, settings: Settings, wanted: int) -> None:
    """A night that works in one process does not start another for it."""
    settings = settings.model_copy(update={"workers": wanted})
    number, process, url = workers.apart(engine, settings, whose, 7)
    assert (number, url) == (7, settings.database_url)
    assert (process == os.getpid()) == (wanted == 1)


def test_what_a_piece_apart_raises_is_raised(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"workers": 2})
    with pytest.raises(LookupError, match="the third piece"):
        workers.apart(engine, settings, mark, tmp_path, 2)


def test_what_a_piece_raises_is_raised_and_the_rest_is_left(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    pieces = [(tmp_path, number) for number in range(5_000)]
    done = workers.side_by_side(engine, settings, mark, pieces, 2)
    assert [next(done), next(done)] == [0, 1]
    with pytest.raises(LookupError, match="the third piece"):
        next(done)
    left = [path.name for path in tmp_path.iterdir() if path.name.isdecimal()]
    assert len(left) < 4_999


@pytest.mark.parametrize(
    ("url", "asked", "expected"),
    [
        ("sqlite:///var/hydrants.sqlite", 0, 1),
        ("sqlite:///var/hydrants.sqlite", 3, 3),
        (POSTGRES, 0, os.cpu_count()),
        (POSTGRES, 5, 5),
    ],
)
def test_how_many(settings: Settings, url: str, asked: int, expected: int) -> None:
    here = settings.model_copy(update={"database_url": url, "workers": asked})
    assert workers.count(here) == expected
