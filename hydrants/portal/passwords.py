"""Passwords: argon2id, and the same work for a name that does not exist."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARACTERS = 12
MAX_CHARACTERS = 200
_MIN_DIFFERENT = 5

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash("nobody has this password")


def wrong_with(password: str, name: str) -> str | None:
    """Why a password cannot be chosen, in Dutch; None when it can."""
    if len(password) < MIN_CHARACTERS:
        return f"Kies een wachtwoord van minstens {MIN_CHARACTERS} tekens; een korte zin is goed."
    if len(password) > MAX_CHARACTERS:
        return f"Kies een wachtwoord van hoogstens {MAX_CHARACTERS} tekens."
    if len(set(password)) < _MIN_DIFFERENT or name in password.casefold().split():
        return "Dit wachtwoord is te gemakkelijk te raden; een korte zin is goed."
    return None


def hashed(password: str) -> str:
    """The hash to keep; takes a good part of a second's tenth, on purpose."""
    return _hasher.hash(_normal(password))


def fits(password: str, known_hash: str | None) -> bool:
    """Whether a password belongs to a hash; with no hash it takes as long, and does not."""
    try:
        _hasher.verify(known_hash or _NOBODYS, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return known_hash is not None


def is_outdated(known_hash: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(known_hash)


def _normal(password: str) -> str:
    """The same however a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password[: MAX_CHARACTERS + 1])
