"""Take up new register exports, addresses and reference rows."""

from typing import Any

from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.assets import DAG_DEFAULTS, REGISTER, opened


@task
def refresh() -> dict[str, Any]:
    """Take up what is new; each export as a whole."""
    with opened() as (night, engine, settings):
        counts: dict[str, Any] = night.prepare(engine, settings)
    return counts


@task(outlets=[REGISTER])
def announce(counts: dict[str, Any]) -> None:
    """Say that there is a new register version to publish; skipped when there is none."""
    if not counts["registers"]:
        raise AirflowSkipException("no new register export")


@dag(
    schedule=CronDataIntervalTimetable("0 1 * * *", timezone="Europe/Brussels"),
    tags=["hydrants", "register"],
    doc_md="""
### Registers of the water companies
Takes up what lies in `HYDRANTS_REGISTERS/<operator>/`, the address file and the reference CSV files. An
export that was taken up before changes nothing. A hydrant that an export no longer names is removed only
within the gemeenten that the export declares to cover. Runs an hour before the inspections, whose
records are matched with the newest register.
""",
    **DAG_DEFAULTS,
)
def register_refresh() -> None:
    """refresh >> announce."""
    announce(refresh())


register_refresh()
