"""One night's work, step by step: what the DAGs and `hydrants night` both call.

Each step takes an engine and the settings and returns counts of what changed.
Importing this module is cheap; a stage is imported when its step runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from hydrants import reference, store, workers
from hydrants.errors import RegisterRejected
from hydrants.settings import Settings
from hydrants.store.tables import finding, run, upload

_log = logging.getLogger(__name__)

BatchStep = Callable[[sa.Engine, Settings, str, str], dict[str, int]]

Batch = tuple[str, str]
Counts = dict[str, dict[str, int]]
Track = Callable[[Iterable[Counts], int], Iterable[Counts]]


def untracked(done: Iterable[Counts], _total: int) -> Iterable[Counts]:
    """Show nobody how far it is."""
    return done


def _step(module: str) -> BatchStep:
    def step(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
        with store.in_bulk():
            counts: dict[str, int] = import_module(f"hydrants.{module}").run(
                engine, settings, contractor, nis
            )
        return counts

    return step


def _answer(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Write the batch's receipts; a folder that takes none does not hold back the figures."""
    from xlsxwriter.exceptions import XlsxWriterException

    try:
        return _step("receipts")(engine, settings, contractor, nis)
    except (OSError, XlsxWriterException) as error:
        _log.error("no receipts for %s %s, to be written the next night: %s", contractor, nis, error)
        return {"batches_unanswered": 1}


BATCH_STAGES: dict[str, BatchStep] = {
    "land": _step("landing"),
    "read": _step("reading"),
    "validate": _step("validation"),
    "geocode": _step("geocoding"),
    "match": _step("matching"),
    "answer": _answer,
}
"""Task name -> what it does to one batch (contractor x gemeente), in the order of the flow."""


@contextmanager
def opened(settings: Settings) -> Iterator[sa.Engine]:
    """An engine on the configured store, its schema up to date."""
    engine = store.create_engine(settings.database_url)
    try:
        store.migrate(engine)
        yield engine
    finally:
        engine.dispose()


def prepare(engine: sa.Engine, settings: Settings) -> dict[str, Any]:
    """Bring reference rows, addresses and registers up to date; a no-op when nothing is new.

    What the journal tells and the store does not know, after a crash or a restore, is applied first.
    """
    from hydrants import register, replay
    from hydrants.reference import addresses

    with store.write(engine, turn="reference") as connection:
        reference.sync(connection)
    replay.catch_up(engine, settings)
    loaded = addresses.load(engine, settings.landing, settings.addresses)
    return {"addresses": loaded, "registers": register.refresh(engine, settings)}


def batches(
    engine: sa.Engine,
    settings: Settings,
    contractors: list[str] | None = None,
    gemeenten: list[str] | None = None,
) -> list[Batch]:
    """The batches to work on: (contractor, nis), those asked for or all that have uploads."""
    from hydrants import landing

    return [
        (contractor, nis)
        for contractor, nis in landing.batches(engine, settings)
        if (not contractors or contractor in contractors) and (not gemeenten or nis in gemeenten)
    ]


def described(
    engine: sa.Engine,
    settings: Settings,
    contractors: list[str] | None = None,
    gemeenten: list[str] | None = None,
) -> list[dict[str, Any]]:
    """The batches as people know them: contractor, nis, a label with both names, and their files now."""
    return [
        {
            "contractor": contractor,
            "nis": nis,
            "label": f"{contractor} {reference.gemeenten()[nis].name_nl}",
            "files": sorted(path.name for path in (settings.uploads / contractor / nis).glob("*")),
        }
        for contractor, nis in batches(engine, settings, contractors, gemeenten)
    ]


def left_aside(engine: sa.Engine, settings: Settings) -> dict[str, Any]:
    """What was delivered but not worked through, for somebody to act on.

    Returns:
        refused_files: file and reason (Dutch) of every upload that was refused as a whole;
        amiss: file and what is wrong with its positions as a whole (Dutch): none of its rows is linked;
        unread: what lies in UPLOADS and is not landed, see `landing.unread`.
    """
    from hydrants import landing
    from hydrants.reference.amiss import amiss_nl

    name = upload.c.contractor + "/" + upload.c.nis + "/" + upload.c.file_name
    refused = (
        sa.select(name.label("file"), upload.c.rejected_because.label("reason"))
        .where(upload.c.rejected_because.is_not(None))
        .order_by(name)
    )
    with store.read(engine) as connection:
        files = [dict(row) for row in connection.execute(refused).mappings()]
        wrong = connection.execute(
            sa.select(finding, name.label("file"), upload.c.nis)
            .join(upload, upload.c.upload_id == finding.c.upload_id)
            .order_by(name)
        ).all()
    gemeenten = reference.gemeenten()
    amiss = [
        {
            "file": row.file,
            "what": amiss_nl(row.what, gemeenten[row.nis].name_nl, row.share, row.east_m, row.north_m),
        }
        for row in wrong
    ]
    return {"refused_files": files, "amiss": amiss, "unread": landing.unread(settings)}


def all_stages(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> Counts:
    """One batch, stage by stage; what each changed."""
    return {name: step(engine, settings, contractor, nis) for name, step in BATCH_STAGES.items()}


def worked_through(
    engine: sa.Engine,
    settings: Settings,
    work: list[Batch],
    stages: Callable[[sa.Engine, Settings, str, str], Counts],
    track: Track = untracked,
) -> Counts:
    """Batches worked through side by side; what each stage changed in all of them.

    Args:
        stages: works through one batch; a function of a module.
        track: as in `whole_night`.
    """
    done = workers.side_by_side(engine, settings, stages, work, workers.count(settings))
    return total(track(done, len(work)))


def _largest_first(settings: Settings, work: list[Batch]) -> list[Batch]:
    """Batches by the size of their files, so that no worker ends the night alone with the largest."""

    def size_bytes(batch: Batch) -> int:
        files = settings.uploads.joinpath(*batch).glob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    return sorted(work, key=size_bytes, reverse=True)


def total(batch_counts: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Counts per stage, summed over batches that have counts per stage; other keys are left out."""
    totals: dict[str, dict[str, int]] = {stage: {} for stage in BATCH_STAGES}
    for counts in batch_counts:
        for stage, summed in totals.items():
            for key, count in counts[stage].items():
                summed[key] = summed.get(key, 0) + count
    return totals


def mails(engine: sa.Engine, settings: Settings) -> list[Any]:
    """One mail for each firm that has receipts to get, with `to`, `subject`, `html` and `files`."""
    from hydrants.receipts import mail

    return list(mail.unsent(engine, settings))


def mailed(engine: sa.Engine, letter: Any) -> None:
    """Remember that one of the `mails` was sent; what is not remembered goes with the next night."""
    from hydrants.receipts import mail

    mail.mark_sent(engine, letter)


def publish(engine: sa.Engine, settings: Settings, as_of: date | None = None) -> dict[str, Any]:
    """Publish the state of the figures on `as_of`; counts include the `snapshot_id`.

    A batch that was matched with an older register, contract or decision is matched again first, so that
    all figures rest on the same.
    """
    from hydrants import publishing

    for contractor, nis in batches(engine, settings):
        BATCH_STAGES["match"](engine, settings, contractor, nis)
    return publishing.run(engine, settings, as_of)


def plan(engine: sa.Engine, settings: Settings, snapshot_id: int | None = None) -> dict[str, int]:
    """Order the remaining hydrants of a snapshot (the current one) for the crews."""
    from hydrants import planning

    return planning.run(engine, settings, snapshot_id)


def start_run(engine: sa.Engine, kind: str) -> int:
    """Record that a run of this kind starts; returns its run_id."""
    with store.write(engine) as connection:
        started = sa.insert(run).values(kind=kind, started_at=store.utc_now()).returning(run.c.run_id)
        return int(connection.execute(started).scalar_one())


def finish_run(engine: sa.Engine, run_id: int, counts: dict[str, Any]) -> None:
    """Record that a run ended well, and what it changed."""
    with store.write(engine) as connection:
        connection.execute(
            sa.update(run).where(run.c.run_id == run_id).values(finished_at=store.utc_now(), counts=counts)
        )


def whole_night(
    engine: sa.Engine,
    settings: Settings,
    *,
    contractors: list[str] | None = None,
    gemeenten: list[str] | None = None,
    as_of: date | None = None,
    track: Track = untracked,
) -> dict[str, Any]:
    """Every step, from the registers to the plan; recorded as a run.

    Args:
        track: wraps what each batch changed and how many batches there are, to show how far it is.

    Returns:
        What changed, per stage, the `snapshot_id` that is current now, `problems` (registers that could not
        be used, receipts that could not be written), and what `left_aside` tells.
    """
    run_id = start_run(engine, "night")
    counts: dict[str, Any] = {}
    problems: list[str] = []
    try:
        counts |= prepare(engine, settings)
    except RegisterRejected as error:  # the crews' files can be worked with the register of yesterday
        problems.append(str(error))
    work = _largest_first(settings, batches(engine, settings, contractors, gemeenten))
    counts |= worked_through(engine, settings, work, all_stages, track)
    if unanswered := counts["answer"].get("batches_unanswered"):
        problems.append(f"no receipts could be written for {unanswered} batches: see the log")
    counts["publish"] = publish(engine, settings, as_of)
    counts["plan"] = plan(engine, settings, counts["publish"]["snapshot_id"])
    counts |= {"problems": problems, **left_aside(engine, settings)}
    finish_run(engine, run_id, counts)
    return {"run_id": run_id, "snapshot_id": counts["publish"]["snapshot_id"], **counts}
