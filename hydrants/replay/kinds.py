"""Every kind of event, and where it is applied."""

from __future__ import annotations

from importlib import import_module

from hydrants import journal
from hydrants.journal import Kind

MODULES = {
    "received": "hydrants.landing",
    "gone": "hydrants.landing",
    "register": "hydrants.register",
    "addresses": "hydrants.reference.addresses",
    "answers": "hydrants.geocoding.online.kept",
    "decisions": "hydrants.review",
    "released": "hydrants.receipts.uploads",
    "mailed": "hydrants.receipts.mail",
    "published": "hydrants.publishing.numbers",
}
"""Kind of event -> the module whose `KINDS` applies it; imported when there is such an event."""


def kind(name: str) -> Kind:
    """What applies events of this kind.

    Raises:
        JournalDamaged: for a kind that this version does not know.
    """
    if name not in MODULES:
        raise journal.JournalDamaged(
            f"the journal has events of the kind {name!r}, which this version of hydrants does not know: "
            "a newer one wrote them"
        )
    kinds: tuple[Kind, ...] = import_module(MODULES[name]).KINDS
    return next(kind for kind in kinds if kind.name == name)
