"""The tables of the accounts: a database of their own, so that the portal never writes into the store.

No token lies here in clear: of a session and of a one-time link only the SHA-256 is kept, of a password its
argon2 hash. Moments are seconds since 1970, UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from hydrants import store
from hydrants.store.tables.schema import BigId, Text

metadata = sa.MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})

account = sa.Table(
    "portal_account",
    metadata,
    sa.Column("account_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("name", Text, nullable=False, unique=True, comment="in lower case"),
    sa.Column("role", Text, nullable=False),
    sa.Column("subject", Text, nullable=False, comment="gemeente, zone or firm; empty for planner and admin"),
    sa.Column("password_hash", Text, comment="argon2id; empty until its owner chose one"),
    sa.Column("email", Text, unique=True, comment="in lower case; by it OpenID Connect finds the account"),
    sa.Column("oidc_subject", Text, unique=True, comment="issuer and sub, from the first such login on"),
    sa.Column("is_enabled", sa.Boolean, nullable=False),
    sa.Column("created_at", BigId, nullable=False),
    sa.Column("last_login_at", BigId),
)
session = sa.Table(
    "portal_session",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("account_id", BigId, sa.ForeignKey(account.c.account_id), nullable=False, index=True),
    sa.Column("created_at", BigId, nullable=False),
    sa.Column("seen_at", BigId, nullable=False),
)
ticket = sa.Table(
    "portal_ticket",
    metadata,
    sa.Column("token_sha256", sa.String(64), primary_key=True),
    sa.Column("account_id", BigId, sa.ForeignKey(account.c.account_id), nullable=False, index=True),
    sa.Column("kind", Text, nullable=False, comment="password: to choose one; login: to come in once"),
    sa.Column("expires_at", BigId, nullable=False),
    comment="One-time links",
)
attempt = sa.Table(
    "portal_attempt",
    metadata,
    sa.Column("attempt_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("name", Text, nullable=False, comment="as typed, in lower case, whether it exists or not"),
    sa.Column("address", Text, nullable=False),
    sa.Column("is_from_known", sa.Boolean, nullable=False, comment="this account came in from there before"),
    sa.Column("at", BigId, nullable=False),
    sa.Index(None, "name", "at"),
    sa.Index(None, "address", "at"),
    comment="Failed logins; a success takes its own away",
)
known_address = sa.Table(
    "portal_known_address",
    metadata,
    sa.Column("account_id", BigId, sa.ForeignKey(account.c.account_id), primary_key=True),
    sa.Column("address", Text, primary_key=True),
    sa.Column("at", BigId, nullable=False),
    comment="Where an account came in from: others cannot shut it out there",
)
audit = sa.Table(
    "portal_audit",
    metadata,
    sa.Column("audit_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", BigId, nullable=False, index=True),
    sa.Column("account", Text, nullable=False, comment="name; kept when the account is gone"),
    sa.Column("address", Text, nullable=False, comment="empty for the command line"),
    sa.Column("action", Text, nullable=False),
    sa.Column("detail", Text, nullable=False),
)
secret = sa.Table(
    "portal_secret",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
    comment="What signs the state of a login while it is at the OpenID provider; it opens no door",
)


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """An engine on the database of the accounts, its tables there; a SQLite file is its owner's only."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    engine = store.create_engine(url)
    engine.hide_parameters = True  # what goes wrong is logged without names and hashes
    try:
        with store.write(engine, turn="accounts") as connection:
            metadata.create_all(connection)
        yield engine
    finally:
        engine.dispose()
