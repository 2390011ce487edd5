"""What went wrong, as the command line says it: one line that a person can act on."""

from __future__ import annotations

import errno
import re
from concurrent.futures import BrokenExecutor

from sqlalchemy.exc import ArgumentError, OperationalError

from hydrants.errors import HydrantsError
from hydrants.settings import settings

_ABOUT_DISKS = re.compile(r"\bdisk\b|no space left|could not write", re.IGNORECASE)


def told(error: Exception) -> str | None:
    """The line to print; None for an error that only a developer can act on."""
    if isinstance(error, HydrantsError):
        return str(error)
    if isinstance(error, ArgumentError):
        return f"HYDRANTS_DATABASE_URL is no database address: {error}"
    if isinstance(error, OperationalError):
        return _by_store(error.orig)
    if isinstance(error, OSError):
        return _by_system(error)
    if isinstance(error, BrokenExecutor):
        return "a process of the night was ended by others, or ran out of memory; run it again"
    return _by_library(error)


def _by_store(error: object) -> str:
    said = " ".join(f"the database does not answer as it should: {error}".split())
    return _with_room(said) if _ABOUT_DISKS.search(said) else said


def _by_system(error: OSError) -> str:
    """What the system says, and where; of a full disk it does not always say which."""
    said = f"{error.strerror}: {error.filename}" if error.filename else str(error)
    return _with_room(said) if error.errno in (errno.ENOSPC, errno.EDQUOT) else said


def _by_library(error: Exception) -> str | None:
    """Errors of two libraries that are imported only where they are needed, known by their names."""
    library = type(error).__module__.partition(".")[0]
    if library == "psycopg":
        return _by_store(error)
    if library == "xlsxwriter" and isinstance(error.__context__, OSError):
        return _by_system(error.__context__)
    return None


def _with_room(said: str) -> str:
    from hydrants import health

    return f"{said}; room there is: {health.room(settings())}"
