"""`hydrants serve` and `hydrants accounts`: the portal, and who may come in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from hydrants import reference, store
from hydrants.portal import accounts, audit, tables
from hydrants.portal.accounts import Account, Kind
from hydrants.portal.scope import Role
from hydrants.settings import settings
from hydrants.terminal import PLAIN, out, print_json, print_lines

app = typer.Typer()
accounts_app = typer.Typer(help="Who may come into the portal.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

DEFAULT_PORT = 8000


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = DEFAULT_PORT,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Believe X-Forwarded-* of HYDRANTS_PORTAL_PROXIES.")
    ] = False,
    admin_link: Annotated[
        bool, typer.Option("--admin-link", help="Print a one-time link for an admin, also when there is one.")
    ] = False,
) -> None:
    """Serve the published site, to each account what it may see."""
    from hydrants.portal import serving

    def ready(address: str) -> None:
        base = settings().portal_url or address
        with _writing() as connection:
            admin, is_new = accounts.first_admin(connection)
            if is_new or admin_link or (admin.password_hash is None and admin.oidc_subject is None):
                token = accounts.link(connection, admin, Kind.login)
                audit.note(connection, audit.COMMAND_LINE, "link gemaakt", admin.name)
                out.print(f"In as {admin.name}, once and within the hour: {base}/link/{token}", **PLAIN)
        out.print(f"The portal answers at {address}", **PLAIN)
        sys.stdout.flush()

    proxies = settings().portal_proxies if behind_proxy else ""
    serving.serve(settings(), host, port, proxies=proxies, ready=ready)


@accounts_app.command("add")
def add(
    name: str,
    role: Annotated[Role, typer.Option(help="What it is for.")],
    scope: Annotated[str, typer.Option(help="NIS code, fire zone or firm; not for planner and admin.")] = "",
    email: Annotated[str, typer.Option(help="By which OpenID Connect finds it.")] = "",
) -> None:
    """Make account NAME, and print the link by which its owner chooses a password."""
    with _writing() as connection:
        account = accounts.add(connection, name, role, scope, email or None)
        audit.note(connection, audit.COMMAND_LINE, "account gemaakt", f"{account.name} ({role} {scope})")
        token = accounts.link(connection, account, Kind.password)
    out.print(_told(account, token), **PLAIN)


@accounts_app.command("link")
def link(name: str) -> None:
    """Print a new one-time link by which the owner of NAME chooses a password."""
    with _writing() as connection:
        account = accounts.named(connection, name)
        token = accounts.link(connection, account, Kind.password)
        audit.note(connection, audit.COMMAND_LINE, "link gemaakt", account.name)
    out.print(_told(account, token), **PLAIN)


@accounts_app.command("list")
def list_accounts(as_json: Json = False) -> None:
    """List the accounts."""
    with tables.opened(settings().accounts_url) as engine, store.read(engine) as connection:
        rows = [_line(account) for account in accounts.everyone(connection)]
    print_json(rows) if as_json else print_lines(rows)


@accounts_app.command("disable")
def disable(name: str) -> None:
    """Let NAME in no more; who is in with it is out."""
    _enable(name, is_enabled=False)


@accounts_app.command("enable")
def enable(name: str) -> None:
    """Let NAME in again."""
    _enable(name, is_enabled=True)


@accounts_app.command("remove")
def remove(name: str) -> None:
    """Remove account NAME; what the log says of it stays."""
    with _writing() as connection:
        accounts.remove(connection, name)
        audit.note(connection, audit.COMMAND_LINE, "account verwijderd", name.casefold())


@accounts_app.command("log")
def log(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many of the newest lines.")] = 100,
    as_json: Json = False,
) -> None:
    """Print who did what, the newest first."""
    from hydrants.portal import words

    with tables.opened(settings().accounts_url) as engine, store.read(engine) as connection:
        rows = audit.lines(connection, limit)
    if as_json:
        print_json(rows)
    else:
        print_lines([{**row, "at": words.second(row["at"])} for row in rows])


@accounts_app.command("reader-role")
def reader_role() -> None:
    """Make the role of PostgreSQL that only reads, for HYDRANTS_PORTAL_DATABASE_URL and for QGIS."""
    from hydrants.portal import reading

    engine = store.create_engine(settings().database_url)
    store.migrate(engine)
    with store.write(engine) as connection:
        reference.sync(connection)
    reading.make_reader_role(engine)
    engine.dispose()
    out.print(f"Members of {reading.READER} may read what is published, by gemeente.", **PLAIN)


def _enable(name: str, *, is_enabled: bool) -> None:
    with _writing() as connection:
        account = accounts.enable(connection, name, is_enabled=is_enabled)
        action = "account toegelaten" if is_enabled else "account geblokkeerd"
        audit.note(connection, audit.COMMAND_LINE, action, account.name)


@contextmanager
def _writing() -> Iterator[sa.Connection]:
    with tables.opened(settings().accounts_url) as engine, store.write(engine) as connection:
        yield connection


def _told(account: Account, token: str) -> str:
    base = settings().portal_url or f"http://127.0.0.1:{DEFAULT_PORT}"
    return f"{account.name} chooses a password, once and within a week: {base}/link/{token}"


def _line(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": str(account.role),
        "scope": account.subject,
        "email": account.email,
        "is_enabled": account.is_enabled,
        "has_password": account.password_hash is not None,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }
