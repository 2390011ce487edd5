"""What is said of a file as a whole, once all its rows are counted."""

from __future__ import annotations

from dataclasses import dataclass

from hydrants.reference.profile import Expectations
from hydrants.validation import reasons
from hydrants.validation.sheets import Sorted

NO_INSPECTIONS = "Het bestand bevat geen controles."
PHOTOS_ABSENT = (
    "De lijst verwijst naar foto's, maar er kwam er geen mee. Stuur lijst en foto's in één zip-bestand."
)


@dataclass(slots=True)
class Tally:
    """How many rows are data, of those refused, and of those refused for being sums."""

    data: int = 0
    refused: int = 0
    sums: int = 0

    def count(self, rows: Sorted) -> None:
        """Add some rows."""
        self.data += len(rows.is_heading) - sum(rows.is_heading)
        self.refused += len(rows.refused)
        self.sums += sum(why[0]["code"] == reasons.SUMMARY_ROW.code for why in rows.refused.values())


def held_because(tally: Tally, expected: Expectations) -> str | None:
    """Why all rows are to wait until a person has looked, in Dutch; None where the file is as expected."""
    data, refused = tally.data - tally.sums, tally.refused - tally.sums
    if data < expected.from_rows or refused <= expected.max_refused_share * data:
        return None
    return (
        f"{refused} van de {data} rijen zijn geweigerd; waarschijnlijk is er iets mis met het hele bestand. "
        "Kijk de redenen na en stuur het verbeterd opnieuw; klopt het bestand toch, vraag dan om het vrij "
        "te geven."
    )
