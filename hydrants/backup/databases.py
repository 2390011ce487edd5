"""A database as one file, and back: by SQLite itself, or by PostgreSQL's own tools."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from hydrants.backup.errors import BackupUnusable
from hydrants.store.tables import metadata

_SUFFIXES = {"sqlite": ".sqlite", "postgresql": ".dump"}
# another server has other roles: who owns it there is who restores, and its readers are made anew
_AS_OWNER = ("--no-owner", "--no-privileges")
_BESIDE_A_SERVER = "/usr/lib/postgresql/*/bin"


def dump(engine: sa.Engine, folder: Path, name: str) -> Path:
    """Write the database as it is now, while others go on writing; returns the file.

    Raises:
        BackupUnusable: when there is no database, or PostgreSQL's tools are missing or fail.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}{_SUFFIXES[engine.dialect.name]}"
    aside = target.with_name(f".{target.name}.tmp")
    aside.unlink(missing_ok=True)
    if engine.dialect.name == "postgresql":
        tool = _tool(engine, "pg_dump")
        _run([tool, "--format=custom", *_AS_OWNER, f"--file={aside}", *_database(engine)], engine)
    else:
        source = _sqlite_file(engine)
        if not source.is_file():
            raise BackupUnusable(f"there is no database {source} to back up")
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(aside),))  # one state, whoever writes meanwhile
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.rename(target)
    return target


def choose(folder: Path, database_url: str, name: str | None) -> Path:
    """The dump of that name, else the newest, for the store of the settings.

    Raises:
        BackupUnusable: when there is none, or only of the other kind of store.
    """
    suffix = _SUFFIXES[sa.make_url(database_url).get_backend_name()]
    found = sorted(path for path in folder.glob("[!.]*") if path.suffix in _SUFFIXES.values())
    usable = [path for path in found if path.suffix == suffix and name in (None, path.name)]
    if not usable:
        there = ", ".join(path.name for path in found) or "nothing"
        raise BackupUnusable(
            f"{folder} has no dump {name or f'that ends in {suffix}'}, for the store that "
            f"HYDRANTS_DATABASE_URL names; it has {there}. To go from SQLite to PostgreSQL or back, restore "
            "LANDING and run 'hydrants rebuild'"
        )
    return usable[-1]


def require_none(engine: sa.Engine) -> None:
    """See that nothing would be overwritten.

    Raises:
        BackupUnusable: when there are tables of ours, or a SQLite file.
    """
    if engine.dialect.name == "sqlite":
        file = _sqlite_file(engine)
        there = [path for path in (file, *_beside(file)) if path.exists()]
        if there:
            raise BackupUnusable(
                f"{', '.join(map(str, there))} would be overwritten: move it away first, or let "
                "HYDRANTS_DATABASE_URL name another file"
            )
        return
    with engine.connect() as connection:
        ours = sorted(set(sa.inspect(connection).get_table_names()) & set(metadata.tables))
    if ours:
        raise BackupUnusable(
            f"the database has tables already ({', '.join(ours[:3])}, ...) and nothing is overwritten: let "
            "HYDRANTS_DATABASE_URL name a new, empty database"
        )


def load(engine: sa.Engine, dump: Path) -> None:
    """Make the database from a dump: as a whole, or not at all.

    Raises:
        BackupUnusable: when PostgreSQL's tools are missing or fail.
    """
    if engine.dialect.name == "sqlite":
        target = _sqlite_file(engine)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(dump, aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.rename(target)
        return
    tool = _tool(engine, "pg_restore")
    listed = _run([tool, "--list", str(dump)], engine)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as wanted:
        wanted.writelines(f"{line}\n" for line in listed.splitlines() if not _is_left_out(line, engine))
        wanted.flush()
        options = [*_AS_OWNER, "--exit-on-error", "--single-transaction", f"--use-list={wanted.name}"]
        _run([tool, *options, *_database(engine), str(dump)], engine)


def _is_left_out(line: str, engine: sa.Engine) -> bool:
    """An extension that an administrator made is not ours to make or to comment on."""
    if " COMMENT - EXTENSION " in line:
        return True
    extension = re.search(r" EXTENSION - (\S+)", line)
    if extension is None:
        return False
    query = sa.text("SELECT 1 FROM pg_extension WHERE extname = :name")
    with engine.connect() as connection:
        return connection.execute(query, {"name": extension[1]}).first() is not None


def _database(engine: sa.Engine) -> list[str]:
    url = engine.url.set(drivername="postgresql", password=None)
    return [f"--dbname={url.render_as_string(hide_password=False)}", "--no-password"]


def _run(command: list[str], engine: sa.Engine) -> str:
    """Run a tool of PostgreSQL; the password goes by its environment, where other users do not see it."""
    password = {"PGPASSWORD": str(engine.url.password)} if engine.url.password else {}
    done = subprocess.run(  # noqa: S603 - no shell, and nothing that a sender wrote
        command, env={**os.environ, **password}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupUnusable(f"{Path(command[0]).name} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def _tool(engine: sa.Engine, name: str) -> str:
    """A tool of PostgreSQL, on the PATH or where servers have theirs: of the server's version, else newer.

    An older one cannot read the database, and what a newer one writes may be too new for it to take back.
    """
    with engine.connect() as connection:
        server = connection.execute(sa.text("SHOW server_version_num")).scalar_one()
    wanted = int(server) // 10_000
    found = [*filter(None, [shutil.which(name)]), *map(str, Path("/").glob(f"{_BESIDE_A_SERVER[1:]}/{name}"))]
    versions = sorted((_major(tool), tool) for tool in found)
    usable = [tool for major, tool in versions if major >= wanted]
    if usable:
        return usable[0]
    told = ", ".join(f"{tool} of version {major}" for major, tool in versions) or "none"
    raise BackupUnusable(
        f"{name} of PostgreSQL {wanted} is needed, on the PATH; found: {told}. On Debian: "
        f"apt-get install postgresql-client-{wanted}"
    )


def _major(tool: str) -> int:
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    version = re.search(r"(\d+)", said)
    return int(version[1]) if version else 0


def _sqlite_file(engine: sa.Engine) -> Path:
    return Path(engine.url.database or "")


def _beside(file: Path) -> list[Path]:
    """What SQLite would take for the newest pages of the file."""
    return [file.with_name(f"{file.name}{suffix}") for suffix in ("-wal", "-shm", "-journal")]
