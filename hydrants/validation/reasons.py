"""Why a row is refused, in words its sender can act on."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

_MAX_VALUE_CHARACTERS = 200


class Reason(TypedDict):
    """One entry of `ledger.reasons`; `column` is the sender's own heading."""

    code: str
    column: str | None
    value: str | None
    message: str


class Refusal(NamedTuple):
    """A cell that cannot be used: a code, and a message in Dutch."""

    code: str
    message: str

    def reason(self, column: str | None = None, value: str | None = None) -> Reason:
        """The refusal with the place where it arose."""
        if value is not None and len(value) > _MAX_VALUE_CHARACTERS:
            value = value[:_MAX_VALUE_CHARACTERS] + "…"
        return Reason(code=self.code, column=column, value=value, message=self.message)


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
SUMMARY_ROW = Refusal("SUMMARY_ROW", "Deze rij is een totaal, geen controle; ze telt niet mee.")
TOO_MANY_CELLS = Refusal(
    "TOO_MANY_CELLS", "Deze rij heeft tekst buiten de kolommen met een titel; kijk na of ze verschoven is."
)
GEMEENTE_CONFLICT = Refusal(
    "GEMEENTE_UNKNOWN", "De gemeente en de postcode spreken elkaar tegen; verbeter een van beide."
)
DAMAGED_TEXT = Refusal("TEXT_DAMAGED", "De cel bevat een onleesbaar teken (NUL); typ de tekst opnieuw in.")
UNCALCULATED_FORMULA = Refusal(
    "FORMULA_UNCALCULATED",
    "De cel bevat een formule waarvan de uitkomst niet bewaard is; open het bestand in Excel en bewaar "
    "het opnieuw, of plak de waarde.",
)
