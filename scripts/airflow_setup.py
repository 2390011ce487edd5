"""Prepare Airflow: its own tables, and the pools in which tasks take turns at the store and at a service.

Run as a program where Airflow is configured already, as in docker-compose.yml. The demo and the tests call
`configure_embedded` and `prepare`, and need no server and no network.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POOL = "hydrants_store"
WRITERS_ON_POSTGRESQL = 8
GEOCODER_POOL = "hydrants_geocoder"
GEOCODERS = 1
"""Questions per second are counted right when one asks at a time."""


def configure_embedded(home: Path) -> None:
    """Make this process an Airflow that lives in one directory; to be called before its first import."""
    os.environ.update(
        AIRFLOW_HOME=str(home.resolve()),
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY="1",
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
        AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
    )
    import airflow  # noqa: F401  it sets filters of its own, which ours are to precede

    # what Airflow's own dependencies plan to drop is of no use to a reader of the log
    warnings.filterwarnings("ignore", module=r"airflow\.|fastapi\.|pathspec\.|starlette\.")


def writers(database_url: str) -> int:
    """How many tasks may write into the store at a time: SQLite has one writer."""
    if database_url.startswith("sqlite"):
        return 1
    return int(os.environ.get("HYDRANTS_WRITERS", WRITERS_ON_POSTGRESQL))


def prepare(database_url: str) -> None:
    """Bring Airflow's tables up to date and set the pools; harmless when repeated."""
    from airflow.models.pool import Pool
    from airflow.utils import db

    db.upgradedb()
    Pool.create_or_update_pool(
        POOL,
        slots=writers(database_url),
        description="Tasks that write into the store of hydrants at the same time",
        include_deferred=False,
    )
    Pool.create_or_update_pool(
        GEOCODER_POOL,
        slots=GEOCODERS,
        description="Tasks that ask an address service on the internet, where one is configured",
        include_deferred=False,
    )


def main() -> None:
    """Prepare Airflow, and the store as well, before several workers come to it at once."""
    from hydrants import night, reference, store
    from hydrants.settings import settings

    prepare(settings().database_url)
    with night.opened(settings()) as engine, store.write(engine) as connection:
        reference.sync(connection)


if __name__ == "__main__":
    main()
