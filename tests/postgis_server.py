"""A private PostgreSQL server for the tests: own data directory, own port, ended by its own id."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

OS_USER = "postgres"


def find_binaries() -> Path | None:
    """The newest installed server's binaries that come with PostGIS, or None."""
    candidates = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(candidates, key=lambda path: int(path.parent.name), reverse=True):
        if Path(f"/usr/share/postgresql/{folder.parent.name}/extension/postgis.control").is_file():
            return folder
    return None


def database(server_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A PostgreSQL server of our own, in a temporary directory; a context, at whose end it is gone."""

    def __init__(self, binaries: Path, *, is_durable: bool = False) -> None:
        """Make its data directory.

        Args:
            binaries: folder with initdb and pg_ctl.
            is_durable: what is committed is on disk, as in production: for tests that stop it in the midst.
        """
        # servers refuse to run as root: there the system's own postgres user runs it
        is_root = os.geteuid() == 0
        account = pwd.getpwnam(OS_USER) if is_root else pwd.getpwuid(os.geteuid())
        self.owner = (account.pw_uid, account.pw_gid)
        self._identity: dict[str, Any] = {"user": account.pw_uid, "group": account.pw_gid} if is_root else {}
        self.home = Path(tempfile.mkdtemp(prefix="hydrants-pg-"))
        os.chown(self.home, *self.owner)
        self._binaries, self._port = binaries, _free_port()
        self.url = f"postgresql://{OS_USER}@127.0.0.1:{self._port}/postgres"
        careless = "" if is_durable else " -c fsync=off -c full_page_writes=off"
        self._options = f"-p {self._port} -h 127.0.0.1 -k {self.home}{careless}"
        self._run(
            "initdb", "-U", OS_USER, "-A", "trust", "-E", "UTF8", *([] if is_durable else ["--no-sync"])
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            if (self.home / "data" / "postmaster.pid").exists():
                self.stop_at_once()
        finally:
            shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it takes connections; it recovers first if it was stopped at once."""
        self._run("pg_ctl", "-w", "-o", self._options, "-l", self.home / "log", "start")

    def stop_at_once(self) -> None:
        """Stop it as a crash would: no transaction ends, nothing is written out."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [self._binaries / program, "-D", self.home / "data", *arguments],
            check=True,
            capture_output=True,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(self.home)},
            cwd=self.home,
            **self._identity,
        )


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[str]:
    """Start a server and yield the URL of its maintenance database."""
    with Server(binaries) as server:
        yield server.url
