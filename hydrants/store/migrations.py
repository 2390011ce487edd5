"""Which revision the schema is at, and bringing it to another, as one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from hydrants.errors import UnusableSetting
from hydrants.store.engine import SQL_DIR, write

if TYPE_CHECKING:
    from alembic.config import Config

NONE = "base"
"""The revision before the first: no tables at all."""


def revision(engine: sa.Engine) -> str | None:
    """The revision that the schema is at; None where there is no schema yet."""
    from alembic.migration import MigrationContext  # lazy: most commands find the schema in place

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: sa.Engine, to: str = "head") -> None:
    """Bring the schema up or down to a revision; a no-op when it is there already.

    One transaction: whoever comes second waits and finds it done, and a crash leaves what was there.

    Raises:
        UnusableSetting: when this version of hydrants does not know the revision asked for, or that of
            the store.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config()
    scripts = ScriptDirectory.from_config(config)
    # the newest last, counted from no schema at all
    known = [NONE, *(script.revision for script in reversed(list(scripts.walk_revisions())))]
    wanted = known[-1] if to == "head" else to
    if wanted not in known:
        raise UnusableSetting(f"there is no revision {to!r}; there are {', '.join(known)}")
    if _place(known, revision(engine)) == known.index(wanted):
        return
    with write(engine, turn="migrate") as connection:
        from alembic.migration import MigrationContext

        current = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        change = command.upgrade if _place(known, current) <= known.index(wanted) else command.downgrade
        change(config, wanted)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SQL_DIR / "migrations"))
    return config


def _place(known: list[str], current: str | None) -> int:
    name = current or NONE
    if name not in known:
        raise UnusableSetting(
            f"the store is at revision {name}, which this version of hydrants does not know: a newer one "
            "made it. Use that one, or let it bring the store down first: hydrants migrate --to REVISION"
        )
    return known.index(name)
