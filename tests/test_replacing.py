"""Rows in place of others: the table says what it should, and what was right is not written again."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hydrants import store
from hydrants.store import tables
from hydrants.store.tables import finding, match

UPLOAD = 7
FIRST = UPLOAD * tables.ROWS_PER_UPLOAD
IS_OURS = match.c.upload_id == UPLOAD
COLUMNS = [column.name for column in match.columns]


def row(ordinal: int, verdict: str = "review", score: float | None = 0.5, **values: Any) -> dict[str, Any]:
    filled = {"verdict": verdict, "score": score, "is_other_contractor": False} | values
    return {**dict.fromkeys(COLUMNS), "row_id": FIRST + ordinal, "upload_id": UPLOAD, **filled}


def stored(connection: sa.Connection) -> list[dict[str, Any]]:
    query = sa.select(match).order_by(match.c.row_id)
    return [dict(one) for one in connection.execute(query).mappings()]


ROWS = st.lists(
    st.builds(
        row,
        st.integers(1, 6),
        st.sampled_from(["linked", "review", "new"]),
        st.sampled_from([None, 0.5, 0.75]),
        hydrant_id=st.sampled_from([None, "DWG-1", "é'\\"]),
    ),
    unique_by=lambda one: one["row_id"],
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, after=ROWS, as_frame=st.booleans())
def test_the_rows_are_these_afterwards(
    engine: sa.Engine, before: list[dict[str, Any]], after: list[dict[str, Any]], as_frame: bool
) -> None:
    other = {**row(1), "row_id": FIRST + tables.ROWS_PER_UPLOAD, "upload_id": UPLOAD + 1}
    with store.write(engine) as connection:
        store.insert_rows(connection, match, [other, *before])
        given_rows = pd.DataFrame(after, columns=COLUMNS) if as_frame else after
        replaced = store.replace_rows(connection, match, given_rows, IS_OURS)
        expected = [*sorted(after, key=lambda one: one["row_id"]), other]
        assert stored(connection) == expected
        old, new = ({one["row_id"]: one for one in rows} for rows in (before, after))
        both = old.keys() & new.keys()
        assert replaced == (
            len(new.keys() - old.keys()),
            sum(old[key] != new[key] for key in both),
            len(old.keys() - new.keys()),
        )
        assert store.replace_rows(connection, match, given_rows, IS_OURS) == (0, 0, 0)
        connection.rollback()


def test_what_is_as_it_should_be_is_not_touched(engine: sa.Engine) -> None:
    with store.write(engine) as connection:
        store.insert_rows(connection, match, [row(number) for number in range(1, 5)])
    is_postgresql = engine.dialect.name == "postgresql"

    def versions() -> dict[int, Any]:
        """On PostgreSQL the transaction that wrote a row; SQLite counts rows instead."""
        with engine.connect() as connection:
            return dict(
                connection.execute(
                    sa.text(
                        f"SELECT row_id, {'CAST(xmin AS TEXT)' if is_postgresql else 'row_id'} FROM match"
                    )
                )
                .tuples()
                .all()
            )

    before = versions()
    with store.write(engine) as connection:
        wanted = [row(1), row(2, score=0.9), row(3), row(5)]
        raw = connection.connection.driver_connection
        changes = None if is_postgresql else raw.total_changes
        assert store.replace_rows(connection, match, wanted, IS_OURS) == (1, 1, 1)
        if changes is not None:
            # staged, the new and the changed one set apart, and three written
            assert raw.total_changes - changes == len(wanted) + 2 + 3
    after = versions()
    assert after.keys() == {FIRST + number for number in (1, 2, 3, 5)}
    if is_postgresql:
        assert {key for key in after if after[key] == before.get(key)} == {FIRST + 1, FIRST + 3}


def test_lists_are_compared_by_what_they_say(engine: sa.Engine) -> None:
    location = tables.location
    columns = dict.fromkeys(column.name for column in location.columns)
    one = {**columns, "row_id": FIRST + 1, "upload_id": UPLOAD, "location_method": "none"}
    one |= {"corrections": ["axes_swapped", 'é"'], "is_outside_gemeente": False}
    where = location.c.upload_id == UPLOAD
    with store.write(engine) as connection:
        assert store.replace_rows(connection, location, [one], where) == (1, 0, 0)
        assert store.replace_rows(connection, location, [one], where) == (0, 0, 0)
        other = {**one, "corrections": []}
        assert store.replace_rows(connection, location, [other], where) == (0, 1, 0)
        assert connection.execute(sa.select(location.c.corrections)).scalar_one() == []
        assert store.replace_rows(connection, location, pd.DataFrame(columns=list(columns)), where) == (
            0,
            0,
            1,
        )


@pytest.mark.parametrize("rows", [[], pd.DataFrame(columns=["upload_id"])])
def test_none_in_place_of_none(engine: sa.Engine, rows: Any) -> None:
    with store.write(engine) as connection:
        assert store.replace_rows(connection, finding, rows, finding.c.upload_id == UPLOAD) == (0, 0, 0)
