"""Every uploaded file of the crews, from bytes to matched records."""

from typing import Any

from airflow.sdk import CronDataIntervalTimetable, Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from dags.assets import DAG_DEFAULTS, MATCHES, as_of_param, names_param, opened, pool_of
from dags.mail import mail


@task
def find_batches() -> list[dict[str, Any]]:
    """The batches asked for, contractor x gemeente, and the files that lie in their folders."""
    params = get_current_context()["params"]
    with opened() as (night, engine, settings):
        return night.described(engine, settings, params["contractors"], params["gemeenten"])


@task
def start(batches: list[dict[str, Any]]) -> dict[str, Any]:
    """Record that the night starts; a dry run ends here, with nothing landed and nothing recorded."""
    if get_current_context()["params"]["dry_run"]:
        raise AirflowSkipException(f"dry run: find_batches lists the {len(batches)} batches")
    with opened() as (night, engine, _settings):
        return {"run": night.start_run(engine, "inspections_nightly"), "batches": len(batches)}


@task(map_index_template="{{ task.op_kwargs['batch']['label'] }}")
def run_stage(stage: str, batch: dict[str, Any], so_far: dict[str, Any]) -> dict[str, Any]:
    """One stage on one batch; its counts join those of the stages before."""
    with opened() as (night, engine, settings):
        counts = night.BATCH_STAGES[stage](engine, settings, batch["contractor"], batch["nis"])
    return {**so_far, stage: counts}


@task_group
def work_through(batch: dict[str, Any], so_far: Any) -> Any:
    """One batch, stage by stage."""
    for stage in ("land", "read", "validate", "geocode", "match", "answer"):
        run_here = run_stage.override(task_id=stage, pool=pool_of(stage))
        so_far = run_here(stage=stage, batch=batch, so_far=so_far)
    return so_far


@task(outlets=[MATCHES], trigger_rule="none_failed_min_one_success")
def finish(started: dict[str, Any]) -> dict[str, Any]:
    """Record what the night changed, and say that there are matches to publish."""
    context = get_current_context()
    # by index: without, Airflow gives no list for a single batch
    done = context["ti"].xcom_pull(task_ids="work_through.answer", map_indexes=range(started["batches"]))
    with opened() as (night, engine, _settings):
        counts = night.total(done)
        night.finish_run(engine, started["run"], counts)
    context["outlet_events"][MATCHES].extra = {"as_of": context["params"]["as_of"]}
    return counts


@dag(
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="Europe/Brussels"),
    params={
        "contractors": names_param("Firms"),
        "gemeenten": names_param("NIS codes"),
        "as_of": as_of_param(),
        "dry_run": Param(False, type="boolean", description="Only list the batches and their files"),
    },
    tags=["hydrants", "inspections"],
    doc_md="""### Inspections of the night
Per firm and gemeente: land, read, validate, geocode, match, answer. Any task and any run may be repeated:
what was worked through before changes nothing. A file that cannot be used is refused and stops no other.""",
    **DAG_DEFAULTS,
)
def inspections_nightly() -> None:
    """find_batches >> start >> work_through, once per batch >> finish >> mail."""
    batches = find_batches()
    started = start(batches)
    work_through.partial(so_far=started).expand(batch=batches) >> finish(started) >> mail().as_teardown()


inspections_nightly()
