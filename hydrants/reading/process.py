"""A reading process as seen from outside: it is started with nothing, listened to, and ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import IO, Self

from hydrants.formats.frames import HEADER, MAX_PAYLOAD_BYTES, Kind

_OPTIONS = ("-I", "-X", "utf8", "-X", "faulthandler", "-W", "ignore")
_PIPE_BYTES = 1 << 20
_LAST_WORDS_BYTES = 8_192
_MAX_COMPLAINT_BYTES = 1 << 20
_FAREWELL_S = 10.0


class CannotStart(Exception):
    """The process could not be started at all."""


class Overtime(Exception):
    """The process was waited for too long."""


class BrokenAnswer(Exception):
    """What the process says is no answer."""


class Process:
    """A Python program that answers in frames; a context, at whose end it is gone.

    It gets no environment but its language, no open file, an empty standard input, another working
    directory and a session of its own, so that whatever it starts is ended with it.
    """

    def __init__(self, arguments: Sequence[str], wall_s: float) -> None:
        """Start it.

        Args:
            arguments: what Python is to run, with arguments.
            wall_s: how long may be waited for it in all, seconds; while it waits for us, nothing counts.

        Raises:
            CannotStart: if the system has no room for another process, or Python is not where it was.
        """
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own program
                [sys.executable, *_OPTIONS, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise CannotStart(str(error)) from error
        self._pipes: list[IO[bytes]] = [pipe for pipe in (self._process.stdout, self._process.stderr) if pipe]
        self._answer, self._complaints = (pipe.fileno() for pipe in self._pipes)
        self._poll = select.poll()
        for descriptor in (self._answer, self._complaints):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        with contextlib.suppress(OSError, AttributeError):  # a larger pipe is faster, no more than that
            fcntl.fcntl(self._answer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._left_s = wall_s
        self._last_words = b""
        self._heard_bytes = 0
        self._is_silent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._kill()

    @property
    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._last_words.decode(errors="replace").strip()

    def frames(self) -> Iterator[tuple[Kind, bytes]]:
        """Kind and payload of each frame, as they come, until the process closes its answer.

        Raises:
            Overtime: if it is waited for too long.
            BrokenAnswer: if there is no such kind of frame, or one is longer than its kind may be.
        """
        held = bytearray()
        while piece := self._receive():
            held += piece
            while len(held) >= HEADER.size:
                code, length = HEADER.unpack_from(held)
                kind, end = _kind(code, length), HEADER.size + length
                if len(held) < end:
                    break
                payload = bytes(held[HEADER.size : end])
                del held[:end]
                yield kind, payload

    def end(self) -> int | None:
        """How the process ended, now that its answer is closed.

        Returns:
            Its exit code, or the negative number of the signal that ended it; None when it did not
            end by itself.
        """
        self._left_s = _FAREWELL_S
        try:
            while not self._is_silent:  # until it ends; a process that is not heard cannot
                self._wait()
            return self._process.wait(_FAREWELL_S)
        except (Overtime, BrokenAnswer, subprocess.TimeoutExpired):
            return None

    def _receive(self) -> bytes:
        """Some of the answer; empty at its end."""
        while self._answer not in self._wait():
            pass
        piece = os.read(self._answer, _PIPE_BYTES)
        if not piece:
            self._poll.unregister(self._answer)
        return piece

    def _wait(self) -> set[int]:
        """Wait until something is written or closed; complaints are heard at once."""
        asked_at = time.monotonic()
        ready = {descriptor for descriptor, _ in self._poll.poll(max(0.0, self._left_s) * 1000)}
        self._left_s -= time.monotonic() - asked_at
        if not ready and self._left_s <= 0:
            raise Overtime
        if self._complaints in ready:
            self._hear()
        return ready

    def _hear(self) -> None:
        words = os.read(self._complaints, _PIPE_BYTES)
        if not words:
            self._is_silent = True
            self._poll.unregister(self._complaints)
        self._last_words = (self._last_words + words)[-_LAST_WORDS_BYTES:]
        self._heard_bytes += len(words)
        if self._heard_bytes > _MAX_COMPLAINT_BYTES:
            raise BrokenAnswer("complaints without end")

    def _kill(self) -> None:
        if self._process.returncode is None:  # not waited for, so its number is still its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in self._pipes:
            pipe.close()


def _environment() -> dict[str, str]:
    """The environment of a reader: nothing of ours but where its libraries lie."""
    environment = {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if "LD_LIBRARY_PATH" in os.environ:
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return environment


def _kind(code: bytes, length: int) -> Kind:
    try:
        kind = Kind(code)
    except ValueError as error:
        raise BrokenAnswer(f"a frame {code!r}") from error
    if length > MAX_PAYLOAD_BYTES[kind]:
        raise BrokenAnswer(f"a frame {kind.name} of {length} bytes")
    return kind
