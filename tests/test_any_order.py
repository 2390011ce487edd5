"""Upload, send again, rename, correct, withdraw, be killed, run: in any order, and it comes to the same."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from hydrants import reference, store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.any_order import SAID, STAGES, Content, Said, as_file, expected, holding, run_and_kill
from tests.bad_inputs.work import touched
from tests.batches import BATCH, Settled, night, settled
from tests.forgetting import forget_uploads

ASKED = int(os.environ.get("FUZZ_CASES", "0"))
EXAMPLES = {"sqlite": ASKED // 10 or 10, "postgresql": ASKED // 40 or 4}
"""Histories to play on each store."""
_STEPS = 12

_PLACE = st.integers(0, 999)
_SUFFIX = st.sampled_from(["csv", "csv", "csv", "xlsx"])
_ROWS = st.lists(SAID, min_size=1, max_size=4).map(tuple)


class Office(RuleBasedStateMachine):
    """A contractor's office that sends files of one gemeente, and the nights that work them through."""

    def __init__(self, engine: sa.Engine, settings: Settings, fresh: Settings, killed: Counter[str]) -> None:
        """`killed` counts the stages that were, over all histories."""
        super().__init__()
        self.engine, self.settings, self.fresh = engine, settings, fresh
        self.folder: dict[str, Content] = {}
        self.names = 0
        self.killed = killed
        forget_uploads(engine)
        shutil.rmtree(settings.landing, ignore_errors=True)
        shutil.rmtree(settings.uploads, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.settings.uploads.joinpath(*BATCH, name)

    def _new_name(self, place: int, suffix: str) -> str:
        """A name that was never used, anywhere in the alphabet."""
        self.names += 1
        return f"{place:03}-{self.names:02}.{suffix}"

    def _put(self, place: int, content: Content, suffix: str) -> None:
        name = self._new_name(place, suffix)
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        self._path(name).write_bytes(content.data)
        self.folder[name] = content

    def _any_name(self, which: int) -> str:
        return sorted(self.folder)[which % len(self.folder)]

    def _any_said(self, which: int) -> Said:
        said = [said for name in sorted(self.folder) for said in self.folder[name].rows]
        return said[which % len(said)]

    @rule(rows=_ROWS, place=_PLACE, suffix=_SUFFIX)
    def upload(self, rows: tuple[Said, ...], place: int, suffix: str) -> None:
        """A new file; by chance it says what another one says."""
        self._put(place, as_file(rows, suffix), suffix)

    @precondition(lambda self: self.folder)
    @rule(which=_PLACE, place=_PLACE)
    def upload_again(self, which: int, place: int) -> None:
        """The same bytes under another name."""
        name = self._any_name(which)
        self._put(place, self.folder[name], name.rpartition(".")[2])

    @precondition(lambda self: self.folder)
    @rule(which=_PLACE, place=_PLACE)
    def rename(self, which: int, place: int) -> None:
        """A file gets another name."""
        old = self._any_name(which)
        new = self._new_name(place, old.rpartition(".")[2])
        self._path(old).rename(self._path(new))
        self.folder[new] = self.folder.pop(old)

    @precondition(lambda self: self.folder)
    @rule(which=_PLACE, place=_PLACE, suffix=_SUFFIX, outcome=st.sampled_from(["goedgekeurd", "afgekeurd"]))
    def correct(self, which: int, place: int, suffix: str, outcome: str) -> None:
        """A record again, revised later, with other values."""
        said = self._any_said(which)
        self._put(place, as_file((Said(said.ref, said.time + 1, outcome),), suffix), suffix)

    @precondition(lambda self: self.folder)
    @rule(which=_PLACE, place=_PLACE, suffix=_SUFFIX)
    def withdraw(self, which: int, place: int, suffix: str) -> None:
        """A record is taken back."""
        said = self._any_said(which)
        gone = Said(said.ref, said.time + 1, "goedgekeurd", is_withdrawn=True)
        self._put(place, as_file((gone,), suffix), suffix)

    @precondition(lambda self: self.folder)
    @rule(upto=st.integers(0, 2), steps=st.integers(1, 60))
    def be_killed(self, upto: int, steps: int) -> None:
        """A night whose process dies somewhere in one of its stages."""
        self.engine.dispose()
        done = list(STAGES)[:upto]
        for stage in done:
            STAGES[stage](self.engine, self.settings, *BATCH)
        self.engine.dispose()
        stage = list(STAGES)[upto]
        self.killed[stage] += run_and_kill(self.settings, stage, steps)
        assert touched(self.engine, self.settings, is_night_over=False) == []

    @precondition(lambda self: self.folder)
    @rule()
    def run(self) -> None:
        """A whole night, and what holds after each."""
        night(self.engine, self.settings)
        # I1: every row, once, and as it is told in words
        assert settled(self.engine) == expected(self.folder)
        assert _held(self.engine) == holding(self.folder)
        before = _everything(self.engine)
        assert set(night(self.engine, self.settings).values()) == {0}
        assert _everything(self.engine) == before  # I4
        assert touched(self.engine, self.settings) == []  # I7

    def teardown(self) -> None:
        """However it went, a night puts it right; and all at once comes to the same."""
        if self.folder:
            self.run()
            assert self._in_one_night() == settled(self.engine)  # I5

    def _in_one_night(self) -> dict[tuple[str, int], Settled]:
        """What a new store makes of the same files, sent at once."""
        shutil.rmtree(self.fresh.uploads, ignore_errors=True)
        shutil.rmtree(self.fresh.landing, ignore_errors=True)
        shutil.copytree(self.settings.uploads, self.fresh.uploads)
        engine = store.create_engine(self.fresh.database_url)
        try:
            forget_uploads(engine)
            night(engine, self.fresh)
            return settled(engine)
        finally:
            engine.dispose()


def _everything(engine: sa.Engine) -> list[list[tuple[str, ...]]]:
    """Every row of every table."""
    with store.read(engine) as connection:
        return [
            [
                tuple(map(str, row))
                for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in tables.metadata.sorted_tables
        ]


def _held(engine: sa.Engine) -> dict[str, set[tuple[str, bool]]]:
    """What the store takes to hold of each record, in the sender's words."""
    words = {"ok": "goedgekeurd", "failed": "afgekeurd", "not_found": "niet gevonden"}
    record, ledger = tables.record.c, tables.ledger.c
    query = (
        sa.select(record.record_ref, record.outcome, record.is_withdrawn)
        .join(tables.ledger, ledger.row_id == record.row_id)
        .where(ledger.disposition == "accepted", record.superseded_by_row_id.is_(None))
        .where(record.record_ref.is_not(None))
    )
    held: dict[str, set[tuple[str, bool]]] = {}
    with store.read(engine) as connection:
        for ref, outcome, is_withdrawn in connection.execute(query):
            held.setdefault(ref, set()).add((words[outcome], is_withdrawn))
    return held


@pytest.fixture
def fresh(settings: Settings, tmp_path: Path) -> Settings:
    """A second store, on SQLite whatever the first one is: both have to say the same."""
    folder = tmp_path / "vers"
    own: dict[str, Any] = {name: folder / name for name in ("uploads", "landing", "photos", "site")}
    here = settings.model_copy(update={**own, "database_url": f"sqlite:///{folder}/hydrants.sqlite"})
    engine = store.create_engine(here.database_url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    engine.dispose()
    return here


def test_any_order_comes_to_the_same(engine: sa.Engine, settings: Settings, fresh: Settings) -> None:
    killed: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Office(engine, settings, fresh, killed),
        settings=hypothesis_settings(
            max_examples=EXAMPLES[engine.dialect.name],
            stateful_step_count=_STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
    assert killed.total() > 0, "else the crashes would show nothing"
