"""Address services on the internet, for addresses that the address table does not have. Off by default.

Asking and using are two steps. `ask` talks to the service and keeps its answers in the store, a few at a
time, and holds no transaction while it waits for the network. `found` uses what is kept, and never asks.
A failure of the service is no answer: the question stays open, and is asked again in the next run.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding.online import kept
from hydrants.geocoding.online.answer import ServiceFailure, Status
from hydrants.geocoding.online.asking import Conversation
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.kept import Found
from hydrants.geocoding.online.question import Question, Text, questions
from hydrants.settings import Settings

__all__ = ["Found", "Geocoder", "Question", "ServiceFailure", "Status", "Text", "ask", "found", "source"]


def source(settings: Settings) -> list[str] | None:
    """What answers come from: part of the inputs of all that rests on them. None when nobody is asked."""
    if not settings.online_geocoder:
        return None
    return [settings.online_geocoder, settings.online_source_version]


def found(connection: sa.Connection, settings: Settings, texts: Iterable[Text]) -> dict[Text, Found]:
    """What the kept answers say of each address text."""
    asked = {text: questions(text) for text in texts}
    known = kept.Known.load(connection, settings, asked.values())
    return {text: known.first_that_tells(several) for text, several in asked.items()}


def ask(engine: sa.Engine, settings: Settings, texts: Iterable[Text]) -> dict[str, int]:
    """Ask the service what it was never asked about these address texts, and keep its answers.

    No transaction is open while the service is waited for. What failed before is asked last, that which
    failed longest ago first: a question that fails every time takes no other's place.

    Returns:
        questions_asked, questions_failed.
    """
    asked = [questions(text) for text in sorted(set(texts), key=str)]
    with store.read(engine) as connection:
        known = kept.Known.load(connection, settings, asked)
        missing = {
            several: key for several in asked if (key := known.first_that_tells(several).open_question)
        }
        failed = kept.failed(connection, settings, missing.values())
    if not missing:
        return {"questions_asked": 0, "questions_failed": 0}
    with Conversation(engine, settings, known) as conversation:
        for several in sorted(missing, key=lambda several: failed.get(missing[several], -1)):
            conversation.settle(several)
    return conversation.counts
