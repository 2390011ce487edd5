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


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[str]:
    """Start a server and yield the URL of its maintenance database."""
    # servers refuse to run as root: there the system's own postgres user runs it
    account = pwd.getpwnam(OS_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    identity = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
    home = Path(tempfile.mkdtemp(prefix="hydrants-pg-"))
    os.chown(home, account.pw_uid, account.pw_gid)
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(home)}
    data, port = home / "data", _free_port()
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", OS_USER, "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            env=environment,
            cwd=home,
            **identity,
        )
        options = f"-p {port} -h 127.0.0.1 -k {home} -c fsync=off -c full_page_writes=off"
        control = [binaries / "pg_ctl", "-D", data, "-w", "-o", options, "-l", home / "log"]
        subprocess.run(
            [*control, "start"], check=True, capture_output=True, env=environment, cwd=home, **identity
        )
        try:
            yield f"postgresql://{OS_USER}@127.0.0.1:{port}/postgres"
        finally:
            stop = [binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(stop, check=True, capture_output=True, env=environment, cwd=home, **identity)
    finally:
        shutil.rmtree(home, ignore_errors=True)
