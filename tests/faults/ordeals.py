"""Nights that die, each at another place, and what the next night makes of it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from hydrants.settings import Settings
from tests.faults import children
from tests.faults.children import in_child
from tests.faults.watching import Boundary
from tests.faults.worlds import Told, World, readers, tell


class Cut(NamedTuple):
    """Where a night dies."""

    boundary: Boundary
    occurrence: int
    is_torn: bool = False

    def __str__(self) -> str:
        torn = ", its file half written" if self.is_torn else ""
        return f"{self.boundary}, occurrence {self.occurrence}{torn}"


class Ordeal(NamedTuple):
    """A night, what comes of it when nothing happens, and everything that it was seen to do on the way.

    Args:
        before: what readers see before it.
        told: what is so after it.
        seen: each boundary it came to, in order, and whether a file is renamed there.
    """

    world: World
    before: dict[str, Any]
    told: Told
    seen: list[tuple[Boundary, bool]]

    def boundaries(self) -> dict[Boundary, int]:
        """How often the night came to each."""
        return Counter(boundary for boundary, _ in self.seen)

    def cuts(self, which: Callable[[Boundary], bool], *, is_last_too: bool = False) -> list[Cut]:
        """The first time it does something, the last time too if asked for, and files left half written."""
        chosen = {boundary: count for boundary, count in self.boundaries().items() if which(boundary)}
        torn = [boundary for boundary, is_rename in dict.fromkeys(self.seen) if is_rename]
        return [
            *(Cut(boundary, 1) for boundary in chosen),
            *(Cut(boundary, 1, is_torn=True) for boundary in torn if boundary in chosen),
            *(Cut(boundary, count) for boundary, count in chosen.items() if is_last_too and count > 1),
        ]

    def undergo(self, folder: Path, cut: Cut) -> list[str]:
        """Die there in a copy of the world, run again, and say what is not as it should be."""
        with self.world.copied(folder) as settings:
            return [f"{cut}: {wrong}" for wrong in self._wrong(settings, cut)]

    def undergo_all(self, folder: Path, cuts: list[Cut]) -> list[str]:
        """One world for each of the cuts."""
        # processes, not threads: a process with threads must not fork
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            return [wrong for found in pool.map(partial(self.undergo, folder), cuts) for wrong in found]

    def _wrong(self, settings: Settings, cut: Cut) -> list[str]:
        died = in_child(children.killed_night, settings, self.world.now, self.world.on_empty_store, *cut)
        if died.code != -signal.SIGKILL:
            return [f"not reached, the night ended with {died.code}: {died.answer}"]
        _let_a_day_pass(settings)
        ended = in_child(self._again, settings)
        if ended.code != 0:
            return [f"the next night ended with {ended.code}: {ended.answer}"]
        between, told, is_idle = ended.answer
        wrong = self.wrong_between(between) + told.differences(self.told)
        if not is_idle:
            wrong.append("I4: one night more changes something")
        return wrong

    def _again(self, settings: Settings) -> tuple[dict[str, Any], Told, bool]:
        """What readers see meanwhile, what the next night makes of it, and whether a third one is idle."""
        between = readers(settings)
        children.one_night(settings, self.world.now, on_empty_store=self.world.on_empty_store)
        told = tell(settings)
        children.one_night(settings, self.world.now, on_empty_store=self.world.on_empty_store)
        return between, told, told == tell(settings)

    def wrong_between(self, seen: dict[str, Any]) -> list[str]:
        """What is neither as before the night nor as after it, of what readers see in between (I6)."""
        after = self.told.readers
        wrong = [
            f"I6: readers of the {view} see neither the old snapshot nor the new one"
            for view in ("store", "site")
            if seen[view] not in (self.before[view], after[view])
        ]
        return wrong + [
            f"I6: {name} is neither old nor new"
            for name, content in seen["beside"].items()
            if content not in (self.before["beside"].get(name), after["beside"].get(name))
        ]


def _let_a_day_pass(settings: Settings) -> None:
    """Make what was being written look as old as it is when the next night comes."""
    for path in settings.site.parent.rglob(".landing-*"):
        yesterday = path.stat().st_mtime - 90_000
        os.utime(path, (yesterday, yesterday))


def ordeal(world: World, folder: Path) -> Ordeal:
    """Run the night once without harm, watched."""
    settings = world.copy(folder / "unharmed")
    before = readers(settings)
    ended = in_child(children.recorded_night, settings, world.now, world.on_empty_store)
    assert ended.code == 0, ended.answer
    seen, modules = ended.answer
    for name in modules:  # so that no child has to
        with contextlib.suppress(ImportError):
            import_module(name)
    told = tell(settings)
    world.discard(settings)
    return Ordeal(world, before, told, seen)
