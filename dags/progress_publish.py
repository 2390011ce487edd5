"""Publish the progress of the campaign as one snapshot."""

from datetime import date
from typing import Any

from airflow.sdk import dag, get_current_context, task

from dags.assets import DAG_DEFAULTS, MATCHES, REGISTER, SNAPSHOT, as_of_param, asked, opened


@task(outlets=[SNAPSHOT])
def publish() -> dict[str, Any]:
    """Tables, workbooks, map and page; readers see the old snapshot until the whole new one is there."""
    as_of = asked("as_of", MATCHES)
    with opened() as (night, engine, settings):
        counts: dict[str, Any] = night.publish(engine, settings, as_of and date.fromisoformat(as_of))
    get_current_context()["outlet_events"][SNAPSHOT].extra = {"snapshot_id": counts["snapshot_id"]}
    return counts


@dag(
    schedule=MATCHES | REGISTER,
    params={"as_of": as_of_param()},
    tags=["hydrants", "publishing"],
    doc_md="""### Progress of the campaign
Runs when a night's records are matched or the registers were taken up; by hand with `as_of` for another
day. A snapshot never changes once published, and a state equal to the last one is not published again.
""",
    **DAG_DEFAULTS,
)
def progress_publish() -> None:
    """One task: the pointer to the snapshot moves last, so a repeat is harmless."""
    publish()


progress_publish()
