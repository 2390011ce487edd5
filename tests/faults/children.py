"""Work done in a process of its own, forked so that nothing is imported anew, and ended at will."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

from hydrants import night, store
from hydrants.settings import Settings
from hydrants.settings import settings as settings_of_process
from hydrants.store import stage_state
from tests.faults.story import AS_OF
from tests.faults.watching import Boundary, Watcher

_LONGEST_S = 240


class Ended(NamedTuple):
    """How a child ended: its exit code, or the negative number of the signal; and what it answered.

    One that failed answers how.
    """

    code: int
    answer: Any = None


def in_child(work: Callable[..., Any], *arguments: Any) -> Ended:
    """Fork, do the work there, and wait for it."""
    return all_at_once([partial(work, *arguments)])[0]


def all_at_once(works: Sequence[Callable[[], Any]]) -> list[Ended]:
    """Fork for each, let all begin together, and wait for them."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(works))
    children = []
    for work in works:
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_answer, args=(sender, barrier, work))
        child.start()
        sender.close()
        children.append((child, receiver))
    return [_ended(child, receiver) for child, receiver in children]


def _ended(child: ForkProcess, receiver: Connection) -> Ended:
    answer = None
    try:
        if receiver.poll(_LONGEST_S):
            with contextlib.suppress(EOFError):  # it was killed
                answer = receiver.recv()
    finally:
        child.join(10)
        if child.exitcode is None:
            child.kill()
            child.join()
        receiver.close()
    return Ended(child.exitcode if child.exitcode is not None else -signal.SIGKILL, answer)


def _answer(sender: Connection, barrier: Barrier, work: Callable[[], Any]) -> None:
    try:
        barrier.wait()
        answer = work()
    except BaseException:
        sender.send(traceback.format_exc())
        raise
    sender.send(answer)


def set_clock(now: datetime) -> None:
    """Let it be this moment in this process from now on."""
    for module in (store, stage_state):
        module.utc_now = lambda: now  # type: ignore[attr-defined]


def one_night(settings: Settings, now: datetime, *, on_empty_store: bool = False) -> dict[str, Any]:
    """A whole night at that moment, as the command line does it."""
    set_clock(now)
    if on_empty_store:
        with night.opened(settings) as engine:
            return night.whole_night(engine, settings, as_of=AS_OF)
    engine = store.create_engine(settings.database_url)
    try:
        return night.whole_night(engine, settings, as_of=AS_OF)
    finally:
        engine.dispose()


def night_as_tasks(settings: Settings, now: datetime) -> None:
    """A whole night as the DAGs do it: each task opens the store for itself."""
    set_clock(now)
    with night.opened(settings) as engine:
        night.prepare(engine, settings)
    with night.opened(settings) as engine:
        batches = night.batches(engine, settings)
        run_id = night.start_run(engine, "inspections_nightly")
    counts = []
    for contractor, nis in batches:
        so_far = {}
        for name, step in night.BATCH_STAGES.items():
            with night.opened(settings) as engine:
                so_far[name] = step(engine, settings, contractor, nis)
        counts.append(so_far)
    with night.opened(settings) as engine:
        night.finish_run(engine, run_id, night.total(counts))
    with night.opened(settings) as engine:
        published = night.publish(engine, settings, AS_OF)
    with night.opened(settings) as engine:
        night.plan(engine, settings, published["snapshot_id"])


def recorded_night(
    settings: Settings, now: datetime, on_empty_store: bool
) -> tuple[list[tuple[Boundary, bool]], list[str]]:
    """A whole night, watched.

    Returns:
        Every boundary in order, with whether it opens a file to write or renames one; and what was imported.
    """
    seen: list[tuple[Boundary, bool]] = []

    def see(boundary: Boundary, arguments: tuple[Any, ...]) -> None:
        is_rename = boundary.effect.startswith("rename") and os.path.isfile(arguments[0])  # noqa: PTH113
        # a temporary file without a name yet is told of by its folder
        is_write = boundary.effect.startswith("write") and not os.path.isdir(arguments[0])  # noqa: PTH112
        seen.append((boundary, is_rename or is_write))

    Watcher(settings.site.parent, see)
    one_night(settings, now, on_empty_store=on_empty_store)
    return seen, sorted(sys.modules)


def killed_night(
    settings: Settings,
    now: datetime,
    on_empty_store: bool,
    boundary: Boundary,
    occurrence: int,
    is_torn: bool,
) -> None:
    """A night that is killed when it comes to a boundary for the n-th time, from 1.

    Args:
        is_torn: the file that was to be renamed is left half written; the one that was just opened is empty.
    """
    met = 0

    def see(here: Boundary, arguments: tuple[Any, ...]) -> None:
        nonlocal met
        met += here == boundary
        if met == occurrence and here == boundary:
            if is_torn:
                with open(arguments[0], "ab") as torn:  # noqa: PTH123
                    torn.truncate(torn.tell() // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    Watcher(settings.site.parent, see)
    one_night(settings, now, on_empty_store=on_empty_store)


class Said(NamedTuple):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def command(settings: Settings, now: datetime, *arguments: str) -> Said:
    """The command line in this process, with these settings and at that moment."""
    from hydrants import cli

    set_clock(now)
    for name, value in environment_of(settings).items():
        os.environ[name] = value
    settings_of_process.cache_clear()
    sys.argv = ["hydrants", *arguments]
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
    return Said(code, out.getvalue(), err.getvalue())


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that make these settings."""
    paths = ("uploads", "registers", "landing", "photos", "site", "boundaries", "addresses")
    return {
        "HYDRANTS_DATABASE_URL": settings.database_url,
        **{f"HYDRANTS_{name.upper()}": str(getattr(settings, name)) for name in paths},
        "HYDRANTS_UPLOAD_STABLE_S": "0",
        "HYDRANTS_WORKERS": str(settings.workers),
    }
