"""Address services on the internet, for addresses that the address table does not have. Off by default.

Asking and using are two steps. `ask` talks to the service and keeps its answers in the store, a few at a
time, and holds no transaction while it waits for the network. `found` uses what is kept, and never asks.
A failure of the service is no answer: the question stays open, and is asked again in the next run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple, Self

import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding.online import kept, patience
from hydrants.geocoding.online.answer import Answer, ServiceFailure, Status
from hydrants.geocoding.online.geocoder import Geocoder
from hydrants.geocoding.online.question import Question, Text, questions
from hydrants.geocoding.streets import Place
from hydrants.settings import Settings

__all__ = ["Found", "Geocoder", "Question", "ServiceFailure", "Status", "Text", "ask", "found", "source"]

_log = logging.getLogger(__name__)

_KEPT_TOGETHER = 25  # what a killed run has to ask again, at most
_LONGEST_RUN_S = 1_200.0  # of one batch: a slow service must not use up the time of the task


class Found(NamedTuple):
    """What an address text leads to; `open_question` is the key of the one that waits for its answer."""

    answer: Answer
    open_question: str | None = None

    @property
    def place(self) -> Place | None:
        """Where the text points."""
        return self.answer.place


def source(settings: Settings) -> list[str] | None:
    """What answers come from: part of the inputs of all that rests on them. None when nobody is asked."""
    if not settings.online_geocoder:
        return None
    return [settings.online_geocoder, settings.online_source_version]


def found(connection: sa.Connection, settings: Settings, texts: Iterable[Text]) -> dict[Text, Found]:
    """What the kept answers say of each address text."""
    asked = {text: questions(text) for text in texts}
    known = _known(connection, settings, asked.values())
    return {text: _first_that_tells(several, known) for text, several in asked.items()}


def ask(engine: sa.Engine, settings: Settings, texts: Iterable[Text]) -> dict[str, int]:
    """Ask the service what it was never asked about these address texts, and keep its answers.

    No transaction is open while the service is waited for.

    Returns:
        questions_asked, questions_failed.
    """
    asked = [questions(text) for text in sorted(set(texts), key=str)]
    with store.read(engine) as connection:
        known = _known(connection, settings, asked)
        use = patience.load(connection, settings.online_geocoder, store.utc_now())
    missing = [several for several in asked if _first_that_tells(several, known).open_question]
    if not missing:
        return {"questions_asked": 0, "questions_failed": 0}
    with _Conversation(engine, settings, known, use) as conversation:
        for several in missing:
            conversation.settle(several)
    return {"questions_asked": conversation.asked, "questions_failed": conversation.failed}


def _known(
    connection: sa.Connection, settings: Settings, asked: Iterable[tuple[Question, ...]]
) -> kept.Known:
    keys = {question.key for several in asked for question in several}
    return kept.Known(settings, kept.load(connection, settings, keys))


def _first_that_tells(several: tuple[Question, ...], known: kept.Known) -> Found:
    """The first answer that is not "none", as long as every question before it was answered."""
    nothing = Answer(Status.NONE)
    for question in several:
        answer = known.answer(question)
        if answer is None:
            return Found(nothing, question.key)
        if answer.status is not Status.NONE:
            return Found(answer)
        nothing = nothing if nothing.street else answer
    return Found(nothing)


class _Conversation:
    """Questions to the service, one after the other, as long as it answers."""

    def __init__(self, engine: sa.Engine, settings: Settings, known: kept.Known, use: patience.Use) -> None:
        self.asked = self.failed = 0
        self._engine = engine
        self._settings = settings
        self._known = known
        self._use = use
        self._told: list[kept.Told] = []
        self._uncounted = 0
        self._ends_at = time.monotonic() + _LONGEST_RUN_S
        self._was_told = False

    def __enter__(self) -> Self:
        from hydrants.geocoding.online.service import Service  # the network, only where it is needed

        settings = self._settings
        self._service = Service(settings.online_timeout_s, settings.online_per_second)
        self._geocoder = Geocoder(settings, self._service)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._service:
            self._keep()

    def settle(self, several: tuple[Question, ...]) -> None:
        """Ask until one question tells something, or the service fails or has to be left alone."""
        while (open_key := _first_that_tells(several, self._known).open_question) is not None:
            question = next(question for question in several if question.key == open_key)
            if self._is_over() or not self._answer(question):
                return

    def _answer(self, question: Question) -> bool:
        now = store.utc_now()
        self.asked += 1
        self._uncounted += 1
        try:
            words = self._geocoder.fetch(question)
            answer = self._geocoder.understand(question, words)
        except ServiceFailure as failure:
            self.failed += 1
            self._use = self._use.failed(now, is_final=failure.is_final)
            _log.warning("%s does not answer %s: %s", self._settings.online_geocoder, question.key, failure)
            return False
        self._use = self._use.answered()
        self._told.append(kept.Told(question, words, answer))
        self._known.add(self._told[-1])
        if len(self._told) >= _KEPT_TOGETHER:
            self._keep()
        return True

    def _is_over(self) -> bool:
        why = None
        if self._use.is_resting(store.utc_now()):
            why = "it failed too often in a row"
        elif self._use.is_spent(self._settings):
            why = f"its {self._settings.online_per_day} questions of today are used up"
        elif time.monotonic() > self._ends_at:
            why = "it took too long"
        if why and not self._was_told:
            _log.warning("%s is left alone for now, %s", self._settings.online_geocoder, why)
            self._was_told = True
        return why is not None

    def _keep(self) -> None:
        if not self._uncounted:
            return
        settings = self._settings
        with store.write(self._engine, turn=f"answers of {settings.online_geocoder}") as connection:
            kept.keep(connection, settings, self._told)
            patience.add(connection, settings.online_geocoder, store.utc_now(), self._uncounted, self._use)
        self._told, self._uncounted = [], 0
