"""An end to waiting for an answer, however slowly it comes: a timeout of httpx begins anew with each byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Self


class Deadline:
    """Ends the connection of one client that has one connection at a time.

    Args:
        limit_s: from the moment that it runs.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._turn = 0
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether the time was up before the end of the block that it ran for."""
        return self._is_over

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """For one attempt: what is read or sent after the limit fails."""
        with self._lock:
            self._turn += 1
            self._is_over = False
        timer = threading.Timer(self._limit_s, self._end, (self._turn,))
        timer.daemon = True
        timer.start()
        try:
            yield self
        finally:
            timer.cancel()
            with self._lock:
                self._turn += 1

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx calls as extension `trace`: takes note of the connection."""
        if event != "connection.connect_tcp.complete":
            return
        with self._lock:
            self._forget()
            # a second handle on the connection, for the first one goes over to TLS
            self._socket = info["return_value"].get_extra_info("socket").dup()
            if self._is_over:
                self._shut()

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._forget()

    def _end(self, turn: int) -> None:
        with self._lock:
            if turn == self._turn:  # else it ended while this waited for the lock
                self._is_over = True
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the other side was first
                self._socket.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
