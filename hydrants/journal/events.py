"""Events as files: LANDING/journal/<year>-<month>/<moment>-<kind>-<start of a hash>.json."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from hydrants.errors import HydrantsError
from hydrants.store.files import put

_FOLDER = "journal"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-([a-z]+)-([0-9a-f]{12})")
_MONTH = re.compile(r"\d{4}-\d{2}")
_MOMENT = "%Y%m%dT%H%M%S.%fZ"


class JournalDamaged(HydrantsError):
    """A file of the journal does not say any more what it said, or says what this version cannot apply."""


class Event(NamedTuple):
    """What came from outside.

    Args:
        name: moment, kind and hash; events are in the order of their names.
        body: what it says, as it stands in the file.
    """

    name: str
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """What sort of event it is; decides what applies it."""
        return kind_of(self.name)

    @property
    def moment(self) -> datetime:
        """Its place in the order, UTC: the time of the clock, unless the clock ran backwards."""
        return moment_of(self.name)

    @property
    def at(self) -> datetime:
        """What the clock said, UTC."""
        return as_moment(self.body["at"])


def as_text(moment: datetime) -> str:
    """A moment as it stands in an event, in UTC; one without a zone is taken to be UTC."""
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite keeps no zone
    return zoned.astimezone(UTC).isoformat(timespec="microseconds")


def as_moment(text: str) -> datetime:
    """The moment that a text of `as_text` says."""
    return datetime.fromisoformat(text)


def kind_of(name: str) -> str:
    """The kind that an event's name states."""
    return _parsed(name)[2]


def moment_of(name: str) -> datetime:
    """The moment that an event's name states, UTC."""
    return datetime.strptime(_parsed(name)[1], _MOMENT).replace(tzinfo=UTC)


def month_of(name: str) -> str:
    """The month an event lies under, such as 2019-03."""
    return f"{name[:4]}-{name[4:6]}"


def names_from(month: str) -> str:
    """A text that no name of this month or a later one sorts before, and each of an earlier one does."""
    return month.replace("-", "")


def composed(kind: str, body: dict[str, Any], moment: datetime) -> tuple[Event, bytes]:
    """The event and the bytes of its file."""
    content = orjson.dumps({"kind": kind, **body}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    name = f"{moment.astimezone(UTC):{_MOMENT}}-{kind}-{hashlib.sha256(content).hexdigest()[:12]}"
    return Event(name, body), content


def write(landing: Path, event: Event, content: bytes) -> None:
    """Put the event's file on disk, whole, or not at all; the same event again changes nothing."""
    path = path_of(landing, event.name)
    if not path.exists():
        put(path, [content], hashlib.sha256(content).hexdigest())


def read(landing: Path, name: str) -> Event:
    """Read an event.

    Raises:
        JournalDamaged: when the file's bytes are not those that were written.
    """
    path = path_of(landing, name)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:12] != _parsed(name)[3]:
        raise JournalDamaged(f"{path} was changed or damaged: put it back from a backup of LANDING")
    body = orjson.loads(content)
    del body["kind"]
    return Event(name, body)


def path_of(landing: Path, name: str) -> Path:
    """Where an event lies, whether or not it is there."""
    return landing / _FOLDER / month_of(name) / f"{name}.json"


def months(landing: Path) -> list[str]:
    """The months that have events, in order."""
    folder = landing / _FOLDER
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if _MONTH.fullmatch(path.name))


def names(landing: Path, month: str) -> list[str]:
    """The events of a month, in order; a file that is being written has no such name yet."""
    found = (path.name.removesuffix(".json") for path in (landing / _FOLDER / month).iterdir())
    return sorted(name for name in found if _NAME.fullmatch(name))


def all_names(landing: Path) -> list[str]:
    """Every event of the journal, in order."""
    return [name for month in months(landing) for name in names(landing, month)]


def _parsed(name: str) -> re.Match[str]:
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise JournalDamaged(f"{name!r} is no name of an event of the journal")
    return parsed
