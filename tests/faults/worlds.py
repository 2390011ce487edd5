"""A world between two nights, copied as often as needed, and what can be said of it after a night."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings
from tests import postgis_server
from tests.faults import children, standing, story
from tests.faults.children import in_child


class World(NamedTuple):
    """A world that waits for its next night.

    Args:
        own: what the nights before wrote; on SQLite the database too.
        server_url: of PostgreSQL; None for SQLite.
        template: database on the server to copy.
        evening: which of the story's evenings the next night follows.
        on_empty_store: the night makes the tables first.
    """

    story: story.Story
    own: Path
    server_url: str | None
    template: str
    evening: int
    on_empty_store: bool

    @property
    def now(self) -> datetime:
        """The moment of the next night."""
        return story.CLOCK[self.evening - 1]

    def copy(self, folder: Path) -> Settings:
        """Settings of a copy of its own."""
        shutil.copytree(self.own, folder, symlinks=True)
        if self.server_url is None:
            url = f"sqlite:///{folder / 'hydrants.sqlite'}"
        else:
            name = f"fault_{uuid.uuid4().hex}"
            administer(self.server_url, f"CREATE DATABASE {name} TEMPLATE {self.template}")
            url = postgis_server.database(self.server_url, name)
        return self.story.settings(self.evening, url, folder)

    def discard(self, settings: Settings) -> None:
        """Remove a copy."""
        if self.server_url is not None:
            name = sa.make_url(settings.database_url).database
            administer(self.server_url, f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(settings.site.parent)

    @contextmanager
    def copied(self, folder: Path) -> Iterator[Settings]:
        """A copy that is removed afterwards."""
        settings = self.copy(folder / uuid.uuid4().hex)
        try:
            yield settings
        finally:
            self.discard(settings)


def administer(server_url: str, statement: str) -> None:
    """Run a statement that may stand in no transaction."""
    admin = store.create_engine(server_url)
    with admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)
    admin.dispose()


def after_first_night(written: story.Story, folder: Path, server_url: str | None, template: str) -> World:
    """The world with one night behind it: a snapshot is published."""
    nothing = folder / "nothing"
    nothing.mkdir()
    empty = World(written, nothing, server_url, template, 1, on_empty_store=server_url is None)
    settings = empty.copy(folder / "after the first night")
    night = partial(children.one_night, on_empty_store=empty.on_empty_store)
    ended = in_child(night, settings, empty.now)
    assert ended.code == 0, ended.answer
    database = sa.make_url(settings.database_url).database or ""
    return World(written, settings.site.parent, server_url, database, 2, on_empty_store=False)


class Told(NamedTuple):
    """What can be said of a world when its night is over."""

    contents: standing.Contents
    files: dict[str, str]
    readers: dict[str, Any]

    def differences(self, expected: Told) -> list[str]:
        """What is not as expected, a line each."""
        pairs = zip(self, expected, strict=True)
        return [line for found, wanted in pairs for line in standing.differences(found, wanted)]


def tell(settings: Settings) -> Told:
    """Hold a world against the invariants, and say what is in it."""
    engine = store.create_engine(settings.database_url)
    try:
        standing.assert_invariants(engine, settings)
        return Told(standing.contents(engine), standing.files(settings), standing.readers(engine, settings))
    finally:
        engine.dispose()


def readers(settings: Settings) -> dict[str, Any]:
    """What readers see; nothing where there is no store yet."""
    engine = store.create_engine(settings.database_url)
    try:
        has_tables = sa.inspect(engine).has_table("current_snapshot")
        return standing.readers(engine, settings) if has_tables else standing.no_readers(settings)
    finally:
        engine.dispose()
