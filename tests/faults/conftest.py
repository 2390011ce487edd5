"""The worlds that faults befall: made once, on each store."""

from __future__ import annotations

import pytest

from tests.faults import story
from tests.faults.ordeals import Ordeal, ordeal
from tests.faults.worlds import World, after_first_night


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> story.Story:
    """What lies in the folders before the first night and the second."""
    return story.write(tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgis", marks=pytest.mark.postgis)])
def server_url(request: pytest.FixtureRequest) -> str | None:
    """The PostgreSQL server of the tests; None for SQLite."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgis_url")


@pytest.fixture(scope="session")
def second_night(
    written: story.Story, server_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Ordeal:
    """The night after the second evening, on a store with a published snapshot."""
    folder = tmp_path_factory.mktemp("second")
    return ordeal(after_first_night(written, folder, server_url, "hydrants_template"), folder)


@pytest.fixture(scope="session")
def first_night(
    written: story.Story, server_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> Ordeal:
    """A night with all files of the second evening, on a store that has no tables yet."""
    folder = tmp_path_factory.mktemp("first")
    nothing = folder / "nothing"
    nothing.mkdir()
    return ordeal(World(written, nothing, server_url, "template1", 2, on_empty_store=True), folder)
