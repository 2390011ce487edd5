"""Nights that die, each at another place, and what the next night makes of it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
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
        seen: each boundary it came to, in order, and whether a file is opened to be written or renamed there.
    """

    world: World
    before: dict[str, Any]
    told: Told
    seen: list[tuple[Boundary, bool]]

    def boundaries(self) -> dict[Boundary, int]:
        """How often the night came to each."""
        return Counter(boundary for boundary, _ in self.seen)

    def cuts(self, which: Callable[[Boundary], bool], *, is_last_too: bool = False) -> list[Cut]:
        """The first time it does something, files left half written, and the last time too if asked for."""
        chosen = {boundary: count for boundary, count in self.boundaries().items() if which(boundary)}
        torn = {boundary for boundary, is_of_file in self.seen if is_of_file}
        firsts = (
            Cut(boundary, 1, is_torn)
            for boundary in chosen
            for is_torn in ((False, True) if boundary in torn else (False,))
        )
        lasts = (Cut(boundary, count) for boundary, count in chosen.items() if is_last_too and count > 1)
        return [*firsts, *lasts]

    def undergo(self, folder: Path, cuts: list[Cut], worlds: int) -> list[str]:
        """Die at each of these, run again, and say what is not as it should be.

        Args:
            cuts: in the order in which a night comes to them.
            worlds: among how many copies of the world they are dealt out, one after the other in each; as
                many as there are cuts says of each what comes of it alone, and takes several times as long.
        """
        shares = [cuts[first::worlds] for first in range(worlds)]
        # processes, not threads: a process with threads must not fork
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
            return [wrong for found in pool.map(partial(self._in_turn, folder), shares) for wrong in found]

    def _in_turn(self, folder: Path, cuts: list[Cut]) -> list[str]:
        """Nights that die one after the other in one world, each going on where the one before it died.

        When one ends well, since what it was to die at is done already, the others die in another world.
        """
        left, wrong = deque(cuts), list[str]()
        while left:
            with self.world.copied(folder) as settings:
                died_at: list[Cut] = []
                while left:
                    died = in_child(children.killed_night, settings, *self._when, *left[0])
                    if died.code == 0 and died_at:
                        break  # what it was to die at was done before the one before it died
                    cut = left.popleft()
                    if died.code != -signal.SIGKILL:
                        wrong.append(f"{cut}: not reached, the night ended with {died.code}: {died.answer}")
                        break
                    died_at.append(cut)
                    wrong += [f"{cut}: {line}" for line in self.wrong_between(readers(settings))]
                    _let_a_day_pass(settings)
                wrong += [f"after {_several(died_at)}: {line}" for line in self._wrong_after(settings)]
        return wrong

    @property
    def _when(self) -> tuple[datetime, bool]:
        return self.world.now, self.world.on_empty_store

    def _wrong_after(self, settings: Settings) -> list[str]:
        ended = in_child(self._again, settings)
        if ended.code != 0:
            return [f"the next night ended with {ended.code}: {ended.answer}"]
        told, is_idle = ended.answer
        return told.differences(self.told) + ([] if is_idle else ["I4: one night more changes something"])

    def _again(self, settings: Settings) -> tuple[Told, bool]:
        """What the next night makes of it, and whether one more is idle."""
        one_night = partial(
            children.one_night, settings, self.world.now, on_empty_store=self.world.on_empty_store
        )
        one_night()
        told = tell(settings)
        one_night()
        return told, told == tell(settings)

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


def _several(cuts: list[Cut]) -> str:
    return f"{len(cuts)} nights that died, from {cuts[0]} to {cuts[-1]}" if cuts else "no night that died"


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
