"""Answers that are kept in the store, so that a question is asked once, and which questions failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from hydrants import journal, store
from hydrants.geocoding.online.answer import Answer, ServiceFailure, Status
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.question import Question
from hydrants.geocoding.streets import Place
from hydrants.journal import Event
from hydrants.settings import Settings
from hydrants.store.tables import geocoder_answer, geocoder_failure

_KEYS_PER_QUERY = 5_000


class Told(NamedTuple):
    """A question, and what the service said."""

    question: Question
    words: Any


class Found(NamedTuple):
    """What an address text leads to; `open_question` is the key of the one that waits for its answer."""

    answer: Answer
    open_question: str | None = None

    @property
    def place(self) -> Place | None:
        """Where the text points."""
        return self.answer.place


def load(connection: sa.Connection, settings: Settings, keys: Iterable[str]) -> dict[str, Any]:
    """What the service of the settings said to these questions; those never answered are absent."""
    found = dict[str, Any]()
    for some in _in_portions(keys):
        query = sa.select(geocoder_answer.c.question, geocoder_answer.c.answer).where(
            *_of_source(settings, geocoder_answer), geocoder_answer.c.question.in_(some)
        )
        found.update(row._tuple() for row in connection.execute(query))
    return found


def failed(connection: sa.Connection, settings: Settings, keys: Iterable[str]) -> dict[str, int]:
    """Which of these questions failed when last asked, numbered from the one that did so longest ago."""
    columns = geocoder_failure.c
    moments = [
        (row.failed_at, row.question)
        for some in _in_portions(keys)
        for row in connection.execute(
            sa.select(columns.failed_at, columns.question).where(
                *_of_source(settings, geocoder_failure), columns.question.in_(some)
            )
        )
    ]
    return {question: position for position, (_, question) in enumerate(sorted(moments))}


def keep(
    connection: sa.Connection,
    settings: Settings,
    told: Sequence[Told],
    failures: Mapping[str, datetime] | None = None,
) -> None:
    """Keep answers; the first one to a question stays, also when two runs asked it at once.

    Args:
        failures: keys of the questions that were not answered, and when.
    """
    failures = failures or {}
    known = Known(settings)
    by_key = {known.key(one.question): one for one in told}
    known = Known(settings, load(connection, settings, by_key))
    new = {key: one.words for key, one in by_key.items() if known.answer(one.question) is None}
    _forget(connection, _of_source(settings, geocoder_failure), geocoder_failure, [*by_key, *failures])
    source = {"service": settings.online_geocoder, "source_version": settings.online_source_version}
    if new:
        answers = [{"question": key, "answer": words} for key, words in new.items()]
        event = journal.record(connection, settings.landing, ANSWERS, {**source, "answers": answers})
        _apply_answers(connection, settings.landing, event)
    store.insert_rows(
        connection,
        geocoder_failure,
        ({**source, "question": key, "failed_at": moment} for key, moment in failures.items()),
    )


def _apply_answers(connection: sa.Connection, _landing: Path, event: Event) -> None:
    """A service answered; the latest answer to a question stays."""
    body, columns = event.body, geocoder_answer.c
    source = {"service": body["service"], "source_version": body["source_version"]}
    words = {one["question"]: one["answer"] for one in body["answers"]}
    is_of_source = tuple(columns[name] == value for name, value in source.items())
    for some in _in_portions(words):
        is_later = (*is_of_source, columns.question.in_(some), columns.asked_at > event.moment)
        for question in connection.execute(sa.select(columns.question).where(*is_later)).scalars():
            del words[question]
    _forget(connection, is_of_source, geocoder_answer, words)
    store.insert_rows(
        connection,
        geocoder_answer,
        (
            {**source, "question": question, "answer": answer, "asked_at": event.moment}
            for question, answer in words.items()
        ),
    )


ANSWERS = journal.Kind("answers", "answers", _apply_answers)
KINDS = (ANSWERS,)


class Known:
    """What is known of questions: the words of the service by their keys, and what they mean."""

    def __init__(self, settings: Settings, words: dict[str, Any] | None = None) -> None:
        self._geocoder = Geocoder(settings)
        self._words = words or {}
        self._answers: dict[Question, Answer] = {}

    @classmethod
    def load(
        cls, connection: sa.Connection, settings: Settings, asked: Iterable[tuple[Question, ...]]
    ) -> Self:
        """What the store knows of these questions."""
        key = Geocoder(settings).key
        keys = {key(question) for several in asked for question in several}
        return cls(settings, load(connection, settings, keys))

    def key(self, question: Question) -> str:
        """What a question is kept under."""
        return self._geocoder.key(question)

    def answer(self, question: Question) -> Answer | None:
        """What the service said to a question; None when it never said anything that is understood."""
        if question not in self._answers and (key := self.key(question)) in self._words:
            try:
                self._answers[question] = self._geocoder.understand(question, self._words[key])
            except ServiceFailure:  # kept by an older version of this code: asked anew
                return None
        return self._answers.get(question)

    def add(self, told: Told) -> None:
        """Take up a new answer, for every question that is asked in the same words."""
        self._words[self.key(told.question)] = told.words

    def first_that_tells(self, several: tuple[Question, ...]) -> Found:
        """The first answer that is not "none", as long as every question before it was answered."""
        nothing = Answer(Status.NONE)
        for question in several:
            answer = self.answer(question)
            if answer is None:
                return Found(nothing, self.key(question))
            if answer.status is not Status.NONE:
                return Found(answer)
            nothing = nothing if nothing.street else answer
        return Found(nothing)


def _forget(
    connection: sa.Connection,
    is_of_source: tuple[sa.ColumnElement[bool], ...],
    table: sa.Table,
    keys: Iterable[str],
) -> None:
    for some in _in_portions(keys):
        connection.execute(sa.delete(table).where(*is_of_source, table.c.question.in_(some)))


def _in_portions(keys: Iterable[str]) -> Iterable[list[str]]:
    wanted = sorted(set(keys))
    return (wanted[first : first + _KEYS_PER_QUERY] for first in range(0, len(wanted), _KEYS_PER_QUERY))


def _of_source(settings: Settings, table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        table.c.service == settings.online_geocoder,
        table.c.source_version == settings.online_source_version,
    )
