"""A mail server on this machine that takes mail, or never answers; what it took can be looked at."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from enum import Enum


class Manner(Enum):
    """How the server treats a client."""

    TAKES = "takes"
    HANGS = "hangs"


class _Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand over a mail."""

    server: Server

    def handle(self) -> None:
        if self.server.manner is Manner.HANGS:
            self.server.closing.wait()
            return
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            match line.split(maxsplit=1)[0].upper():
                case "DATA":
                    self._say("354 go ahead")
                    self._take()
                case "RCPT" if self._is_refused(line):
                    self._say("554 no mail for them")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _is_refused(self, line: str) -> bool:
        address = line.partition("<")[2].partition(">")[0]
        return address in self.server.refused

    def _take(self) -> None:
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line.removeprefix(b".") for line in lines)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.server.taken.append(message)
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    """A server on a free port, which refuses mail to some addresses."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, manner: Manner) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.manner = manner
        self.taken: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


@contextmanager
def serving(manner: Manner = Manner.TAKES) -> Iterator[Server]:
    """A mail server for as long as the block lasts."""
    with Server(manner) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
