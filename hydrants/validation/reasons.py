"""Why a row is refused, or what its sender should know of it, in words to act on."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

_MAX_VALUE_CHARACTERS = 200


class Reason(TypedDict):
    """One entry of `ledger.reasons`.

    `column` is the sender's own heading, `suggestion` what to write instead where that can be told.
    """

    code: str
    column: str | None
    value: str | None
    message: str
    suggestion: str | None


class Refusal(NamedTuple):
    """A cell that cannot be used: a code, and a message in Dutch."""

    code: str
    message: str
    suggestion: str | None = None

    def reason(self, column: str | None = None, value: str | None = None) -> Reason:
        """The refusal with the place where it arose."""
        if value is not None and len(value) > _MAX_VALUE_CHARACTERS:
            value = value[:_MAX_VALUE_CHARACTERS] + "…"
        return Reason(
            code=self.code, column=column, value=value, message=self.message, suggestion=self.suggestion
        )


class Remarked(NamedTuple):
    """A value that can be used, and what its sender should know of it."""

    value: Any
    remark: Refusal


DATE_MISSING = Refusal("DATE_MISSING", "De datum van de controle ontbreekt; vul ze in als dd/mm/jjjj.")
OUTCOME_MISSING = Refusal("OUTCOME_MISSING", "Het resultaat van de controle ontbreekt; vul het in.")
NOTHING_TO_GO_ON = Refusal(
    "NOTHING_TO_GO_ON",
    "Nummer, coördinaten en adres ontbreken; vul er minstens één in, zodat de brandkraan te vinden is.",
)
COORDINATE_INCOMPLETE = Refusal(
    "COORDINATE_INCOMPLETE",
    "Slechts één van beide coördinaten is ingevuld; vul X en Y in, of geen van beide.",
)
COORDINATES_TWICE = Refusal(
    "NUMBER_UNREADABLE",
    "In één cel staan beide coördinaten, maar in de cel ernaast staat iets anders; laat die leeg, of zet "
    "X en Y elk in hun eigen cel.",
)
SUMMARY_ROW = Refusal("SUMMARY_ROW", "Deze rij is een totaal, geen controle; ze telt niet mee.")
TOO_MANY_CELLS = Refusal(
    "TOO_MANY_CELLS", "Deze rij heeft tekst buiten de kolommen met een titel; kijk na of ze verschoven is."
)
GEMEENTE_CONFLICT = Refusal(
    "GEMEENTE_UNKNOWN", "De gemeente en de postcode spreken elkaar tegen; verbeter een van beide."
)
GEMEENTE_MISSING = Refusal(
    "GEMEENTE_MISSING",
    "De gemeente ontbreekt, en de rij erboven noemt een andere dan die van de map; vul ze op elke rij in.",
)
WITHDRAWN_UNNUMBERED = Refusal(
    "WITHDRAWN_UNNUMBERED",
    "De rij wordt ingetrokken, maar zonder nummer van de fiche is niet te zeggen welke; vul het nummer in.",
)
DAMAGED_TEXT = Refusal("TEXT_DAMAGED", "De cel bevat een onleesbaar teken (NUL); typ de tekst opnieuw in.")
UNCALCULATED_FORMULA = Refusal(
    "FORMULA_UNCALCULATED",
    "De cel bevat een formule waarvan de uitkomst niet bewaard is; open het bestand in Excel en bewaar "
    "het opnieuw, of plak de waarde.",
)
NO_TABLE = Refusal(
    "NO_TABLE", "Dit blad is geen lijst met controles; de rijen ervan zijn niet gebruikt. Zie de opmerkingen."
)
FILE_HELD = Refusal(
    "FILE_HELD",
    "Het bestand bevat opvallend veel geweigerde rijen; deze rij telt pas mee als iemand het nagekeken "
    "heeft.",
)


def photo_missing(file_name: str) -> Refusal:
    """A row names a picture that did not come."""
    return Refusal("PHOTO_MISSING", f"De foto '{file_name}' zit niet in de zending; de rij telt wel mee.")


def photo_refused(file_name: str, because_nl: str) -> Refusal:
    """A row names a picture that is none."""
    return Refusal("PHOTO_REFUSED", f"De foto '{file_name}' is geweigerd: {because_nl}")
