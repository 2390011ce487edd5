"""Answers that are kept in the store, so that a question is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding.online.answer import Answer, ServiceFailure
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.question import Question
from hydrants.settings import Settings
from hydrants.store.tables import geocoder_answer

_KEYS_PER_QUERY = 5_000


class Told(NamedTuple):
    """A question, what the service said, and what that means."""

    question: Question
    words: Any
    answer: Answer


def load(connection: sa.Connection, settings: Settings, keys: Iterable[str]) -> dict[str, Any]:
    """What the service of the settings said to these questions; those never answered are absent."""
    wanted, found = sorted(set(keys)), dict[str, Any]()
    for first in range(0, len(wanted), _KEYS_PER_QUERY):
        query = sa.select(geocoder_answer.c.question, geocoder_answer.c.answer).where(
            *_of_source(settings), geocoder_answer.c.question.in_(wanted[first : first + _KEYS_PER_QUERY])
        )
        found.update(row._tuple() for row in connection.execute(query))
    return found


def keep(connection: sa.Connection, settings: Settings, told: Sequence[Told]) -> None:
    """Keep answers; the first one to a question stays, also when two runs asked it at once."""
    by_key = {one.question.key: one for one in told}
    known = Known(settings, load(connection, settings, by_key))
    new = {key: one for key, one in by_key.items() if known.answer(one.question) is None}
    connection.execute(
        sa.delete(geocoder_answer).where(*_of_source(settings), geocoder_answer.c.question.in_(list(new)))
    )
    now = store.utc_now()
    store.insert_rows(
        connection,
        geocoder_answer,
        (
            {
                "service": settings.online_geocoder,
                "source_version": settings.online_source_version,
                "question": key,
                "status": one.answer.status.value,
                "answer": one.words,
                "asked_at": now,
            }
            for key, one in new.items()
        ),
    )


class Known:
    """What is known of questions: the words of the service by their keys, and what they mean."""

    def __init__(self, settings: Settings, words: dict[str, Any]) -> None:
        self._geocoder = Geocoder(settings)
        self._words = words
        self._answers: dict[Question, Answer] = {}

    def answer(self, question: Question) -> Answer | None:
        """What the service said to a question; None when it never said anything that is understood."""
        if question not in self._answers and question.key in self._words:
            try:
                self._answers[question] = self._geocoder.understand(question, self._words[question.key])
            except ServiceFailure:  # kept by an older version of this code: asked anew
                return None
        return self._answers.get(question)

    def add(self, told: Told) -> None:
        """Take up a new answer, for every spelling of its question."""
        self._words[told.question.key] = told.words


def _of_source(settings: Settings) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        geocoder_answer.c.service == settings.online_geocoder,
        geocoder_answer.c.source_version == settings.online_source_version,
    )
