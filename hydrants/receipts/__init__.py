"""Receipts: every upload is answered, with its own rows, what became of each, and what to do.

A receipt is an Excel workbook and a JSON document beside it, in the private part of SITE of
the firm that sent the file. It is written when what it says has changed, and equal facts
make equal bytes. A corrected receipt that is sent back is an upload as any other.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hydrants import store
from hydrants.receipts import document, facts, index, places, states, workbook
from hydrants.receipts.facts import Upload
from hydrants.reference import profile as profiles
from hydrants.reference.profile import Profile
from hydrants.settings import Settings
from hydrants.store.files import sha256_of
from hydrants.store.tables import receipt

VERSION = 1


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Answer every upload of the batch that was validated, or refused as a whole.

    Returns:
        receipts_written: files written because what they say has changed, or because they were gone;
        receipts_changed: those of them that tell their reader something new;
        receipts_moved: those whose upload went by another name or in another batch before.
        All zero when nothing is new.
    """
    counts = {"receipts_written": 0, "receipts_changed": 0, "receipts_moved": 0}
    profile = profiles.load(contractor)
    left: set[str] = set()
    with places.alone(settings.site, contractor, nis):
        with store.read(engine) as connection:
            uploads = facts.answerable(connection, contractor, nis, VERSION, profile.name)
            stale = [item for item in uploads if not _is_answered(connection, settings, item)]
        for item in stale:
            is_changed, moved_from = _answer(engine, settings, item, profile)
            counts["receipts_written"] += 1
            counts["receipts_changed"] += is_changed
            counts["receipts_moved"] += moved_from is not None
            if moved_from is not None:
                left.add(places.contractor_of(moved_from))
    for firm in sorted(left | {contractor}):
        index.write(engine, settings.site, firm)
    return counts


def _is_answered(connection: sa.Connection, settings: Settings, item: Upload) -> bool:
    """Whether the receipt says what is known now, and its files are there as they were written."""
    state = states.state(connection, item.upload_id)
    row = _receipt(connection, item.upload_id)
    if state is None or state.fingerprint != item.inputs or row is None:
        return False
    files = {suffix: places.receipt_file(settings.site, row.path, suffix) for suffix in places.SUFFIXES}
    return all(
        file.is_file() and file.stat().st_size == state.counts["bytes"][suffix]
        for suffix, file in files.items()
    )


def _answer(engine: sa.Engine, settings: Settings, item: Upload, profile: Profile) -> tuple[bool, str | None]:
    """Write a receipt; whether it says something new, and where it lay before if that was elsewhere."""
    with store.read(engine) as connection:
        path = _free_path(connection, item)
        xlsx, json = (places.receipt_file(settings.site, path, suffix) for suffix in places.SUFFIXES)
        places.make_folder(settings.site, xlsx.parent)
        answer = facts.gather(connection, item, profile)
        groups = workbook.write(places.aside(xlsx), connection, answer)
        document.write(places.aside(json), connection, answer, groups)
    says = sha256_of(places.aside(json))
    sizes = {file.suffix: places.aside(file).stat().st_size for file in (xlsx, json)}
    told = {**answer.counts._asdict(), "format": answer.format, "bytes": sizes, "says": says}
    with store.write(engine) as connection:
        before = _receipt(connection, item.upload_id)
        state = states.state(connection, item.upload_id)
        is_changed = before is None or state is None or state.counts["says"] != says
        values = {"path": path, "written_at": store.utc_now() if is_changed else before.written_at}
        if before is None:
            connection.execute(sa.insert(receipt).values(upload_id=item.upload_id, **values))
        else:
            connection.execute(
                sa.update(receipt).where(receipt.c.upload_id == item.upload_id).values(**values)
            )
        store.mark_done(connection, states.STAGE, states.scope(item.upload_id), item.inputs, told)
        # before the commit: who is cut short here finds the inputs changed, and does it all again
        for file in (xlsx, json):
            places.put_in_place(file)
        if before is None or before.path == path:
            return is_changed, None
        places.remove(settings.site, before.path)
        return is_changed, str(before.path)


def _receipt(connection: sa.Connection, upload_id: int) -> Any:
    return connection.execute(sa.select(receipt).where(receipt.c.upload_id == upload_id)).first()


def _free_path(connection: sa.Connection, item: Upload) -> str:
    """Where the receipt goes: by the start of the hash, unless somebody made two files that share it."""
    identity = (item.contractor, item.nis, item.file_name, item.sha256)
    path = places.receipt_path(*identity)
    query = sa.select(receipt.c.upload_id).where(
        receipt.c.path == path, receipt.c.upload_id != item.upload_id
    )
    if connection.execute(query).first() is None:
        return path
    return places.receipt_path(*identity, digits=len(item.sha256))
