"""Make a Westhoek that does not exist, work one night through it by the real DAGs, and show what came out.

All in one process and one directory, with SQLite for the store and for Airflow's own tables: no server, no
network. Repeated on the same directory it is the next night, in which nothing new arrives.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from scripts import airflow_setup

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

NIGHT = ("register_refresh", "inspections_nightly", "progress_publish", "rounds_plan")
STAGE_OF_TASK = {
    "refresh": "register",
    "land": "landing",
    "read": "reading",
    "validate": "validation",
    "geocode": "geocoding",
    "match": "matching",
    "answer": "receipts",
    "publish": "publishing",
    "plan": "planning",
}

SEED, SCALE = 2019, 1.0

out = Console(highlight=False)


def main() -> int:
    """Run it; 0 when every DAG run succeeded."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("var"), help="where everything goes")
    parser.add_argument("--seed", type=int, help="another seed makes another world (2019)")
    parser.add_argument("--scale", type=float, help="1, the default, is the Westhoek")
    asked = parser.parse_args()
    if other := other_world(asked.dir, asked.seed, asked.scale):
        parser.error(f"{asked.dir} holds another world ({other}): name another directory with --dir")

    seconds = {"demo world": make_world(asked.dir, asked.seed or SEED, asked.scale or SCALE)}
    set_up = time.perf_counter()
    with out.status("Airflow"):
        airflow_setup.configure_embedded(asked.dir / "airflow")
        airflow_setup.prepare(os.environ["HYDRANTS_DATABASE_URL"])
    seconds["Airflow's own tables and imports"] = time.perf_counter() - set_up

    for dag_id in NIGHT:
        dag_started = time.perf_counter()
        with out.status(dag_id):
            run = run_dag(dag_id)
        out.print(f"{dag_id:<20} {run.state}  {time.perf_counter() - dag_started:5.1f} s")
        if run.state != "success":
            out.print(f"[bold red]{dag_id} failed:[/] the messages above say why")
            return 1
        for stage, stage_s in stage_seconds(run).items():
            seconds[stage] = seconds.get(stage, 0) + stage_s
    show(seconds, time.perf_counter() - started)
    return 0


def other_world(directory: Path, seed: int | None, scale: float | None) -> str | None:
    """What the world in `directory` says of itself, if it is not the one that was asked for."""
    path = directory / "demo.env"
    if not path.is_file() or (seed is None and scale is None):
        return None
    from hydrants.demo.folder import world_line

    found = path.read_text(encoding="utf-8").partition("\n")[0]
    return None if found == world_line(seed or SEED, scale or SCALE) else found.lstrip("# ")


def make_world(directory: Path, seed: int, scale: float) -> float:
    """Point the settings into `directory` and write a world there, unless one is there already.

    Returns:
        How many seconds writing it took.
    """
    started = time.perf_counter()
    for name in ("uploads", "registers", "landing", "site", "boundaries.geojson", "addresses.csv"):
        os.environ[f"HYDRANTS_{name.split('.')[0].upper()}"] = str(directory.absolute() / name)
    os.environ.update(
        HYDRANTS_DATABASE_URL=f"sqlite:///{directory.absolute() / 'hydrants.sqlite'}",
        HYDRANTS_CAMPAIGN_START="2019-01-01",
        HYDRANTS_CAMPAIGN_END="2019-12-31",
    )
    if not (directory / "demo.env").is_file():  # the demo writes it last
        from hydrants import demo

        with out.status("verzonnen Westhoek schrijven"):
            demo.write(directory, seed=seed, scale=scale)
    return time.perf_counter() - started


def load_dags() -> dict[str, Any]:
    """The DAGs by their ids, as Airflow itself loads them.

    Raises:
        RuntimeError: with Airflow's own messages, when a file of `dags/` cannot be imported.
    """
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(airflow_setup.ROOT / "dags")
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    return dict(bag.dags)


def run_dag(dag_id: str, **params: Any) -> DagRun:
    """Run a DAG for real, in this process; its run, ended.

    The DAG is loaded anew: the parameters of a run in the same process would stay in it.
    """
    run: DagRun = load_dags()[dag_id].test(run_conf=params)
    return run


def stage_seconds(run: DagRun) -> dict[str, float]:
    """Seconds per stage, summed over the batches that its task is mapped over."""
    seconds: dict[str, float] = {}
    for task in run.get_task_instances():
        stage = STAGE_OF_TASK.get(task.task_id.split(".")[-1])
        if stage and task.duration:
            seconds[stage] = seconds.get(stage, 0) + task.duration
    return {stage: seconds[stage] for stage in STAGE_OF_TASK.values() if stage in seconds}


def show(seconds: dict[str, float], total_s: float) -> None:
    """Print the progress table, what the night changed, the time of each stage, and where the page is."""
    import sqlalchemy as sa

    from hydrants import night, publishing, store, terminal
    from hydrants.settings import settings
    from hydrants.store.tables import run

    with night.opened(settings()) as engine, store.read(engine) as connection:
        progress = publishing.progress(connection)
        newest = connection.execute(sa.select(run).order_by(run.c.run_id.desc()).limit(1)).one()
    out.print(terminal.progress_table(progress))
    out.print(f"Run {newest.run_id} changed:")
    for task, counts in newest.counts.items():
        spelled = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
        out.print(f"  {STAGE_OF_TASK[task]}: {spelled}", soft_wrap=True)

    times = Table("stage", box=None)
    times.add_column("seconds", justify="right")
    for stage, stage_s in seconds.items():
        times.add_row(stage, f"{stage_s:.1f}")
    times.add_row("wiring of the tasks", f"{total_s - sum(seconds.values()):.1f}")
    times.add_row("in all", f"{total_s:.1f}", style="bold")
    out.print(times)
    out.print(f"Page: {(settings().site / 'current' / 'index.html').absolute()}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
