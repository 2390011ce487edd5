"""Everything made again from LANDING alone, in a store that is empty: tables, figures, page and rounds.

UPLOADS, REGISTERS and the files of the settings may be gone: what they held is in LANDING. What was
published last is published again, as of the same day, and held against the journal.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import journal, night, reference, replay, store
from hydrants.errors import UnusableSetting
from hydrants.receipts import mail
from hydrants.reference import addresses
from hydrants.settings import Settings
from hydrants.store.files import sha256_of
from hydrants.store.tables import metadata, publication, snapshot
from hydrants.store.tables import run as run_log

_KIND = "rebuild"
_MADE_BY_MIGRATION = {"stage_state"}


class Rebuilt(NamedTuple):
    """What came of it.

    Args:
        events: how many were applied, by kind.
        counts: per stage, as a night has them, with `publish` and `plan`.
        put_back: files of the settings that were gone, and were put back from LANDING.
        published: the line of the journal on what was published last; None when nothing ever was.
        snapshot_id: what is published now.
        differences: in what the snapshot differs from what was published, for a person; none when it is
            the same one.
    """

    events: dict[str, int]
    counts: dict[str, Any]
    put_back: list[str]
    published: dict[str, Any] | None
    snapshot_id: int | None
    differences: list[str]


def run(
    engine: sa.Engine, settings: Settings, as_of: date | None = None, track: night.Track = night.untracked
) -> Rebuilt:
    """Make an empty store, and SITE and PHOTOS, from LANDING; or go on where a rebuild was cut short.

    Args:
        as_of: the day the figures speak of; default that of what was published last, else as a night.
        track: as in `night.whole_night`.

    Raises:
        UnusableSetting: when the store holds anything else, or LANDING has no journal.
        JournalDamaged: when LANDING lacks something that the journal speaks of.
        ReferenceMissing: when there are no boundaries, in no place.
    """
    _require_empty(engine)
    names = journal.all_names(settings.landing)
    if not names:
        raise UnusableSetting(
            f"there is no journal in {settings.landing}, so there is nothing to rebuild from: "
            "HYDRANTS_LANDING names the folder in which everything that came from outside is kept"
        )
    run_id = night.start_run(engine, _KIND)
    with store.write(engine) as connection:
        reference.sync(connection)
    events = replay.catch_up(engine, settings)
    put_back = _put_back(settings, names)
    addresses.read_again(engine, settings.landing)
    counts: dict[str, Any] = night.worked_through(
        engine, settings, night.batches(engine, settings), from_landing, track
    )
    mail.settle(engine)
    published = _published(engine)
    snapshot_id, differences = None, list[str]()
    if published is not None or as_of is not None:
        day = as_of or (published["as_of"] if published else None)
        counts["publish"] = night.publish(engine, settings, day)
        snapshot_id = counts["publish"]["snapshot_id"]
        counts["plan"] = night.plan(engine, settings, snapshot_id)
        differences = _differences(engine, settings, published, snapshot_id)
    night.finish_run(engine, run_id, counts)
    return Rebuilt(events, counts, put_back, published, snapshot_id, differences)


def from_landing(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> night.Counts:
    """One batch from LANDING on: UPLOADS is not looked at."""
    return {
        stage: {} if stage == "land" else step(engine, settings, contractor, nis)
        for stage, step in night.BATCH_STAGES.items()
    }


def _require_empty(engine: sa.Engine) -> None:
    """See that the store holds nothing, or only what a rebuild left that was cut short."""
    with store.read(engine) as connection:
        runs = connection.execute(sa.select(run_log.c.kind, run_log.c.finished_at)).all()
        if runs and all(kind == _KIND and finished_at is None for kind, finished_at in runs):
            return
        full = [
            table.name
            for table in metadata.sorted_tables
            if table.name not in _MADE_BY_MIGRATION
            and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
        ]
    if full:
        raise UnusableSetting(
            f"the store is not empty (there are rows in {', '.join(full)}), and nothing is overwritten: let "
            "HYDRANTS_DATABASE_URL name a new database, or a SQLite file that is not there yet"
        )


def _put_back(settings: Settings, names: list[str]) -> list[str]:
    """Lay files of the settings that are gone where they were, as they were when last published with."""
    found: list[str] = []
    published = [name for name in names if journal.kind_of(name) in ("published", "register")]
    for what, path in (("boundaries", settings.boundaries), ("deelgemeenten", settings.deelgemeenten)):
        if not path or path.is_file():
            continue
        bodies = (journal.read(settings.landing, name).body for name in reversed(published))
        files = next((body[what] for body in bodies if body.get(what)), None)
        if files is None:
            continue
        with journal.laid_out(settings.landing, files) as folder:
            found += _copied(folder, files, path)
    return found


def _copied(folder: Path, files: dict[str, str], path: Path) -> list[str]:
    """Copy kept files to where a setting names the first of them; the others are its parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    copied = []
    for number, name in enumerate(files):
        target = path if number == 0 else path.with_suffix(Path(name).suffix)
        target.write_bytes((folder / name).read_bytes())
        copied.append(str(target))
    return copied


def _published(engine: sa.Engine) -> dict[str, Any] | None:
    """What the journal says was published last, before anything is published here."""
    with store.read(engine) as connection:
        query = sa.select(publication).order_by(publication.c.snapshot_id.desc()).limit(1)
        row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _differences(
    engine: sa.Engine, settings: Settings, published: dict[str, Any] | None, snapshot_id: int
) -> list[str]:
    """In what the snapshot is not the one that was published last."""
    if published is None:
        return []
    with store.read(engine) as connection:
        row = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id))
        rebuilt = row.mappings().one()
        if rebuilt["fingerprint"] == published["fingerprint"]:
            return []
    differences = [
        f"snapshot {published['snapshot_id']} was published with fingerprint {published['fingerprint']}; "
        f"snapshot {snapshot_id}, rebuilt, has {rebuilt['fingerprint']}"
    ]
    for name in ("as_of", "campaign_start", "campaign_end"):
        if rebuilt[name] != published[name]:
            differences.append(f"{name} was {published[name]}, and is {rebuilt[name]}")
    body = journal.read(settings.landing, published["event"]).body
    for name in ("boundaries", "deelgemeenten"):
        path = getattr(settings, name)
        now = sha256_of(path) if path and path.is_file() else None
        then = next(iter(body[name].values()), None)
        if then is not None and now != then:
            differences.append(f"{name} were another file then: {journal.kept_path(settings.landing, then)}")
    if len(differences) == 1:
        differences.append(
            "day, campaign and boundaries are the same: another version of hydrants published it, or other "
            "settings, contracts or profiles were in force"
        )
    return differences
