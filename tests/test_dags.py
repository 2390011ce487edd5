"""The DAGs as Airflow sees them, and nights done by them for real, on both stores."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hydrants import demo, night, settings, store
from hydrants.store.tables import metadata, receipt, run, snapshot, snapshot_progress, upload
from scripts import airflow_setup, run_demo
from tests.batches import as_csv, good
from tests.smtp_server import Manner, Server, serving

DAG_IDS = ("inspections_nightly", "progress_publish", "register_refresh", "rounds_plan")
BATCH_TASKS = ("land", "read", "validate", "geocode", "match", "answer")
SOME_BATCHES = {
    ("interwest", "32003"): "interwest Diksmuide",
    ("westlandia", "32003"): "westlandia Diksmuide",
}
"""Enough to see that they are kept apart; each costs six tasks."""


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow of its own; importing it takes seconds, so that all tests here share it."""
    home = tmp_path_factory.mktemp("airflow")
    airflow_setup.configure_embedded(home)
    airflow_setup.prepare("sqlite://")
    return home


@pytest.fixture(scope="session")
def dags(airflow_home: Path) -> dict[str, Any]:
    return run_demo.load_dags()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Westhoek in miniature."""
    directory = tmp_path_factory.mktemp("world")
    demo.write(directory, seed=1, scale=0.02)
    return directory


def _pointed_at(database_url: str, world: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tasks, which know the environment only, read a world and write into directories of the test."""
    monkeypatch.setenv("HYDRANTS_DATABASE_URL", database_url)
    for name in ("uploads", "registers", "boundaries.geojson", "addresses.csv"):
        monkeypatch.setenv(f"HYDRANTS_{name.split('.')[0].upper()}", str(world / name))
    for name in ("landing", "site"):
        monkeypatch.setenv(f"HYDRANTS_{name.upper()}", str(own / name))
    monkeypatch.setenv("HYDRANTS_UPLOAD_STABLE_S", "0")
    settings.settings.cache_clear()


@pytest.fixture
def night_engine(
    engine: sa.Engine,
    database_url: str,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    airflow_home: Path,
) -> Iterator[sa.Engine]:
    """The store that the tasks work on, once SQLite and once PostGIS; Airflow is ready."""
    _pointed_at(database_url, world, tmp_path, monkeypatch)
    yield engine
    settings.settings.cache_clear()


@pytest.fixture
def sqlite_engine(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_home: Path
) -> Iterator[sa.Engine]:
    """A SQLite store, for what is the same on every store; the registers are taken up already."""
    _pointed_at(f"sqlite:///{tmp_path / 'hydrants.sqlite'}", world, tmp_path, monkeypatch)
    with night.opened(settings.settings()) as engine:
        night.prepare(engine, settings.settings())
        yield engine
    settings.settings.cache_clear()


def _whole_night() -> dict[str, Any]:
    """A night that works through SOME_BATCHES, and what follows it."""
    params = {"inspections_nightly": {"gemeenten": sorted({nis for _, nis in SOME_BATCHES})}}
    runs = {dag_id: run_demo.run_dag(dag_id, **params.get(dag_id, {})) for dag_id in run_demo.NIGHT}
    assert {dag_id: str(done.state) for dag_id, done in runs.items()} == dict.fromkeys(runs, "success")
    return runs


def _contents(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table, but for the list of runs."""
    with store.read(engine) as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table is not run
        }


def _states(dag_run: Any) -> dict[tuple[str, int], str]:
    return {(task.task_id, task.map_index): str(task.state) for task in dag_run.get_task_instances()}


# -- as Airflow sees them ----------------------------------------------------------------------


def test_dag_files_are_found_and_import(dags: dict[str, Any]) -> None:
    assert sorted(dags) == sorted(DAG_IDS)


def test_every_dag_is_described_and_runs_one_at_a_time(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag.max_active_runs == 1, dag_id
        assert not dag.catchup, dag_id
        assert len(dag.doc_md.strip()) > 100, dag_id
        assert "hydrants" in dag.tags, dag_id
        assert len(dag.tags) == 2, dag_id


def test_every_task_may_be_retried_has_an_end_and_waits_for_its_turn(dags: dict[str, Any]) -> None:
    from airflow.models.pool import Pool

    tasks = [task for dag in dags.values() for task in dag.tasks]
    assert len(tasks) == 14
    for task in tasks:
        assert task.retries == 2, task.task_id
        assert task.retry_exponential_backoff > 1, task.task_id
        assert 0 < task.execution_timeout.total_seconds() <= 3600, task.task_id
        assert task.owner == "hydrants", task.task_id
    (pool,) = {task.pool for task in tasks}
    assert Pool.get_pool(pool).slots == 1


@pytest.mark.parametrize(
    ("url", "pool"),
    [
        ("postgresql://user@host/hydrants", airflow_setup.GEOCODER_POOL),
        ("sqlite:///var/hydrants.sqlite", airflow_setup.POOL),  # two pools would be two writers
    ],
)
def test_who_asks_an_address_service_waits_for_it_in_a_pool_of_its_own(
    airflow_home: Path, monkeypatch: pytest.MonkeyPatch, url: str, pool: str
) -> None:
    from airflow.models.pool import Pool

    monkeypatch.setenv("HYDRANTS_ONLINE_GEOCODER", "geolocation")
    monkeypatch.setenv("HYDRANTS_DATABASE_URL", url)
    settings.settings.cache_clear()
    dag = run_demo.load_dags()["inspections_nightly"]
    settings.settings.cache_clear()
    pools = {task.task_id: task.pool for task in dag.tasks}
    assert pools.pop("work_through.geocode") == pool
    assert set(pools.values()) == {airflow_setup.POOL}
    assert Pool.get_pool(airflow_setup.GEOCODER_POOL).slots == 1


def test_settings_that_cannot_be_used_are_told_by_the_tasks_and_the_dags_are_there_all_the_same(
    airflow_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANTS_ONLINE_GEOCODER", "geolocatoin")
    settings.settings.cache_clear()
    assert sorted(run_demo.load_dags()) == sorted(DAG_IDS)
    settings.settings.cache_clear()


@pytest.mark.parametrize(
    ("url", "slots"),
    [("sqlite:///var/hydrants.sqlite", 1), ("postgresql://user@host/hydrants", 8)],
)
def test_sqlite_has_one_writer_and_postgresql_several(url: str, slots: int) -> None:
    assert airflow_setup.writers(url) == slots


def test_batches_go_through_the_stages_in_order(dags: dict[str, Any]) -> None:
    assert list(night.BATCH_STAGES) == list(BATCH_TASKS)
    dag = dags["inspections_nightly"]
    order = ["find_batches", "start", *(f"work_through.{name}" for name in BATCH_TASKS), "finish", "mail"]
    assert [task.task_id for task in dag.topological_sort()] == order
    for before, after in itertools.pairwise(order):
        assert before in dag.get_task(after).upstream_task_ids
    assert sorted(dag.params) == ["as_of", "contractors", "dry_run", "gemeenten"]


def test_each_date_has_one_night_also_when_the_clocks_change(dags: dict[str, Any]) -> None:
    import pendulum
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction

    timetable = coerce_to_core_timetable(dags["inspections_nightly"].timetable)

    def nights(first: str) -> list[str]:
        zone, interval, found = "Europe/Brussels", None, []
        restriction = TimeRestriction(earliest=pendulum.parse(first, tz=zone), latest=None, catchup=True)
        for _ in range(4):
            info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
            interval = info.data_interval
            found.append(info.run_after.in_timezone(zone).strftime("%d-%m %H:%M %z"))
        return found

    assert nights("2026-03-27") == [
        "28-03 02:00 +0100",
        "29-03 03:00 +0200",  # 02:00 does not exist
        "30-03 02:00 +0200",
        "31-03 02:00 +0200",
    ]
    assert nights("2026-10-23") == [
        "24-10 02:00 +0200",
        "25-10 02:00 +0100",  # 02:00 comes twice
        "26-10 02:00 +0100",
        "27-10 02:00 +0100",
    ]


def test_registers_are_taken_up_before_the_inspections(dags: dict[str, Any]) -> None:
    assert dags["register_refresh"].timetable.expression == "0 1 * * *"
    assert dags["inspections_nightly"].timetable.expression == "0 2 * * *"
    assert {str(dags[name].timetable.timezone) for name in ("register_refresh", "inspections_nightly")} == {
        "Europe/Brussels"
    }


def test_assets_link_the_dags(dags: dict[str, Any]) -> None:
    from airflow.sdk import Asset, AssetAny

    produced = {
        (task.dag_id, task.task_id): [asset.name for asset in task.outlets]
        for dag in dags.values()
        for task in dag.tasks
        if task.outlets
    }
    assert produced == {
        ("register_refresh", "announce"): ["hydrants_register"],
        ("inspections_nightly", "finish"): ["hydrants_matches"],
        ("progress_publish", "publish"): ["hydrants_snapshot"],
    }
    assert dags["progress_publish"].timetable.asset_condition == AssetAny(
        Asset("hydrants_matches"), Asset("hydrants_register")
    )
    assert dags["rounds_plan"].timetable.asset_condition.objects == (Asset("hydrants_snapshot"),)


# -- done for real -----------------------------------------------------------------------------


def test_a_night_and_the_next(night_engine: sa.Engine) -> None:
    tasks = _whole_night()["inspections_nightly"].get_task_instances()
    states = {task.task_id: str(task.state) for task in tasks}
    assert states.pop("mail") == "skipped"  # nobody asked for mail
    assert set(states.values()) == {"success"}
    assert sorted((task.task_id, task.rendered_map_index) for task in tasks if task.map_index >= 0) == sorted(
        (f"work_through.{name}", label) for name in BATCH_TASKS for label in SOME_BATCHES.values()
    )

    with store.read(night_engine) as connection:
        progress = connection.execute(sa.select(snapshot_progress)).mappings().all()
        first_run = connection.execute(sa.select(run)).mappings().one()
        landed = connection.execute(sa.select(sa.func.count()).select_from(upload)).scalar()
    checked = {(line["operator"], line["nis"]) for line in progress if line["checked"] and line["nis"]}
    assert checked == {("dewatergroep", "32003"), ("aquaduin", "32003")}
    assert all(line["checked"] + line["remaining"] == line["registered"] > 0 for line in progress)
    assert first_run["kind"] == "inspections_nightly"
    assert first_run["finished_at"] is not None
    assert first_run["counts"]["land"]["landed"] == landed > 2

    before = _contents(night_engine)
    _whole_night()
    assert _contents(night_engine) == before
    with store.read(night_engine) as connection:
        second_run = connection.execute(sa.select(run).where(run.c.run_id == 2)).mappings().one()
    assert list(second_run["counts"]) == list(BATCH_TASKS)
    assert {count for counts in second_run["counts"].values() for count in counts.values()} == {0}


def test_dry_run_lists_and_changes_nothing(sqlite_engine: sa.Engine, world: Path) -> None:
    before = _contents(sqlite_engine)
    done = run_demo.run_dag("inspections_nightly", dry_run=True)

    assert str(done.state) == "success"
    assert {task_id for (task_id, _), state in _states(done).items() if state == "success"} == {
        "find_batches"
    }
    listed = done.get_task_instance("find_batches").xcom_pull(task_ids="find_batches")
    assert {(batch["contractor"], batch["nis"]): batch["files"] for batch in listed} == {
        folder.relative_to(world / "uploads").parts: sorted(path.name for path in folder.iterdir())
        for folder in world.glob("uploads/*/*")
    }
    assert len(listed) > len(SOME_BATCHES)
    assert _contents(sqlite_engine) == before
    with store.read(sqlite_engine) as connection:
        assert connection.execute(sa.select(run)).all() == []


def test_only_the_batches_asked_for(sqlite_engine: sa.Engine) -> None:
    done = run_demo.run_dag("inspections_nightly", contractors=["interwest"], gemeenten=["38014", "33021"])

    assert {task.rendered_map_index for task in done.get_task_instances() if task.map_index >= 0} == {
        "interwest Koksijde"
    }
    with store.read(sqlite_engine) as connection:
        sent = connection.execute(sa.select(upload.c.contractor, upload.c.nis).distinct()).all()
    assert [tuple(row) for row in sent] == [("interwest", "38014")]


def test_a_night_without_uploads_is_recorded(
    sqlite_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANTS_UPLOADS", str(tmp_path / "nothing_here"))
    settings.settings.cache_clear()
    done = run_demo.run_dag("inspections_nightly")

    assert str(done.state) == "success"
    with store.read(sqlite_engine) as connection:
        (recorded,) = connection.execute(sa.select(run)).mappings().all()
    assert recorded["finished_at"] is not None
    assert recorded["counts"] == {name: {} for name in BATCH_TASKS}


def test_events_carry_what_the_next_dag_needs(sqlite_engine: sa.Engine) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    asked = {"gemeenten": ["38014"], "as_of": "2019-06-30"}
    run_demo.run_dag("inspections_nightly", **asked)
    run_demo.run_dag("progress_publish", as_of="2019-06-30")

    with create_session() as session:
        newest = sa.select(AssetEvent).order_by(AssetEvent.id.desc()).limit(2)
        extras = {event.asset.name: event.extra for event in session.scalars(newest)}
    with store.read(sqlite_engine) as connection:
        published = connection.execute(sa.select(snapshot)).mappings().one()
    assert published["as_of"] == date(2019, 6, 30)
    assert extras == {
        "hydrants_matches": {"as_of": "2019-06-30"},
        "hydrants_snapshot": {"snapshot_id": published["snapshot_id"]},
    }


def test_a_failing_task_fails_the_run_and_what_follows_it(
    sqlite_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDRANTS_REGISTERS", str(tmp_path / "registers"))
    monkeypatch.setenv("HYDRANTS_ADDRESSES", str(tmp_path / "no_such_file.csv"))
    settings.settings.cache_clear()
    done = run_demo.run_dag("register_refresh")

    assert str(done.state) == "failed"
    assert _states(done) == {("refresh", -1): "failed", ("announce", -1): "upstream_failed"}
    assert done.get_task_instance("refresh").try_number == 3


# -- the receipts by mail ----------------------------------------------------------------------


@pytest.fixture
def office(sqlite_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    """A night of one batch with two files, one of them named as if it were a template; a firm with mail."""
    folder = tmp_path / "uploads" / "westlandia" / "33021"
    folder.mkdir(parents=True)
    (folder / "goed.csv").write_bytes(as_csv([good(1)]))
    (folder / "{{ 6 * 7 }}.csv").write_bytes(as_csv([good(2, Resultaat="goedgekeurt")]))
    monkeypatch.setenv("HYDRANTS_UPLOADS", str(tmp_path / "uploads"))
    monkeypatch.setenv("HYDRANTS_RECEIPT_MAIL", '{"westlandia": "office@example.org, baas@example.org"}')
    settings.settings.cache_clear()
    return sqlite_engine


def _mail_goes_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Airflow's connection lead to a server on this machine that has no certificate."""
    extra = {
        "from_email": "brandkranen@example.org",
        "disable_ssl": True,
        "disable_tls": True,
        "timeout": 1,
        "retry_limit": 0,
    }
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


def _unsent(engine: sa.Engine) -> int:
    is_unsent = receipt.c.mailed_at.is_(None) | (receipt.c.mailed_at < receipt.c.written_at)
    with store.read(engine) as connection:
        return connection.execute(
            sa.select(sa.func.count()).select_from(receipt).where(is_unsent)
        ).scalar_one()


def _mail_of(server: Server) -> Any:
    (message,) = server.taken
    return message


def test_receipts_go_out_by_mail_once(office: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        _mail_goes_to(server.port, monkeypatch)
        done = run_demo.run_dag("inspections_nightly")
        assert {str(state) for state in _states(done).values()} == {"success"}
        message = _mail_of(server)
        assert message["To"] == "office@example.org, baas@example.org"
        assert message["From"] == "brandkranen@example.org"
        assert message["Subject"] == "Brandkranen: 2 ontvangstbewijzen, 1 rij te verbeteren"
        text = message.get_body().get_content()
        assert "<td>goed.csv</td>" in text
        assert "<td>{{ 6 * 7 }}.csv</td>" in text  # and not 42
        attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
        folder = settings.settings().site / "private" / "westlandia" / "33021"
        assert attached == {path.name: path.read_bytes() for path in folder.glob("*.xlsx")}
        assert len(attached) == 2
        assert done.get_task_instance("mail").xcom_pull(task_ids="mail") == {
            "mails_sent": 1,
            "receipts_sent": 2,
            "receipts_unsent": 0,
        }
        assert _unsent(office) == 0

        again = run_demo.run_dag("inspections_nightly")
        assert str(again.state) == "success"
        assert len(server.taken) == 1


@pytest.mark.parametrize("trouble", ["hangs", "dead port", "no connection"])
def test_a_mail_server_in_trouble_does_not_fail_the_night(
    office: sa.Engine, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    with serving(Manner.HANGS) as server:
        port = server.port
        if trouble == "dead port":
            server.server_close()
        if trouble == "no connection":
            monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", "")  # as docker-compose.yml leaves it
        else:
            _mail_goes_to(port, monkeypatch)
        done = run_demo.run_dag("inspections_nightly")
        assert server.taken == []
    states = {task_id: state for (task_id, _), state in _states(done).items()}
    assert str(done.state) == "success"
    assert states.pop("mail") == "failed"  # there to be seen
    assert set(states.values()) == {"success"}
    assert done.get_task_instance("mail").try_number == 3
    assert _unsent(office) == 2
    with store.read(office) as connection:
        assert connection.execute(sa.select(run.c.finished_at)).scalar_one() is not None


def test_refused_mail_goes_with_the_next_night_and_keeps_nobody_waiting(
    office: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "uploads" / "interwest" / "38014"
    folder.mkdir(parents=True)
    (folder / "leeg.csv").touch()
    monkeypatch.setenv(
        "HYDRANTS_RECEIPT_MAIL", '{"interwest": "refused@example.org", "westlandia": "office@example.org"}'
    )
    settings.settings.cache_clear()
    with serving() as server:
        server.refused.add("refused@example.org")
        _mail_goes_to(server.port, monkeypatch)
        done = run_demo.run_dag("inspections_nightly")
        assert _mail_of(server)["To"] == "office@example.org"
        states = {task_id: str(state) for (task_id, _), state in _states(done).items()}
        assert str(done.state) == "success"
        assert states.pop("mail") == "failed"
        assert set(states.values()) == {"success"}
        assert _unsent(office) == 1

        server.refused.clear()
        server.taken.clear()
        again = run_demo.run_dag("inspections_nightly")
        assert _mail_of(server)["To"] == "refused@example.org"
    assert {str(state) for state in _states(again).values()} == {"success"}
    assert _unsent(office) == 0
