"""The database goes away in the midst of things: a connection is ended, the server stops, a COPY dies."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.copy import LibpqWriter

from hydrants import cli_errors, night, store
from hydrants.settings import Settings
from tests import postgis_server
from tests.batches import BATCH, as_csv, good
from tests.conftest import unavailable
from tests.faults import children, standing, story
from tests.faults.children import in_child
from tests.faults.ordeals import Ordeal
from tests.faults.test_every_step import IS_THOROUGH
from tests.faults.watching import STEPS, Boundary, Watcher
from tests.faults.worlds import World, administer, after_first_night, readers, tell

pytestmark = [pytest.mark.postgis, pytest.mark.timeout(1800)]

ALL_STEPS = (*night.BATCH_STAGES, *STEPS)
ON_SERVER = pytest.mark.parametrize("server_url", ["postgis"], indirect=True)


def _disturbed_night(settings: Settings, world: World, step: str, effect: str) -> str:
    """A night of which all connections are ended just before an effect of a step, and a retry in its process.

    Returns:
        What the first try failed with, as `hydrants night` would print it.
    """
    is_done = False

    def see(boundary: Boundary, _arguments: tuple[Any, ...]) -> None:
        nonlocal is_done
        if not is_done and boundary.step == step and boundary.effect.startswith(effect):
            is_done = True
            _end_all_connections(settings)

    Watcher(settings.site.parent, see)
    children.set_clock(world.now)
    engine = store.create_engine(settings.database_url)
    try:
        night.whole_night(engine, settings, as_of=story.AS_OF)
    except Exception as error:
        said = cli_errors.told(error)
        if said is None:
            raise
        night.whole_night(engine, settings, as_of=story.AS_OF)  # with the connections that are left
        return said
    finally:
        engine.dispose()
    raise AssertionError(f"nothing happened in {step}")


def _end_all_connections(settings: Settings) -> None:
    """As an administrator does, from another connection."""
    with psycopg.connect(_plain_url(settings), autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        ).fetchall()
    assert (True,) in ended


def _plain_url(settings: Settings) -> str:
    url = sa.make_url(settings.database_url).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


# -- pg_terminate_backend --------------------------------------------------------------------------


@ON_SERVER
@pytest.mark.parametrize("effect", ["commit", "COPY"])
@pytest.mark.parametrize("step", ALL_STEPS)
def test_a_connection_is_ended_in_the_midst_of_a_transaction(
    second_night: Ordeal, step: str, effect: str, tmp_path: Path
) -> None:
    found = {boundary.step for boundary in second_night.boundaries() if boundary.effect.startswith(effect)}
    assert len(found) > 4
    if step not in found:
        pytest.skip(f"{step} does no {effect}")
    with second_night.world.copied(tmp_path) as settings:
        ended = in_child(_disturbed_night, settings, second_night.world, step, effect)
        assert ended.code == 0, ended.answer
        assert ended.answer.startswith("the database does not answer as it should: ")
        assert tell(settings).differences(second_night.told) == []


# -- the server stops ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def durable_server() -> Iterator[postgis_server.Server]:
    """A server that keeps its promises: what is committed is on disk."""
    binaries = postgis_server.find_binaries()
    if binaries is None:
        unavailable("no PostgreSQL server with PostGIS here: the tests on PostGIS are left out")
        return
    with postgis_server.Server(binaries, is_durable=True) as server:
        administer(server.url, "CREATE DATABASE empty_store")
        engine = store.create_engine(postgis_server.database(server.url, "empty_store"))
        store.migrate(engine)
        engine.dispose()
        yield server


@pytest.fixture(scope="module")
def durable_world(
    durable_server: postgis_server.Server,
    written: story.Story,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """The world after a first night, on that server."""
    folder = tmp_path_factory.mktemp("durable")
    return after_first_night(written, folder, durable_server.url, "empty_store")


def _stopped_night(
    settings: Settings, world: World, server: postgis_server.Server, step: str, effect: str
) -> standing.Contents:
    """A night that ends since the server stops when it comes to a boundary; what was committed by then."""
    committed: standing.Contents = {}

    def see(boundary: Boundary, _arguments: tuple[Any, ...]) -> None:
        if not committed and (boundary.step, boundary.effect) == (step, effect):
            engine = store.create_engine(settings.database_url)
            committed.update(standing.contents(engine))
            engine.dispose()
            server.stop_at_once()

    Watcher(settings.site.parent, see)
    try:
        children.one_night(settings, world.now)
    except Exception as error:  # noqa: BLE001 - of the driver or of SQLAlchemy; told says which are known
        assert cli_errors.told(error) is not None
        return committed
    raise AssertionError("the night did not notice")


@pytest.mark.parametrize("effect", ["commit", "after the commit"])
@pytest.mark.parametrize("step", ALL_STEPS if IS_THOROUGH else ["land", "validate", "publish"])
@ON_SERVER
def test_the_server_stops_at_once(
    durable_server: postgis_server.Server,
    durable_world: World,
    second_night: Ordeal,
    step: str,
    effect: str,
    tmp_path: Path,
) -> None:
    with durable_world.copied(tmp_path) as settings:
        # sequences of a copied database lose numbers in a crash that comes before the next checkpoint
        administer(durable_server.url, "CHECKPOINT")
        ended = in_child(_stopped_night, settings, durable_world, durable_server, step, effect)
        durable_server.start()
        assert ended.code == 0, ended.answer
        engine = store.create_engine(settings.database_url)
        assert standing.differences(standing.contents(engine), ended.answer) == [], (
            "what was committed is kept"
        )
        engine.dispose()
        assert second_night.wrong_between(readers(settings)) == []
        ended = in_child(children.one_night, settings, durable_world.now)
        assert ended.code == 0, ended.answer
        assert tell(settings).differences(second_night.told) == []


def test_what_the_night_says_when_the_server_stops(
    durable_server: postgis_server.Server, durable_world: World, tmp_path: Path
) -> None:
    with durable_world.copied(tmp_path) as settings:
        durable_server.stop_at_once()
        ended = in_child(children.command, settings, durable_world.now, "night")
        durable_server.start()
        assert ended.code == 0, ended.answer
        assert ended.answer.code == 1
        assert ended.answer.err.startswith("hydrants: the database does not answer as it should: ")
        assert "Traceback" not in ended.answer.err


# -- COPY ------------------------------------------------------------------------------------------

ROWS = 20_000
_SENT_BYTES = 30_000


def _night_killed_in_copy(settings: Settings, world: World, table: str) -> None:
    """A night that dies when the server has begun to take in the rows of a COPY, and more are to come."""
    copy, write = psycopg.Cursor.copy, LibpqWriter.write
    sent_bytes = 0
    is_into_table = False

    def do_copy(cursor: Any, statement: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal is_into_table, sent_bytes
        is_into_table, sent_bytes = table in str(statement), 0
        return copy(cursor, statement, *arguments, **options)

    def do_write(writer: Any, data: Any) -> None:
        nonlocal sent_bytes
        write(writer, data)
        sent_bytes += len(data)
        if is_into_table and sent_bytes > _SENT_BYTES:
            _wait_until_taken_in(settings)
            os.kill(os.getpid(), signal.SIGKILL)

    psycopg.Cursor.copy = do_copy  # type: ignore[method-assign,assignment]
    LibpqWriter.write = do_write  # type: ignore[method-assign,assignment]
    children.one_night(settings, world.now)


def _wait_until_taken_in(settings: Settings) -> None:
    query = "SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 0 AND datname = current_database()"
    with psycopg.connect(_plain_url(settings), autocommit=True) as connection:
        while connection.execute(query).fetchone() is None:
            time.sleep(0.001)


@ON_SERVER
@pytest.mark.parametrize("table", ["raw_row", "ledger", "record"])
def test_killed_in_the_midst_of_a_copy(second_night: Ordeal, table: str, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    shutil.copytree(second_night.world.story.folder / "evening_2" / "uploads", uploads)
    long_file = uploads.joinpath(*BATCH, "lang.csv")
    long_file.write_bytes(as_csv(good(10_000 + number) for number in range(ROWS)))
    with second_night.world.copied(tmp_path) as own:
        settings = own.model_copy(update={"uploads": uploads})
        ended = in_child(_night_killed_in_copy, settings, second_night.world, table)
        assert ended.code == -signal.SIGKILL, ended.answer
        assert _rows_of(settings, table, "lang.csv") == 0
        ended = in_child(children.one_night, settings, second_night.world.now)
        assert ended.code == 0, ended.answer
        tell(settings)
        for whole in ("raw_row", "ledger"):
            assert _rows_of(settings, whole, "lang.csv") == ROWS + 2, "a title and the headings above"


def _rows_of(settings: Settings, table: str, file_name: str) -> int:
    engine = store.create_engine(settings.database_url)
    query = sa.text(
        f"SELECT COUNT(*) FROM {table} JOIN upload USING (upload_id) WHERE upload.file_name = :file_name"
    )
    try:
        with store.read(engine) as connection:
            return int(connection.execute(query, {"file_name": file_name}).scalar_one())
    finally:
        engine.dispose()
