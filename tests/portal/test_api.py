"""The API: the figures of the store, of the visitor's gemeenten only, and never anything written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from hydrants import publishing, store
from hydrants.errors import NothingPublished
from hydrants.portal import app
from hydrants.portal.house import House
from hydrants.portal.reading import Reader
from hydrants.portal.scope import NOTHING, Scope
from hydrants.settings import Settings
from hydrants.store import tables as stored
from tests.portal.browser import Browser, running
from tests.portal.conftest import DIKSMUIDE, IEPER, POPERINGE, SECRET_STREET, SQL, Enter, Published


def _json(browser: Browser, path: str) -> Any:
    answer = browser.get(path)
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return json.loads(answer.content)


def test_progress_is_that_of_the_table(enter: Enter, published: Published) -> None:
    with store.read(published.engine) as connection:
        lines = publishing.progress(connection)
    everything = _json(enter("planner"), "/api/progress")
    assert (everything["snapshot_id"], everything["as_of"]) == (2, "2019-12-31")
    figures = (
        "operator",
        "nis",
        "gemeente",
        "contractor",
        "registered",
        "checked",
        "ok",
        "failed",
        "remaining",
    )
    assert everything["lines"] == [
        {name: line[name] for name in figures} for line in lines if line["nis"] is not None
    ]
    own = _json(enter("ieper"), "/api/progress")
    assert own["lines"] == [line for line in everything["lines"] if line["nis"] == IEPER] != []


def test_hydrants_filtered_sorted_and_by_pages(enter: Enter) -> None:
    browser = enter("poperinge")
    place = f"/api/gemeenten/{POPERINGE}/hydrants"
    everything = _json(browser, place)
    ids = [one["hydrant_id"] for one in everything["hydrants"]]
    assert ids == ["DWG-33021-1", "DWG-33021-2", "DWG-X0", "DWG-X1", "DWG-X2"]
    assert everything["total"] == 5
    pages = [_json(browser, f"{place}?limit=2&offset={offset}")["hydrants"] for offset in (0, 2, 4, 6)]
    assert [one["hydrant_id"] for page in pages for one in page] == ids
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    failing = _json(browser, f"{place}?status=failed&sort=-inspected_on")
    assert [one["hydrant_id"] for one in failing["hydrants"]] == ["DWG-X0", "DWG-X1", "DWG-X2", "DWG-33021-1"]
    assert _json(browser, f"{place}?operator=aquaduin") == {**everything, "total": 0, "hydrants": []}
    last = _json(browser, f"{place}?sort=-hydrant_id&limit=1")["hydrants"][0]
    assert last["hydrant_id"] == "DWG-X2"
    assert (last["status"], last["outcome"], last["inspected_on"]) == ("failed", "failed", "2019-06-01")


@pytest.mark.parametrize(
    "query",
    [
        "sort=x_l72",
        "sort=hydrant_id;DROP%20TABLE%20snapshot_hydrant",
        "sort=--hydrant_id",
        "status=broken",
        f"operator={SQL.replace(' ', '%20')}",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=1e3",
        "offset=-1",
        "offset=99999999999999999999999",
    ],
)
def test_what_is_not_on_the_list_is_refused(query: str, enter: Enter) -> None:
    answer = enter("poperinge").get(f"/api/gemeenten/{POPERINGE}/hydrants?{query}")
    assert (answer.status, json.loads(answer.content)) == (422, {"detail": "Dit verzoek is niet volledig."})


def test_a_hydrant(enter: Enter) -> None:
    said = _json(enter("ieper"), "/api/hydrants/DWG-7")
    assert said["street_names"] == SECRET_STREET
    assert (said["nis"], said["status"], said["as_of"]) == (IEPER, "ok", "2019-12-31")
    assert (
        _json(enter("poperinge"), "/api/hydrants/DWG-X2")["street_names"] == SQL
    )  # and the table still stands


def test_nothing_of_others(enter: Enter) -> None:
    browser = enter("poperinge")
    theirs, nowhere = browser.get("/api/hydrants/DWG-7"), browser.get("/api/hydrants/DWG-0")
    assert (theirs.status, theirs.content) == (nowhere.status, nowhere.content)
    assert theirs.status == 404
    theirs, nowhere = (browser.get(f"/api/gemeenten/{nis}/hydrants") for nis in (IEPER, "99999"))
    assert (theirs.status, theirs.content) == (nowhere.status, nowhere.content)
    assert theirs.status == 404
    for path in ("/api/progress", f"/api/gemeenten/{POPERINGE}/hydrants", "/api/hydrants/DWG-X0"):
        answer = Browser(browser.port).get(path)
        assert (answer.status, json.loads(answer.content)) == (401, {"detail": "Meld u eerst aan."})


def test_health_is_for_everybody_and_says_no_more(browser: Browser, house: House) -> None:
    assert json.loads(browser.get("/api/health").content) == {"is_healthy": True}
    house.reader = Reader(Settings(_env_file=None, database_url="sqlite:////nowhere/at-all.sqlite"))
    answer = browser.get("/api/health")
    assert answer.status == 503
    assert "nowhere" not in answer.text


def test_before_the_first_publication(
    people: sa.Engine, tmp_path: Path, settings: Settings, engine: sa.Engine
) -> None:
    """There is a store and no snapshot; everybody is told so, and nothing breaks."""
    house = House(settings, people)
    with running(app.create(house)) as port, store.write(people) as connection:
        from hydrants.portal import accounts

        token = house.sessions.start(connection, accounts.named(connection, "beheer"))
        connection.commit()
        browser = Browser(port, scheme="http")
        browser.cookies["hydrants_session"] = token
        assert browser.get("/api/progress").status == 404
        assert browser.get("/api/health").status == 503
        assert browser.get("/current/index.html").status == 404
        assert browser.get("/state.js").status == 404
        assert browser.get("/account").status == 200
    house.close()


# -- the store ---------------------------------------------------------------------------------


def _scope(*gemeenten: str) -> Scope:
    return Scope(frozenset(gemeenten), frozenset(), is_region=False)


def test_it_cannot_write(published: Published) -> None:
    reader = Reader(published.settings)
    for statement in (
        "DELETE FROM snapshot_hydrant",
        "UPDATE snapshot_progress SET failed = 0",
        "INSERT INTO gemeente (nis, name_nl) VALUES ('00000', 'nergens')",
        "CREATE TABLE mine (a int)",
        "DROP TABLE current_snapshot",
    ):
        with pytest.raises(DBAPIError), reader.seeing(_scope(IEPER)) as connection:
            connection.exec_driver_sql(statement)
    with reader.seeing(_scope(IEPER)) as connection:
        count = sa.select(sa.func.count()).select_from(stored.snapshot_hydrant)
        assert connection.execute(count).scalar_one() > 0
    reader.close()


def test_there_is_no_store(tmp_path: Path) -> None:
    reader = Reader(Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/none.sqlite"))
    with pytest.raises(NothingPublished), reader.seeing(NOTHING):
        pass
    assert not (tmp_path / "none.sqlite").exists()


# -- row-level security ------------------------------------------------------------------------

BY_GEMEENTE = ("snapshot_hydrant", "snapshot_progress", "plan_stop", "hydrant_state")
VIEWS = ("current_hydrant", "current_progress")
on_postgis = pytest.mark.parametrize(
    "published", [pytest.param("postgis", marks=pytest.mark.postgis)], indirect=True
)


def _login(published: Published, name: str) -> Settings:
    """Settings by which the portal connects as a login that is a member of the readers, and nothing else."""
    with store.write(published.engine) as connection:
        connection.exec_driver_sql(f"DROP ROLE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN IN ROLE hydrants_reader")
    url = published.engine.url.set(drivername="postgresql", username=name)
    return published.settings.model_copy(
        update={"portal_database_url": url.render_as_string(hide_password=False)}
    )


def _seen(connection: sa.Connection, name: str) -> set[str | None]:
    return set(connection.scalars(sa.text(f"SELECT nis FROM {name}")))


@on_postgis
@pytest.mark.parametrize("way", ["owner", "login"])
def test_a_transaction_sees_its_gemeenten_and_no_other(way: str, published: Published) -> None:
    settings = _login(published, "portal_a") if way == "login" else published.settings
    reader = Reader(settings)
    for gemeenten in ((IEPER,), (POPERINGE, DIKSMUIDE)):
        with reader.seeing(_scope(*gemeenten)) as connection:
            for name in ("snapshot_hydrant", "snapshot_progress", "hydrant_state", *VIEWS):
                assert _seen(connection, name) == set(gemeenten), name
    with reader.seeing(NOTHING) as connection:
        assert [name for name in (*BY_GEMEENTE, *VIEWS) if _seen(connection, name)] == []
    with reader.seeing(Scope(frozenset({IEPER}), frozenset(), is_region=True)) as connection:
        assert _seen(connection, "current_progress") == {IEPER, None}
    reader.close()


@on_postgis
def test_a_pooled_connection_keeps_nothing(published: Published) -> None:
    reader = Reader(_login(published, "portal_b"))
    with reader.seeing(_scope(IEPER)) as connection:
        first = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        assert _seen(connection, "snapshot_hydrant") == {IEPER}
    with pytest.raises(DBAPIError), reader.seeing(_scope(IEPER)) as connection:
        connection.exec_driver_sql("SELECT 1/0")
    with store.read(reader._engine) as connection:  # the same connection, and nobody said a scope
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == first
        assert connection.exec_driver_sql("SELECT current_user").scalar() == "portal_b"
        for name in (*BY_GEMEENTE, *VIEWS):
            assert _seen(connection, name) == set(), name
    with reader.seeing(_scope(POPERINGE)) as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() == first
        assert _seen(connection, "snapshot_hydrant") == {POPERINGE}
    reader.close()


@on_postgis
def test_a_reader_may_select_what_is_published_and_nothing_else(published: Published) -> None:
    reader = Reader(_login(published, "portal_c"))
    with store.read(published.engine) as connection:
        rights = connection.execute(
            sa.text(
                "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
                " WHERE grantee = 'hydrants_reader'"
            )
        ).all()
    readable = {"current_snapshot", "snapshot", "gemeente", "operator", *BY_GEMEENTE, *VIEWS}
    assert {tuple(row) for row in rights} == {(name, "SELECT") for name in readable}
    for name in set(stored.metadata.tables) - readable:
        with pytest.raises(DBAPIError, match="permission denied"), reader.seeing(_scope(IEPER)) as connection:
            connection.exec_driver_sql(f"SELECT * FROM {name}")
    for statement in (
        "BEGIN; SET TRANSACTION READ WRITE; DELETE FROM snapshot_hydrant",
        "ALTER TABLE snapshot_hydrant DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_gemeenten ON snapshot_hydrant",
        "SET ROLE postgres",
        "CREATE VIEW mine AS SELECT * FROM snapshot_hydrant",
    ):
        with pytest.raises(DBAPIError), reader._engine.connect() as connection:
            connection.exec_driver_sql(statement)
    reader.close()


@on_postgis
def test_the_views_are_those_of_who_asks(published: Published) -> None:
    """A view of the owner's would show every row to whoever may read it."""
    with store.read(published.engine) as connection:
        options = connection.execute(
            sa.text(
                "SELECT relname, reloptions FROM pg_class WHERE relname LIKE 'current\\_%' AND relkind = 'v'"
            )
        ).all()
        points = connection.execute(sa.text("SELECT count(*), count(geom) FROM current_hydrant")).one()
    assert {(row[0], *row[1]) for row in options} == {(name, "security_invoker=true") for name in VIEWS}
    assert points[0] == points[1] == 40


@on_postgis
def test_a_login_of_a_gemeente_sees_that_one_whatever_it_says(published: Published) -> None:
    """A person with QGIS writes any SQL he likes; a portal's login beside it is not bound by his."""
    with store.write(published.engine) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS gis_ieper, gis_group, gis_both")
        connection.exec_driver_sql("CREATE ROLE gis_ieper LOGIN IN ROLE hydrants_nis_33011")
        connection.exec_driver_sql(
            "CREATE ROLE gis_group NOLOGIN IN ROLE hydrants_nis_33011, hydrants_nis_33021"
        )
        connection.exec_driver_sql("CREATE ROLE gis_both LOGIN IN ROLE gis_group")
    for name, own in (("gis_ieper", {IEPER}), ("gis_both", {IEPER, POPERINGE})):
        gis = sa.create_engine(published.engine.url.set(username=name))
        for said in (
            "SELECT 1",
            "SET hydrants.gemeenten = '32003,33011,33021,*'",
            "SET ROLE hydrants_reader",
            "SET search_path = pg_temp, public; CREATE TEMP TABLE pg_auth_members (roleid oid, member oid)",
            "SET row_security = off",
        ):
            with gis.connect() as connection:
                connection.exec_driver_sql(said)
                for view in (*VIEWS, "snapshot_hydrant", "snapshot_progress", "hydrant_state"):
                    try:
                        assert _seen(connection, view) == own, (name, said, view)
                    except DBAPIError as error:
                        assert "row_security" in said and "would be affected by row-level" in str(error)
                        connection.rollback()
        gis.dispose()
    reader = Reader(published.settings)
    with reader.seeing(_scope(POPERINGE)) as connection:
        assert _seen(connection, "current_hydrant") == {POPERINGE}
    reader.close()
