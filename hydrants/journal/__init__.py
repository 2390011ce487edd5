"""The journal: what came from outside, one small file per event, in LANDING beside the bytes themselves.

The store can be made again from LANDING alone, since everything else is computed. What is not
computed is an event: a file was delivered or taken away, a register or an address file was
loaded, a person decided, a mail was sent, a service answered, a snapshot was given its number.

An event is on disk before the transaction that applies it commits, and the table `event` notes
in that transaction that it is applied. So an event can be missing from the store (after a crash in
between, or where an older backup was restored), and `catch_up` applies it; the store never
knows of anything that the journal lacks.

Events have one order, that of their names: the moment (UTC, made later than every event the
store knows, whatever the clock says), the kind, and a hash of the content. Each kind has one
function that applies it, and nothing else changes the tables it speaks of. Applying twice, or
in another order, ends in the same tables.
"""

from hydrants.journal.applied import Kind, catch_up, close_months, record, unknown, write_as_of
from hydrants.journal.contents import keep, keep_dataset, kept_path, laid_out
from hydrants.journal.events import (
    Event,
    JournalDamaged,
    all_names,
    as_moment,
    as_text,
    kind_of,
    moment_of,
    read,
)

__all__ = [
    "Event",
    "JournalDamaged",
    "Kind",
    "all_names",
    "as_moment",
    "as_text",
    "catch_up",
    "close_months",
    "keep",
    "keep_dataset",
    "kept_path",
    "kind_of",
    "laid_out",
    "moment_of",
    "read",
    "record",
    "unknown",
    "write_as_of",
]
