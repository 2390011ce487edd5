"""Duplicates and versions are settled by what the rows say, whatever order their files came in."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hydrants import reference, store
from hydrants.settings import Settings
from hydrants.store import tables
from tests.batches import (
    ACCEPTED,
    HEADING,
    HEADINGS,
    Row,
    Settled,
    as_csv,
    everything,
    fingerprints,
    good,
    night,
    send,
    settled,
    wipe,
)


def test_duplicates_and_versions(engine: sa.Engine, settings: Settings) -> None:
    early, late, last = "2019-03-14 17:20", "2019-05-03 09:00", "2019-06-01 12:00"
    send(
        settings,
        "b.csv",
        as_csv(
            [
                good(1, Gewijzigd_op=early),
                good(2, Gewijzigd_op=early),
                good(3, Gewijzigd_op=""),
                good(4, Gewijzigd_op=late),
                good(5, Gewijzigd_op=last),
            ]
        ),
    )
    night(engine, settings)
    assert set(settled(engine).values()) == {HEADING, ACCEPTED}
    before = fingerprints(engine)
    send(
        settings,
        "a.csv",
        as_csv(
            [
                good(1, Gewijzigd_op=early),  # the first copy, by file name
                good(2, Gewijzigd_op=late, Resultaat="afgekeurd"),  # a correction
                good(3, Gewijzigd_op=early, Resultaat="afgekeurd"),  # a first revision
                good(4, Gewijzigd_op=late, Resultaat="afgekeurd"),  # a contradiction
                good(5, Gewijzigd_op=early, Resultaat="afgekeurd"),  # an old version that comes late
            ]
        ),
    )
    counts = night(engine, settings)
    assert counts == {
        "accepted": 5,
        "quarantined": 0,
        "duplicates": 0,
        "files_rejected": 0,
        "files_held": 0,
        "resettled": 3,
    }
    found = settled(engine)
    assert found["b.csv", 3] == Settled("duplicate", (), ("a.csv", 3), None)
    assert found["b.csv", 4] == Settled("accepted", (), None, ("a.csv", 4))
    assert found["b.csv", 5] == Settled("accepted", (), None, ("a.csv", 5))
    assert found["a.csv", 6] == found["b.csv", 6] == ACCEPTED
    assert found["a.csv", 7] == Settled("accepted", (), None, ("b.csv", 7))
    after = fingerprints(engine)
    assert before.keys() < after.keys()
    assert all(before[scope] != after[scope] for scope in before), "later stages must look again"


def test_another_batch_has_its_own_duplicates(engine: sa.Engine, settings: Settings) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "a.csv", as_csv([good(1)], above=["anders"]), ("westlandia", "33011"))
    night(engine, settings)
    night(engine, settings, ("westlandia", "33011"))
    assert Counter(row.disposition for row in settled(engine).values())["duplicate"] == 0


def test_a_content_that_moves_to_another_batch_leaves_the_first(
    engine: sa.Engine, settings: Settings
) -> None:
    send(settings, "a.csv", as_csv([good(1)]))
    send(settings, "b.csv", as_csv([good(1), good(2)]))
    night(engine, settings)
    assert settled(engine)["b.csv", 3].disposition == "duplicate"
    other = ("westlandia", "33011")
    send(settings, "a.csv", as_csv([good(1)]), other)
    assert night(engine, settings, other)["accepted"] == 1
    assert night(engine, settings)["resettled"] == 1
    assert settled(engine)["b.csv", 3] == ACCEPTED
    with store.read(engine) as connection:
        records = connection.execute(
            sa.select(tables.upload.c.file_name, tables.record.c.nis)
            .join_from(tables.record, tables.upload, tables.record.c.upload_id == tables.upload.c.upload_id)
            .order_by(tables.record.c.row_id)
        ).all()
    assert [row._tuple() for row in records] == [("a.csv", "33011"), ("b.csv", "33021"), ("b.csv", "33021")]


BATCHES = [("westlandia", "33011"), ("westlandia", "33021")]


@pytest.mark.parametrize("order", [BATCHES, BATCHES[::-1]])
@pytest.mark.parametrize(("wrong", "right"), [BATCHES, BATCHES[::-1]])
def test_a_file_that_was_moved_is_as_if_it_had_never_been_elsewhere(
    engine: sa.Engine,
    settings: Settings,
    wrong: tuple[str, str],
    right: tuple[str, str],
    order: list[tuple[str, str]],
) -> None:
    stays, moves = as_csv([good(1), good(2, Gewijzigd_op="2019-01-02")]), as_csv([good(1), good(2), good(3)])

    def nights(count: int) -> None:
        for _ in range(count):
            for batch in order:
                night(engine, settings, batch)

    for name in ("a.csv", "z.csv"):  # the moved one is the first copy, and the newest version
        wipe(engine, settings)
        send(settings, "m.csv", stays, right)
        send(settings, "n.csv", stays + b"\r\n", wrong)
        send(settings, name, moves, right)
        nights(1)
        expected_rows, expected_records = settled(engine), gemeenten(engine)

        wipe(engine, settings)
        send(settings, "m.csv", stays, right)
        send(settings, "n.csv", stays + b"\r\n", wrong)
        misfiled = send(settings, name, moves, wrong)
        nights(1)
        assert gemeenten(engine) != expected_records
        for _ in range(2):  # moved, moved back, and moved again
            send(settings, name, moves, right)
            misfiled.unlink()
            nights(2)
            assert (settled(engine), gemeenten(engine)) == (expected_rows, expected_records)
            before = everything(engine)
            nights(1)
            assert everything(engine) == before
            misfiled.write_bytes(moves)
            settings.uploads.joinpath(*right, name).unlink()
            night(engine, settings, wrong)


def gemeenten(engine: sa.Engine) -> list[tuple[str, str]]:
    """File and gemeente of each record, by the record and by its upload."""
    query = sa.select(tables.upload.c.file_name, tables.record.c.nis).join_from(
        tables.record, tables.upload, tables.record.c.upload_id == tables.upload.c.upload_id
    )
    with store.read(engine) as connection:
        return sorted(row._tuple() for row in connection.execute(query))


def test_the_order_of_arrival_changes_nothing(engine: sa.Engine, settings: Settings) -> None:
    files = {
        "a.csv": [good(1), good(2, Resultaat="x"), good(3, Gewijzigd_op="")],
        "b.csv": [good(1), good(2, Gewijzigd_op="2019-06-01"), good(4), good(4)],
        "c.csv": [good(4), good(3, Gewijzigd_op="2019-04-01", Resultaat="x"), good(1), good(5, Datum="?")],
    }
    results = []
    for order in itertools.permutations(files):
        wipe(engine, settings)
        for name in order:
            send(settings, name, as_csv(files[name]))
            night(engine, settings)
        results.append(settled(engine))
    wipe(engine, settings)
    for name in files:
        send(settings, name, as_csv(files[name]))
    night(engine, settings)
    results.append(settled(engine))
    assert len(results) == 7
    assert all(result == results[0] for result in results)
    assert results[0]["c.csv", 3] == Settled("duplicate", (), ("b.csv", 5), None)
    assert results[0]["b.csv", 5] == ACCEPTED
    assert results[0]["a.csv", 4] == Settled("accepted", (), None, ("b.csv", 4))


TIMES = ("", "2019-04-01 10:00", "2019-05-01 10:00")
ROWS = st.builds(
    lambda ref, time, outcome: good(1, Gewijzigd_op=time, Resultaat=outcome) | {"Fiche": ref},
    st.sampled_from(["", "W-1", "W-2"]),
    st.sampled_from(TIMES),
    st.sampled_from(["goedgekeurd", "afgekeurd"]),
)


def expected(files: dict[str, list[Row]]) -> dict[tuple[str, int], Settled]:
    """By the rules as they are told, row by row: independent of any SQL."""
    rows = [(name, line, row) for name in sorted(files) for line, row in enumerate(files[name], start=3)]
    first: dict[str, tuple[str, int]] = {}
    result: dict[tuple[str, int], Settled] = {}
    versions: dict[str, list[tuple[int, tuple[str, int]]]] = {}
    for name, line, row in rows:
        if repr(row) in first:
            result[name, line] = Settled("duplicate", (), first[repr(row)], None)
            continue
        first[repr(row)] = (name, line)
        result[name, line] = ACCEPTED
        if row["Fiche"]:
            versions.setdefault(row["Fiche"], []).append((TIMES.index(row["Gewijzigd op"]), (name, line)))
    for same_record in versions.values():
        newest = max(time for time, _ in same_record)
        current = next(place for time, place in same_record if time == newest)
        for time, place in same_record:
            if time < newest:
                result[place] = ACCEPTED._replace(superseded_by=current)
    return result


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    contents=st.lists(st.lists(ROWS, min_size=1, max_size=4), min_size=1, max_size=3),
    order=st.permutations(["a.csv", "b.csv", "c.csv"]),
    last_night=st.integers(1, 3),
)
def test_any_files_in_any_order_settle_by_the_rules(
    engine: sa.Engine, settings: Settings, contents: list[list[Row]], order: list[str], last_night: int
) -> None:
    files = dict(zip(("a.csv", "b.csv", "c.csv"), contents, strict=False))
    wipe(engine, settings)
    for position, name in enumerate(name for name in order if name in files):
        # a title of its own keeps files with equal rows apart
        send(settings, name, as_csv(files[name], above=[name]))
        if position < last_night:
            night(engine, settings)
    night(engine, settings)
    found = {place: row for place, row in settled(engine).items() if row.disposition != "heading"}
    assert found == expected(files)
    assert set(night(engine, settings).values()) == {0}


WITHDRAWN = [*HEADINGS, "Toestand fiche"]


def with_state(*rows: tuple[int, str, dict[str, str]]) -> bytes:
    """(number, word in the column of the state, other changes) as CSV."""
    lines = [good(number, **changes) | {"Toestand fiche": word} for number, word, changes in rows]
    return as_csv(lines, headings=WITHDRAWN)


def current(engine: sa.Engine) -> set[tuple[str, str]]:
    """(record number, outcome) of the records that count, by the words of sql/status.sql."""
    record, ledger = tables.record.c, tables.ledger.c
    query = (
        sa.select(record.record_ref, record.outcome)
        .join_from(tables.record, tables.ledger, ledger.row_id == record.row_id)
        .where(ledger.disposition == "accepted", record.superseded_by_row_id.is_(None))
        .where(record.is_withdrawn.is_(False))
    )
    with store.read(engine) as connection:
        return {row._tuple() for row in connection.execute(query)}


def test_a_record_is_withdrawn_by_a_later_version(engine: sa.Engine, settings: Settings) -> None:
    early, late = "2019-03-14 17:20", "2019-05-03 09:00"
    send(
        settings,
        "a.csv",
        with_state(
            (1, "", {"Gewijzigd_op": early}),
            (2, "", {"Gewijzigd_op": ""}),
            (3, "", {"Gewijzigd_op": late}),
            (4, "geldig", {"Gewijzigd_op": early}),
            (5, "", {"Gewijzigd_op": early}),
        ),
    )
    night(engine, settings)
    assert {int(ref[-1]) for ref, _ in current(engine)} == {1, 2, 3, 4, 5}
    send(
        settings,
        "b.csv",
        with_state(
            (1, "ingetrokken", {"Gewijzigd_op": late}),  # withdrawn later
            (2, "ingetrokken", {"Gewijzigd_op": ""}),  # of two without a time, the withdrawal holds
            (3, "ingetrokken", {"Gewijzigd_op": early}),  # withdrawn, and restored since
            (4, "vervallen", {"Gewijzigd_op": early}),  # at the same time
        ),
    )
    night(engine, settings)
    assert {int(ref[-1]) for ref, _ in current(engine)} == {3, 5}
    found = settled(engine)
    assert found["a.csv", 3].superseded_by == ("b.csv", 3)
    assert found["a.csv", 4].superseded_by == ("b.csv", 4)
    assert found["b.csv", 5].superseded_by == ("a.csv", 5)
    before = everything(engine)
    night(engine, settings)
    assert everything(engine) == before


def test_a_file_of_which_most_rows_are_refused_waits_for_a_person(
    engine: sa.Engine, settings: Settings
) -> None:
    rows = [good(number, Resultaat="hm" if number % 3 else "ok") for number in range(1, 22)]
    path = send(settings, "a.csv", as_csv(rows))
    send(settings, "b.csv", as_csv([good(30)]))
    counts = night(engine, settings)
    assert (counts["files_held"], counts["accepted"], counts["quarantined"]) == (1, 1, 21)
    codes = Counter(codes for row in settled(engine).values() for codes in row.codes)
    assert codes == {"FILE_HELD": 7, "OUTCOME_UNKNOWN": 14}
    with store.read(engine) as connection:
        held = connection.execute(sa.select(tables.upload.c.file_name, tables.upload.c.held_because)).all()
    assert {name for name, because in held if because} == {"a.csv"}
    assert "14 van de 21 rijen" in next(because for name, because in held if name == "a.csv")
    with store.write(engine) as connection:
        released = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "released_at": store.utc_now()}
        connection.execute(sa.insert(tables.release).values(released))
    counts = night(engine, settings)
    assert (counts["files_held"], counts["accepted"], counts["quarantined"]) == (0, 7, 14)
    before = everything(engine)
    night(engine, settings)
    assert everything(engine) == before


@pytest.mark.parametrize(("refused", "rows", "is_held"), [(10, 20, False), (11, 20, True), (19, 19, False)])
def test_the_share_that_holds_a_file(
    settings: Settings, tmp_path: Path, refused: int, rows: int, is_held: bool
) -> None:
    engine = store.create_engine(f"sqlite:///{tmp_path}/share.sqlite")
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    send(settings, "a.csv", as_csv(good(n, Resultaat="hm" if n < refused else "ok") for n in range(rows)))
    assert night(engine, settings)["files_held"] == int(is_held)
