"""Order the hydrants that remain to be checked."""

from typing import Any

from airflow.sdk import Param, dag, task

from dags.assets import DAG_DEFAULTS, SNAPSHOT, asked, opened


@task
def plan() -> dict[str, Any]:
    """The remaining hydrants of the snapshot that triggered this run, else of the current one."""
    with opened() as (night, engine, settings):
        counts: dict[str, Any] = night.plan(engine, settings, asked("snapshot_id", SNAPSHOT))
    return counts


@dag(
    schedule=[SNAPSHOT],
    params={"snapshot_id": Param(None, type=["null", "integer"], description="Empty: the current one")},
    tags=["hydrants", "planning"],
    doc_md="""### Rounds
Lists what remains to be checked, per firm and gemeente, in an order a crew can drive. Runs after each
published snapshot; planning the same snapshot again changes nothing.""",
    **DAG_DEFAULTS,
)
def rounds_plan() -> None:
    """One task."""
    plan()


rounds_plan()
