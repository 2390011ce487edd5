"""Everything that a night does to the world outside its process, as it happens, in order.

Nothing in the package is prepared for this. What is seen: files and folders made, renamed, removed or given
other rights below the folders of a test, processes started, statements that change or lock rows, and
commits. Each such effect is a boundary: a process that dies there has done all before it and nothing of it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from hydrants import night

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FILES: dict[str, tuple[int, ...]] = {
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.chmod": (0,),
    "os.truncate": (0,),
    "os.utime": (0,),
}
"""Audit event -> which of its arguments are paths that it changes."""

_CHANGES = re.compile(
    r"\s*(?:WITH\b.*?\)\s*)?"
    r"(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY|TRUNCATE|CREATE|DROP|ALTER)\s+"
    r"(?:TEMP(?:ORARY)? |UNLOGGED |TABLE |IF NOT EXISTS |IF EXISTS |ONLY )*\"?(\w+)",
    re.IGNORECASE | re.DOTALL,
)
_READING = re.compile(
    r"(?:\s|--[^\n]*\n)*"
    r"(?:;|(?:SELECT|PRAGMA|SHOW|SET|BEGIN|ROLLBACK|SAVEPOINT|RELEASE|ANALYZE|LOCK)\b"
    r"|WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE|MERGE)\b)"
    r"|COPY \(SELECT\b(?!.*\b(?:INSERT|UPDATE|DELETE|MERGE)\b))",
    re.IGNORECASE | re.DOTALL,
)
"""Statements that leave no trace, `;` is a knock on the door. What is not known to leave none leaves one."""

_LASTING = re.compile("commit|after the commit|start a process|[a-z]+ (landing|photos|site)/")
STEPS = ("prepare", "publish", "plan", "start_run", "finish_run")
"""What a night does beside the stages of its batches; functions of `hydrants.night`."""


class Boundary(NamedTuple):
    """Where a night can be cut: the step it was in, what it was about to do, and which function did so."""

    step: str
    effect: str
    function: str

    @property
    def is_statement(self) -> bool:
        """Whether it is a statement of a transaction, which ends with the process unless it is committed."""
        return not _LASTING.match(self.effect)

    def __str__(self) -> str:
        return f"{self.step}: {self.effect} by {self.function}"


class Watcher:
    """Calls `see` with each boundary that this process comes to; lasts as long as the process."""

    def __init__(self, folder: Path, see: Callable[[Boundary, tuple[Any, ...]], None]) -> None:
        """Begin to watch.

        Args:
            folder: only files below it count.
            see: called before each effect, and after each commit, with the boundary and its raw arguments.
        """
        self._folder = os.fspath(folder) + os.sep
        self._see = see
        self._step = "between"
        self._is_busy = False
        self._changed: set[int] = set()
        self._watch_steps()
        self._watch_store()
        sys.addaudithook(self._on_audit)

    def _within(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            outer, self._step = self._step, step if self._step == "between" else self._step
            try:
                return function(*arguments, **options)
            finally:
                self._step = outer

        return watched

    def _watch_steps(self) -> None:
        for name, step in night.BATCH_STAGES.items():
            night.BATCH_STAGES[name] = self._within(name, step)
        for name in STEPS:
            setattr(night, name, self._within(name, getattr(night, name)))

    def _watch_store(self) -> None:
        commit, copy, execute = DefaultDialect.do_commit, psycopg.Cursor.copy, psycopg.Cursor.execute

        def do_commit(dialect: Any, connection: Any) -> None:
            driver = getattr(connection, "driver_connection", connection)
            has_changed = id(driver) in self._changed
            self._changed.discard(id(driver))
            if has_changed:
                self._tell("commit")
            commit(dialect, connection)
            if has_changed:
                self._tell("after the commit")

        def do_copy(cursor: Any, statement: Any, *arguments: Any, **options: Any) -> Any:
            self._tell_statement(cursor, str(statement))
            return copy(cursor, statement, *arguments, **options)

        def do_execute(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            self._tell_statement(cursor, str(query))
            return execute(cursor, query, *arguments, **options)

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
        psycopg.Cursor.copy = do_copy  # type: ignore[method-assign,assignment]
        psycopg.Cursor.execute = do_execute  # type: ignore[method-assign,assignment]

        @sa.event.listens_for(sa.Engine, "before_cursor_execute")
        def _on_statement(connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
            if connection.dialect.name == "sqlite":  # psycopg is listened to itself: it hears of every way
                self._tell_statement(cursor, statement)

    def _tell_statement(self, cursor: Any, statement: str) -> None:
        if _READING.match(statement):
            return
        self._changed.add(id(cursor.connection))
        found = _CHANGES.match(statement)
        self._tell(f"{found[1].upper()} {found[2].lower()}" if found else " ".join(statement.split()[:3]))

    def _on_audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_busy:
            return
        if event == "open":
            path, mode, flags = arguments
            is_writing = any(letter in mode for letter in "wax+") if mode else bool((flags or 0) & _WRITING)
            if is_writing and (below := self._below(path)):
                self._tell(f"write {below}", arguments)
        elif event in _FILES:
            below = next(filter(None, (self._below(arguments[position]) for position in _FILES[event])), None)
            if below:
                self._tell(f"{event.removeprefix('os.')} {below}", arguments)
        elif event == "subprocess.Popen":
            self._tell("start a process")

    def _below(self, path: Any) -> str | None:
        """What kind of file it is: the first folder, and the suffix; None when it lies elsewhere.

        Those that stand in the first folder itself are what readers come in by: each is a kind of its own.
        """
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        text = os.fsdecode(path)
        if not text.startswith(self._folder):
            return None
        first, *rest = Path(text.removeprefix(self._folder)).parts
        name = rest[-1] if rest else first
        if len(rest) == 1 and name.endswith(".tmp"):
            return f"{first}/{re.sub('[0-9a-f]{6,}|[0-9]+', '*', name)}"
        suffix = name.rpartition(".")[2] if "." in name and len(name) < 60 else ""
        return f"{first}/*{'.' if suffix else ''}{re.sub('[0-9a-f]{6,}|[0-9]+|-.*', '', suffix)}"

    def _tell(self, effect: str, arguments: tuple[Any, ...] = ()) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        try:
            function = _function(sys._getframe(1))
            self._see(Boundary(self._step, effect, function), arguments)
        finally:
            self._is_busy = False


def _function(frame: FrameType | None) -> str:
    """The innermost function of the package, of those outside the store if there is one."""
    in_store = None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("hydrants."):
            name = f"{module.removeprefix('hydrants.')}.{frame.f_code.co_qualname}"
            if not module.startswith("hydrants.store"):
                return name
            in_store = in_store or name
        frame = frame.f_back
    return in_store or "nobody of the package"
