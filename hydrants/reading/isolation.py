"""Each upload is read in a process of its own, of which nothing is believed unseen.

Whatever that process does ends here in one of three ways: the parts of the file, a refusal that
its sender can act on, or `ReadingFailed` where the fault is not the file's.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from hydrants.errors import HydrantsError, UploadRejected
from hydrants.formats import Limits
from hydrants.formats.frames import Exit, Kind
from hydrants.reading.answers import CutShort, Part, parse
from hydrants.reading.process import BrokenAnswer, CannotStart, Overtime, Process

READER = ("-m", "hydrants.formats.child")

STUCK = (
    "Het bestand kon niet gelezen worden: het leesprogramma is erop vastgelopen. "
    "Bewaar het opnieuw, liefst als CSV of als Excel (.xlsx), en stuur het nog eens."
)
_TOO_HEAVY = "Bewaar de lijst als CSV of splits ze, en stuur ze nog eens."

_log = logging.getLogger(__name__)


class ReadingFailed(HydrantsError):
    """A file could not be read, and not by its own fault."""


class ReaderKilled(ReadingFailed):
    """Others ended the reading process: a person, or the system when it ran out of memory."""


def read(
    path: Path, layer: str | None, limits: Limits, program: Sequence[str] = READER
) -> Generator[Part, None, None]:
    """The parts of a file, read in a process of its own; closing the generator ends that process.

    To be iterated by one thread: the process ends with the one that started it.

    Args:
        layer: the layer to read of a format that holds several.
        program: what Python is to run; the file and the request are added to it.

    Raises:
        UploadRejected: while iterating too, when the damage shows only there or a limit is passed.
        ReadingFailed: if the process cannot start or cannot work, or others end it.
        OSError: if there is no such file.
    """
    size_bytes = path.stat().st_size
    if size_bytes > limits.file_bytes:
        raise UploadRejected(
            f"Het bestand is {size_bytes / 1e6:.1f} MB groot; hoogstens {limits.file_bytes / 1e6:.0f} MB "
            "wordt gelezen. Splits het en stuur de delen apart."
        )
    request = orjson.dumps({"layer": layer, "limits": asdict(limits), "parent_pid": os.getpid()}).decode()
    try:
        process = Process([*program, str(path.absolute()), request], limits.wall_s)
    except CannotStart as error:
        raise ReadingFailed(f"no reading process can be started: {error}") from error
    with process:
        frames = process.frames()
        _await_ready(process, frames)
        try:
            yield from parse(frames, limits)
        except Overtime as error:
            raise UploadRejected(
                f"Het lezen van het bestand is na {limits.wall_s} seconden stopgezet. {_TOO_HEAVY}"
            ) from error
        except CutShort as error:
            raise _verdict(process, path, limits) from error
        except BrokenAnswer as error:
            _log.error("the reading process of %s: %s. %s", path, error, process.last_words)
            raise UploadRejected(STUCK) from error


def _await_ready(process: Process, frames: Iterator[tuple[Kind, bytes]]) -> None:
    """Wait until the process is about to touch the file; what goes wrong before is not the file's fault."""
    try:
        kind, payload = next(frames, (None, b""))
    except (Overtime, BrokenAnswer) as error:
        raise ReadingFailed(f"the reading process does not begin: {error!r}") from error
    if kind is not Kind.READY:
        raise ReadingFailed(f"the reading process ends with {process.end()}: {process.last_words}")
    for note in orjson.loads(payload):
        _warn_once(note)


@functools.cache
def _warn_once(note: str) -> None:
    _log.warning("a reading process is less confined here than it could be: %s", note)


def _verdict(process: Process, path: Path, limits: Limits) -> HydrantsError:
    """What it means that a process ended before its answer did."""
    status = process.end()
    if status == Exit.OUT_OF_MEMORY:
        memory_mb = limits.memory_bytes // 1_000_000
        return UploadRejected(f"Het bestand vraagt meer geheugen dan {memory_mb} MB. {_TOO_HEAVY}")
    if status == -signal.SIGXCPU:
        return UploadRejected(
            f"Het lezen van het bestand vraagt meer dan {limits.cpu_s} seconden rekentijd. {_TOO_HEAVY}"
        )
    if status == Exit.NOT_INSTALLED:
        return ReadingFailed(f"{path} cannot be read with what is installed: {process.last_words}")
    if status in (-signal.SIGKILL, -signal.SIGTERM):
        return ReaderKilled(f"the reading process of {path} was ended by others")
    _log.error("the reading process of %s ended with %s: %s", path, status, process.last_words)
    return UploadRejected(STUCK)
