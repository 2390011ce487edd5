"""What a store and its folders hold, without the numbers of a database; and what must be true of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import publishing, store
from hydrants.errors import NothingPublished
from hydrants.publishing import site as site_folder
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.tables.schema import ROWS_PER_UPLOAD

Contents = dict[str, Counter[tuple[Any, ...]]]

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_EVENT = re.compile(r"(\d{8}T\d{6})\.\d{6}Z(-published-[0-9a-f]{12})?")
"""The name of an event: its microseconds count events, and the hash of one of publishing holds a number."""
_NUMBER_IN_JSON = re.compile(rb'"snapshot_id": ?\d+')
_MOMENT = re.compile(rb'"confirmed_at": "[^"]+"')
_NUMBER_ON_PAGE = re.compile(rb"(?<=Momentopname )\d+")
_FIGURES = ("registered", "checked", "ok", "failed", "remaining")
_HOLD_MOMENTS = {"event"}
"""Tables with moments in other columns than those for moments."""

_LEFT_OUT = {"run": "*", "stage_state": "*", "hydrant_state": "hydrant_state_id"}
"""What says nothing of the work: the log of runs, what need not be computed again (a stage that forgot it
computes the same again), a counter. All else is compared, moments too: the clock stands still."""


def _names(connection: sa.Connection) -> dict[str, Callable[[int], Any]]:
    """For each kind of number that a database gives out, what it stands for."""
    hashes = dict(
        row._tuple()
        for row in connection.execute(sa.select(tables.upload.c.upload_id, tables.upload.c.sha256))
    )

    def ranks(column: sa.ColumnElement[int]) -> Callable[[int], Any]:
        return {
            number: rank
            for rank, number in enumerate(connection.execute(sa.select(column).order_by(column)).scalars())
        }.__getitem__

    return {
        "upload_id": hashes.__getitem__,
        "row_id": lambda number: (hashes[number // ROWS_PER_UPLOAD], number % ROWS_PER_UPLOAD),
        "snapshot_id": ranks(tables.snapshot.c.snapshot_id),
        "register_version_id": ranks(tables.register_version.c.register_version_id),
        "decision_id": ranks(tables.decision.c.decision_id),
    }


def _kind(column: str) -> str | None:
    for kind in ("upload_id", "row_id", "snapshot_id", "decision_id"):
        if column.endswith(kind):
            return kind
    return "register_version_id" if column.endswith("version_id") else None


def contents(engine: sa.Engine, *, with_moments: bool = True) -> Contents:
    """Every row of every table, by table.

    Args:
        with_moments: false leaves out when things happened, for nights of different clocks.
    """
    found: Contents = {}
    with store.read(engine) as connection:
        names = _names(connection)
        for table in tables.metadata.sorted_tables:
            left_out = _LEFT_OUT.get(table.name)
            if left_out == "*" or (table.name in _HOLD_MOMENTS and not with_moments):
                continue
            columns = [
                column.name
                for column in table.c
                if column.name != left_out and (with_moments or not _is_moment(column))
            ]
            found[table.name] = Counter(
                tuple(_plain(name, value, names) for name, value in zip(columns, row, strict=True))
                for row in connection.execute(sa.select(*(table.c[name] for name in columns)))
            )
    return found


def _is_moment(column: sa.Column[Any]) -> bool:
    """Whether it says when something happened; the name of an event begins with it."""
    return isinstance(column.type, sa.DateTime) or column.name == "event"


def _plain(column: str, value: Any, names: dict[str, Callable[[int], Any]]) -> Any:
    kind = _kind(column)
    if kind is not None and value is not None:
        return names[kind](value)
    text = json.dumps(value, sort_keys=True, default=str) if isinstance(value, dict | list) else str(value)
    return _event_name(text)


def _event_name(text: str) -> str:
    return _EVENT.sub(lambda found: f"{found[1]}Z{'-published' if found[2] else ''}", text)


def files(settings: Settings) -> dict[str, str]:
    """Every file below LANDING, PHOTOS and SITE, locks left out: path -> hash, of a link where it leads."""
    found = {}
    for top in (settings.landing, settings.photos, settings.site):
        ids = sorted(
            int(path.name) for path in (settings.site / "snapshots").glob("*") if path.name.isdecimal()
        )
        for path in sorted(top.rglob("*")):
            name = path.relative_to(top.parent)
            if path.is_symlink():
                found[_numbered(name, ids)] = _numbered(path.readlink(), ids)
            elif path.is_file() and not (path.name.endswith(".lock") and path.stat().st_size == 0):
                found[_numbered(name, ids)] = _content(path)
            elif path.is_dir() and path.name.endswith((".tmp", ".broken", ".part")):
                found[str(name)] = "a leftover"
    return found


def _numbered(path: Path, ids: list[int]) -> str:
    """A path with the number of a snapshot replaced by its rank."""
    return (
        _event_name(str(path))
        if path.parts[0] == "landing"
        else "/".join(
            f"#{ids.index(int(part))}"
            if part.isdecimal() and int(part) in ids and before in ("snapshots", "planning")
            else part
            for before, part in zip(("", *path.parts), path.parts, strict=False)
        )
    )


def _content(path: Path) -> str:
    """A hash of a file; of what is published, without the number of its snapshot."""
    content = path.read_bytes()
    if not content:  # of a night that died as it began to write it
        pass
    elif path.suffix == ".html":
        content = _NUMBER_ON_PAGE.sub(b"", content)
    elif path.name in ("progress.json", "overview.json"):
        content = _NUMBER_IN_JSON.sub(b"", content)
    elif path.name == "state.js":  # when the night ended
        content = _MOMENT.sub(b"", content)
    elif "-published-" in path.name:
        content = json.dumps({**json.loads(content), "snapshot_id": None}).encode()
    elif path.name == "manifest.json":
        content = json.dumps({**json.loads(content), "progress.json": None, "overview.json": None}).encode()
    return hashlib.sha256(content).hexdigest()


def readers(engine: sa.Engine, settings: Settings) -> dict[str, Any]:
    """What readers see now: of the store, of the site, and of the receipts and lists that lie beside it."""
    seen = no_readers(settings)
    with store.read(engine) as connection:
        try:
            lines = publishing.progress(connection)
        except NothingPublished:
            lines = []
        status = tables.snapshot_hydrant
        hydrants = connection.execute(
            sa.select(status.c.hydrant_id, status.c.status, status.c.inspected_on)
            .join(tables.current_snapshot, tables.current_snapshot.c.snapshot_id == status.c.snapshot_id)
            .order_by(status.c.hydrant_id)
        )
        listed = [tuple(map(str, row)) for row in hydrants]
    return seen | {"store": ([{**line, "snapshot_id": None} for line in lines], listed)}


def no_readers(settings: Settings) -> dict[str, Any]:
    """What readers see when the store has no tables yet."""
    current = settings.site / "current"
    site = {}
    if current.is_symlink():
        assert site_folder.is_complete(current.resolve()), "readers of the site see half a snapshot"
        site = {
            str(path.relative_to(current)): _content(path)
            for path in sorted(current.rglob("*"))
            if path.is_file()
        }
    beside = {
        name: content
        for name, content in files(settings).items()
        if name.startswith(("site/private/", "site/planning/"))
        and not name.rpartition("/")[2].startswith(".")
    }
    for page in settings.site.glob(
        "private/*/index.html"
    ):  # goes with each batch: only to be whole in between
        assert page.read_text(encoding="utf-8").rstrip().endswith("</html>"), page
        del beside[page.relative_to(settings.site.parent).as_posix()]
    return {
        "store": ([], []),
        "site": site,
        "beside": beside,
    }


def assert_invariants(engine: sa.Engine, settings: Settings) -> None:
    """I1, I2, I3, I6 and I7, of a store that a night has ended on. I4, I5 and I8 compare two of them."""
    with store.read(engine) as connection:
        _assert_rows_are_settled(connection)
        _assert_figures_add_up(connection)
        _assert_bytes_are_landed(connection, settings)
        pointer = connection.execute(sa.select(tables.current_snapshot.c.snapshot_id)).scalar_one()
    current = settings.site / "current"
    assert current.resolve().name == str(pointer), "I6: store and site show another snapshot"
    assert site_folder.is_complete(current.resolve())


def _assert_rows_are_settled(connection: sa.Connection) -> None:
    """I1: each row of a file that was read has exactly one disposition."""
    row, entry, sent = tables.raw_row.c, tables.ledger.c, tables.upload.c
    query = (
        sa.select(
            row.upload_id,
            sa.func.count(),
            sa.func.count(entry.row_id),
            sa.func.sum(
                sa.case(
                    (entry.disposition.in_(["accepted", "quarantined", "duplicate", "heading"]), 1), else_=0
                )
            ),
        )
        .select_from(tables.raw_row)
        .join(tables.upload, sent.upload_id == row.upload_id)
        .outerjoin(tables.ledger, entry.row_id == row.row_id)
        .where(sent.rejected_because.is_(None))
        .group_by(row.upload_id)
    )
    found = connection.execute(query).all()
    assert found
    assert [line for line in found if len({*line[1:]}) != 1] == []


def _assert_figures_add_up(connection: sa.Connection) -> None:
    """I2 and I3: the lines add up, and each figure leads to as many hydrants, each to its file and row."""
    lines = publishing.progress(connection)
    landed = set(connection.execute(sa.select(tables.upload.c.sha256)).scalars())
    exports = set(connection.execute(sa.select(tables.register_version.c.sha256)).scalars())
    for line in lines:
        assert line["checked"] + line["remaining"] == line["registered"]
        assert line["ok"] + line["failed"] == line["checked"]
    for total in (line for line in lines if line["nis"] is None):
        own = [line for line in lines if line["operator"] == total["operator"] and line["nis"]]
        for figure in _FIGURES:
            assert sum(line[figure] for line in own) == total[figure]
            found = publishing.trace(connection, None, figure, total["operator"])
            assert len(found) == total[figure]
            assert {row["sha256"] for row in found} <= landed | exports
            assert all(row["row_number"] > 0 for row in found)


def _assert_bytes_are_landed(connection: sa.Connection, settings: Settings) -> None:
    """I7: what lies under a hash has that hash; what the store speaks of is there; nothing else is."""
    journal = "".join(path.read_text() for path in settings.landing.rglob("*.json"))
    for folder, column, may_lie in (
        (settings.landing, tables.upload.c.sha256, set(_HASH.findall(journal))),
        (settings.photos, tables.raw_photo.c.sha256, set()),
    ):
        must_lie = {
            sha256 for sha256 in connection.execute(sa.select(column)).scalars() if sha256 is not None
        }
        lying = {path.name: path for path in folder.glob("[0-9a-f][0-9a-f]/*")}
        assert must_lie <= set(lying) <= must_lie | may_lie, f"I7: {folder.name}"
        for name, path in lying.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == name, f"I7: {path}"


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """What of two tellings is not the same, in lines short enough to read."""
    lines = []
    for name in sorted(found.keys() | expected.keys()):
        here, there = found.get(name), expected.get(name)
        if here == there:
            continue
        if isinstance(here, Counter) and isinstance(there, Counter):
            lines += [f"{name}: too much {row}"[:400] for row in list(here - there)[:3]]
            lines += [f"{name}: missing {row}"[:400] for row in list(there - here)[:3]]
        else:
            lines.append(f"{name}: {here!s:.200} instead of {there!s:.200}")
    return lines
