"""What the DAGs share: the assets that link them, how a task behaves, and the way to the package."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, Param, get_current_context

REGISTER = Asset("hydrants_register")
"""The registers were taken up: there may be other hydrants to match with and to count."""

MATCHES = Asset("hydrants_matches")
"""A night's records are matched; an event's extra holds the `as_of` that was asked for."""

SNAPSHOT = Asset("hydrants_snapshot")
"""A snapshot is published; an event's extra holds its `snapshot_id`."""

STORE_POOL = "hydrants_store"
"""Writers into the store take turns here; scripts/airflow_setup.py says how many at a time."""

GEOCODER_POOL = "hydrants_geocoder"
"""Who asks an address service on the internet waits for it here, and holds up no writer."""

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": datetime(2019, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": "hydrants",
        "pool": STORE_POOL,
        "retries": 2,  # the first after core.default_task_retry_delay
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=30),
        "execution_timeout": timedelta(hours=1),
    },
}


def as_of_param() -> Param:
    """A new one for each DAG: Airflow writes the values of a run into its DAG's own."""
    about = "The day the figures speak of; empty: today, at most the last day of the campaign"
    return Param(None, type=["null", "string"], format="date", description=about)


def names_param(what: str) -> Param:
    """Any number of names."""
    return Param([], type="array", items={"type": "string"}, description=f"{what}; none: all")


def pool_of(stage: str) -> str:
    """Where a stage's tasks take turns: who asks an address service does so apart, but not on SQLite."""
    from hydrants.settings import geocodes_apart

    return GEOCODER_POOL if stage == "geocode" and geocodes_apart() else STORE_POOL


@contextmanager
def opened() -> Iterator[tuple[Any, Any, Any]]:
    """The night's steps, an engine on the store, and the settings: imported when a task runs, not before."""
    from hydrants import night
    from hydrants.settings import settings

    with night.opened(settings()) as engine:
        yield night, engine, settings()


def asked(name: str, asset: Asset) -> Any:
    """What this run is asked for: its own parameter, else what the newest event that triggered it says."""
    context = get_current_context()
    events = context["triggering_asset_events"].get(asset, [])
    newest = max(events, key=lambda event: event.timestamp).extra if events else {}
    return context["params"][name] or newest.get(name)
