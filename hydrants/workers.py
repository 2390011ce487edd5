"""Independent pieces of work side by side, in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa

from hydrants import store
from hydrants.settings import Settings

Result = TypeVar("Result")
Work = Callable[..., Result]
"""A function of a module, called with an engine, the settings, and the piece's own arguments."""

_here: tuple[sa.Engine, Settings]
"""Of a worker: its own engine, and the settings."""


def count(settings: Settings) -> int:
    """How many pieces are worked on at a time.

    SQLite has one writer: there, batches would only wait for each other.
    """
    if settings.workers:
        return settings.workers
    return 1 if settings.database_url.startswith("sqlite") else os.cpu_count() or 1


def side_by_side(
    engine: sa.Engine, settings: Settings, work: Work[Result], pieces: Iterable[tuple[Any, ...]], workers: int
) -> Iterator[Result]:
    """The results of `work`, in the order of its pieces; in this process where one worker is enough.

    Raises:
        What a piece raises; those not yet begun are left then.
    """
    pieces = list(pieces)
    workers = min(workers, len(pieces))
    if workers <= 1:
        yield from (work(engine, settings, *piece) for piece in pieces)
        return
    apart = multiprocessing.get_context("spawn")  # a fork would share the connections of this process
    with ProcessPoolExecutor(workers, apart, _begin, (settings,)) as pool:
        futures = [pool.submit(_work, work, piece) for piece in pieces]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def apart(engine: sa.Engine, settings: Settings, work: Work[Result], *piece: Any) -> Result:
    """The result of `work`, in a process that ends with it where a night has several.

    For what takes much memory once: a process keeps what it ever had.
    """
    if count(settings) == 1:
        return work(engine, settings, *piece)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (settings,)) as pool:
        return pool.submit(_work, work, piece).result()


def _begin(settings: Settings) -> None:
    global _here
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here = store.create_engine(settings.database_url), settings


def _end_with_parent() -> None:
    """A worker whose night was killed would wait for work for ever, with its locks."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _work(work: Work[Result], piece: tuple[Any, ...]) -> Result:
    return work(*_here, *piece)
