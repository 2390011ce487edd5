"""Nights with mutants: send them, work through, and see that each has an answer."""

from __future__ import annotations

import base64
import itertools
import os
import re
import shutil
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import landing, reading, store, validation
from hydrants.reading import isolation
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import sha256_of
from tests.batches import BATCH, send
from tests.mutants import SOUND, Mutant

WALL_S = 20
_ENGLISH = re.compile(r"\b(error|exception|traceback|invalid|expected|unexpected)\b", re.IGNORECASE)
_PARTICULARS = re.compile(r"[0-9]+|'.*'|\(.*\)")
_STUCK_SHOWN = 5
_FEWEST_CHARACTERS = 20
"""A reason that is shorter says too little."""


@dataclass
class Tally:
    """What became of files."""

    files: int = 0
    refused: int = 0
    held: int = 0
    rows: int = 0
    slowest_s: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    stuck: list[Mutant] = field(default_factory=list)
    """Those on which the reading process itself broke down: contained, but no pleasure to its sender."""

    def add(self, other: Tally) -> None:
        """Take up what another tally counted."""
        self.files += other.files
        self.refused += other.refused
        self.held += other.held
        self.rows += other.rows
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        self.reasons += other.reasons
        self.codes += other.codes
        self.stuck += other.stuck


class Nights:
    """Nights on SQLite, each on a store of its own that is empty when it begins."""

    def __init__(self, engine: sa.Engine, settings: Settings, folder: Path) -> None:
        self._empty = Path(str(engine.url.database))
        self._settings = settings
        self._folders = [folder / f"nacht {number}" for number in range(os.cpu_count() or 1)]
        engine.dispose()

    def work_through(self, files: Sequence[Mutant], tally: Tally) -> None:
        """Send files of one format, a share to each processor, and see that each has an answer.

        Raises:
            AssertionError: if one has none; and whatever a stage raises, which is to raise nothing.
        """
        shares = [files[number :: len(self._folders)] for number in range(len(self._folders))]
        with ThreadPoolExecutor(len(self._folders)) as pool:
            for found in pool.map(self._one_night, self._folders, shares):
                tally.add(found)

    def _one_night(self, folder: Path, files: Sequence[Mutant]) -> Tally:
        tally = Tally()
        if not files:
            return tally
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copyfile(self._empty, folder / self._empty.name)
        settings = self._settings.model_copy(
            update={
                **{name: folder / name for name in ("uploads", "landing", "photos", "site")},
                "database_url": f"sqlite:///{folder}/{self._empty.name}",
                "read_wall_s": WALL_S,
            }
        )
        by_sha256 = {}
        for number, mutant in enumerate(files):
            path = send(settings, f"{number:03} {SOUND[mutant.file_format][0]}", mutant.content())
            by_sha256[sha256_of(path)] = mutant
        engine = store.create_engine(settings.database_url)
        try:
            stuck = _assert_all_answered(engine, settings, tally)
        finally:
            engine.dispose()
        tally.stuck = [by_sha256[sha256] for sha256 in stuck]
        return tally

    def culprit(self, files: list[Mutant]) -> str:
        """Which file alone does it, with as few mutations as still do it; what to print of it."""
        guilty = next((mutant for mutant in files if self._fails(mutant)), None)
        if guilty is None:
            return "no file of this night fails alone, only all together"
        smaller: Mutant | None = guilty
        while smaller is not None:
            guilty = smaller
            smaller = next((fewer for fewer in guilty.with_one_less() if self._fails(fewer)), None)
        return f"{guilty}\n{bytes_of(guilty)}"

    def _fails(self, mutant: Mutant) -> bool:
        try:
            self.work_through([mutant], Tally())
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            return True
        return False


def bytes_of(mutant: Mutant) -> str:
    """How to have its bytes again."""
    packed = base64.b85encode(zlib.compress(mutant.content(), 9)).decode()
    return f"zlib.decompress(base64.b85decode({packed!r}))"


def _assert_all_answered(engine: sa.Engine, settings: Settings, tally: Tally) -> list[str]:
    """Work through a night and count what becomes of its files; hashes of those that broke their reader."""
    started_at = store.utc_now().replace(tzinfo=None)
    stages = (landing.run, reading.run, validation.run)
    for stage in stages:
        stage(engine, settings, *BATCH)
    with store.read(engine) as connection:
        uploads = connection.execute(sa.select(tables.upload).order_by(tables.upload.c.upload_id)).all()
        read_at = [started_at, *_read_at(connection)]
        assert len(read_at) == 1 + len(uploads), "every file was looked at"
        for upload in uploads:
            _assert_answered(connection, upload, tally)
    durations_s = [(after - before).total_seconds() for before, after in itertools.pairwise(read_at)]
    tally.slowest_s = max(tally.slowest_s, *durations_s)
    assert max(durations_s) < 2 * WALL_S, "nothing hangs over its limit"
    again = [stage(engine, settings, *BATCH) for stage in stages]
    assert [count for counts in again for count in counts.values() if count] == [], "a second night is idle"
    return [upload.sha256 for upload in uploads if upload.rejected_because == isolation.STUCK]


def _read_at(connection: sa.Connection) -> list[datetime]:
    """When each file was done with, in order."""
    state = tables.stage_state.c
    query = sa.select(state.finished_at).where(
        state.stage == reading.STAGE, state.scope.startswith("upload:")
    )
    moments = connection.execute(query.order_by(state.finished_at)).scalars()
    return [moment.replace(tzinfo=None) for moment in moments]


def _assert_answered(connection: sa.Connection, upload: Any, tally: Tally) -> None:
    """I1 for a file that was read; a reason in Dutch for one that was not."""
    ledger, raw_row, record = tables.ledger, tables.raw_row, tables.record
    rows = connection.execute(
        sa.select(
            raw_row.c.cells,
            ledger.c.disposition,
            ledger.c.reasons,
            ledger.c.duplicate_of_row_id,
            record.c.row_id.label("record_id"),
        )
        .outerjoin(ledger, ledger.c.row_id == raw_row.c.row_id)
        .outerjoin(record, record.c.row_id == raw_row.c.row_id)
        .where(raw_row.c.upload_id == upload.upload_id)
    ).all()
    tally.files += 1
    tally.held += upload.held_because is not None
    if upload.rejected_because is not None:
        assert len(upload.rejected_because) > _FEWEST_CHARACTERS
        assert not _ENGLISH.search(upload.rejected_because), upload.rejected_because
        assert {row.disposition for row in rows} <= {None}, "nothing of a refused file counts"
        tally.refused += 1
        tally.reasons[_PARTICULARS.sub("#", upload.rejected_because)] += 1
        return
    for row in rows:
        assert any(text and not text.isspace() for text in row.cells), "blank rows are counted apart"
        assert row.disposition is not None, "every row ends in one place"
        assert (row.record_id is not None) == (row.disposition in ("accepted", "duplicate"))
        assert (row.duplicate_of_row_id is not None) == (row.disposition == "duplicate")
        assert row.disposition != "quarantined" or row.reasons
        for reason in row.reasons:
            assert len(reason["message"]) > _FEWEST_CHARACTERS
            tally.codes[reason["code"]] += 1
    tally.rows += len(rows)


def held_open() -> tuple[int, int, int]:
    """Processes started and not ended, threads, and open files of this process."""
    own = Path("/proc/self")
    children = [pid for task in own.glob("task/*/children") for pid in task.read_text().split()]
    return len(children), threading.active_count(), len(list((own / "fd").iterdir()))


def table_of(tallies: dict[str, Tally]) -> Iterator[str]:
    """The tallies by format, in lines to print."""
    line = "{:8} {:>7} {:>8} {:>6} {:>6} {:>5} {:>7} {:>10} {:>8} {:>6}".format
    titles = ("files", "refused", "stuck", "read", "held", "rows", "slowest s", "reasons", "codes")
    yield line("format", *titles)
    for name, tally in tallies.items():
        kinds = (len(tally.reasons), len(tally.codes))
        answers = (tally.files, tally.refused, len(tally.stuck), tally.files - tally.refused, tally.held)
        yield line(name, *answers, tally.rows, f"{tally.slowest_s:.2f}", *kinds)
    for name, tally in tallies.items():
        yield from (f"stuck: {name} {mutant}" for mutant in tally.stuck[:_STUCK_SHOWN])
