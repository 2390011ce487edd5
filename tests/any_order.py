"""What a contractor's office does in any order, and what is to come of it: a model that knows no SQL."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from hypothesis import strategies as st

from hydrants import landing, reading, store, validation
from hydrants.settings import Settings
from tests.batches import ACCEPTED, BATCH, HEADING, HEADINGS, Settled, as_csv, good
from tests.valid_files import workbook

STAGES: dict[str, Callable[..., dict[str, int]]] = {
    "landing": landing.run,
    "reading": reading.run,
    "validation": validation.run,
}
_STATUS = "Toestand fiche"
_TITLES = [*HEADINGS, *([_STATUS] if _STATUS not in HEADINGS else [])]
_FIRST_ROW = 2
_FAREWELL_S = 20


class Said(NamedTuple):
    """What a row says of a record; `time` counts up with its revisions, 0 is none that is known."""

    ref: str
    time: int
    outcome: str
    is_withdrawn: bool = False

    @property
    def revised_at(self) -> str:
        """When it was revised, as written."""
        return f"2019-04-{self.time:02} 10:00" if self.time else ""

    @property
    def refusals(self) -> tuple[str, ...]:
        """The codes of why it is refused, if it is."""
        wrong = {
            "OUTCOME_UNKNOWN": self.outcome == "hm",
            "WITHDRAWN_UNNUMBERED": self.is_withdrawn and not self.ref,
        }
        return tuple(code for code, is_so in wrong.items() if is_so)


REFS = ("W-1", "W-2", "W-3")
SAID = st.builds(
    Said,
    st.sampled_from(["", *REFS]),
    st.integers(0, 3),
    st.sampled_from(["goedgekeurd", "afgekeurd", "niet gevonden", "hm"]),
    st.sampled_from([False, False, False, True]),
)


class Content(NamedTuple):
    """A file: what it says, and its bytes."""

    rows: tuple[Said, ...]
    data: bytes


def as_file(rows: tuple[Said, ...], suffix: str) -> Content:
    """The rows as a CSV or a workbook, headings in row 1."""
    texts = [
        good(1, Gewijzigd_op=said.revised_at, Resultaat=said.outcome)
        | {"Fiche": said.ref, _STATUS: "ingetrokken" if said.is_withdrawn else ""}
        for said in rows
    ]
    if suffix == "xlsx":
        return Content(rows, workbook(texts, titles=_TITLES))
    return Content(rows, as_csv(texts, above=(), headings=_TITLES))


def expected(folder: Mapping[str, Content]) -> dict[tuple[str, int], Settled]:
    """What is to become of every row, by file and row: straight from how it is told in words.

    A content goes by the first of its names. Of rows that say the same the first is accepted, the others
    are its duplicates. Of accepted rows about one record those that were revised last hold; when one of them
    withdraws the record, only those that do. The first of them stands above all that hold no more.
    """
    names: dict[bytes, str] = {}
    for name in sorted(folder):
        names.setdefault(folder[name].data, name)
    result: dict[tuple[str, int], Settled] = {}
    first: dict[Said, tuple[str, int]] = {}
    for name in sorted(names.values()):
        result[name, _FIRST_ROW - 1] = HEADING
        for number, said in enumerate(folder[name].rows, start=_FIRST_ROW):
            place = (name, number)
            if said.refusals:
                result[place] = Settled("quarantined", said.refusals, None, None)
            elif said in first:
                result[place] = Settled("duplicate", (), first[said], None)
            else:
                first[said] = place
                result[place] = ACCEPTED
    for ref in {said.ref for said in first} - {""}:
        versions = {said: place for said, place in first.items() if said.ref == ref}
        still = _still_said(versions)
        for said, place in versions.items():
            if said not in still:
                result[place] = ACCEPTED._replace(superseded_by=versions[still[0]])
    return result


def _still_said(versions: Iterable[Said]) -> list[Said]:
    """What holds of a record, of all that was said of it, in the same order."""
    said_of = list(versions)
    newest = [said for said in said_of if said.time == max(other.time for other in said_of)]
    return [said for said in newest if said.is_withdrawn] or newest


def holding(folder: Mapping[str, Content]) -> dict[str, set[tuple[str, bool]]]:
    """What holds of each record: outcomes, and whether it is withdrawn; several where rows contradict."""
    said_of: dict[str, list[Said]] = {}
    for content in folder.values():
        for said in content.rows:
            if said.ref and not said.refusals:
                said_of.setdefault(said.ref, []).append(said)
    return {
        ref: {(said.outcome, said.is_withdrawn) for said in _still_said(all_said)}
        for ref, all_said in said_of.items()
    }


def run_and_kill(settings: Settings, stage: str, steps: int) -> bool:
    """Run a stage in a process of its own that is killed, as by `kill -9`, after some steps in the store.

    Args:
        steps: statements and commits it may still do; each counts when it begins and when it is done.

    Returns:
        Whether it was killed; False when it was done before.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _until_killed(settings, stage, steps)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert is_killed or status == 0, "it was to be killed, or to end well"
    _await_no_readers(settings)
    return is_killed


def _await_no_readers(settings: Settings) -> None:
    """What reads a landed file ends with the process that started it."""
    deadline = time.monotonic() + _FAREWELL_S
    while readers := _readers(settings):
        assert time.monotonic() < deadline, f"left behind: {readers}"
        time.sleep(0.01)


def _readers(settings: Settings) -> list[str]:
    """Command lines of the processes that name a landed file."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended since it was listed
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if str(settings.landing) in command]


def _until_killed(settings: Settings, stage: str, steps: int) -> None:
    left = steps

    def step(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = store.create_engine(settings.database_url)
    for event in ("before_cursor_execute", "after_cursor_execute", "commit", "begin"):
        sa.event.listen(engine, event, step)
    STAGES[stage](engine, settings, *BATCH)
