"""`import`: what other software wrote becomes lines in trade logs, each record once.

A source is read as a whole before anything is written. Then, while nobody else imports, its
records are held against the lines that were imported before: what is missing is added.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple

from performance_pipeline.pipeline.import_result import Import
from performance_pipeline.places import Place
from performance_pipeline.sources.lines import NewLine, differing_fields, line_of
from performance_pipeline.sources.records import (
    Format,
    LeftOut,
    RecordError,
    Source,
    TradeRecord,
    UnreadableSourceError,
)
from performance_pipeline.storage.log_writing import (
    DayChange,
    Standing,
    change_logs,
    imported_lines,
    importing_into,
)
from performance_pipeline.storage.logs import log_name
from performance_pipeline.storage.store import OverwrittenError

_DIGEST_SHOWN: Final = 20
_TRIES: Final = 10


class _Wanted(NamedTuple):
    line: NewLine
    source: Source
    where: str


class _Cancelling(NamedTuple):
    """A record that takes a trade back: that of one of its `cancels`."""

    record: LeftOut
    source: Source
    where: str


@dataclass
class _Records:
    """What the sources of one import say: lines by id, and which of them are taken back."""

    lines: dict[str, _Wanted] = field(default_factory=dict)
    cancelling: list[_Cancelling] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        return {*self.lines, *(name for one in self.cancelling for name in one.record.cancels)}


def import_sources(
    kind: Format,
    sources: Sequence[Source],
    folder: Place,
    now: datetime,
    *,
    replace: bool = False,
    dry_run: bool = False,
    known_digest: str | None = None,
) -> Import:
    """Add the records of `sources` that are not in the logs of `folder` yet.

    Those that are there with other content are written over only with `replace`. Where the sources
    say what they said when an import ended with `known_digest`, the logs are not read. Raises
    UnreadableLogError, UnfinishedLogError and OSError for the logs; what is wrong with a source or
    a record is in the result.
    """
    found = Import(replaced=replace and not dry_run)
    records = _Records()
    for source in sources:
        try:
            _read_source(kind, source, now, records, found, replace=replace)
        except UnreadableSourceError as error:
            found.unreadable.append(str(error))
    if known_digest is not None:
        found.digest = _digest(records, found)
        if found.digest == known_digest:
            found.already_there += len(records.lines)
            return found
    for tries_left in reversed(range(_TRIES)):
        try:
            found.join(
                _held_against_logs(
                    records, kind.name, folder, now, replace=replace, dry_run=dry_run
                )
            )
            break
        except OverwrittenError:  # In a bucket, where a bot or another import was quicker.
            if not tries_left:
                raise
    return found


# --- reading ----------------------------------------------------------------------------------


def _read_source(
    kind: Format,
    source: Source,
    now: datetime,
    records: _Records,
    found: Import,
    *,
    replace: bool,
) -> None:
    """Take up every record of one source; raises UnreadableSourceError, and then none."""
    lines: dict[str, _Wanted] = {}
    cancelling: list[_Cancelling] = []
    part = Import()
    repeated = Counter[str]()
    for where, raw in kind.records(source):
        try:
            if isinstance(raw, RecordError):
                raise raw
            record = kind.convert(raw, source)
            if isinstance(record, LeftOut):
                if record.cancels:
                    cancelling.append(_Cancelling(record, source, where))
                else:
                    part.leave_out(record)
                continue
            line = line_of(record, _id_of(record, repeated), kind.name, source)
            if line.day > now.date():
                raise RecordError("timestamp", "in the future")
            _take(_Wanted(line, source, where), lines, part)
        except RecordError as error:
            part.rejected.append(f"{source.name}: {where}: {error}")
            continue
        part.notes.update(record.notes)
        part.foreign_fees.update(line.foreign_fees)
    for one in lines.values():
        _add_from_other_source(one, records.lines, part, replace=replace)
    records.cancelling += cancelling
    found.join(part)


def _id_of(record: TradeRecord, repeated: Counter[str]) -> str:
    if not record.repeats:
        return record.source_id
    digest = hashlib.sha256(record.source_id.encode()).hexdigest()[:_DIGEST_SHOWN]
    repeated[digest] += 1
    return f"{digest}-{repeated[digest]}"


def _digest(records: _Records, found: Import) -> str:
    """What tells all that the sources say from anything else; their order does not matter."""
    digest = hashlib.sha256()
    for source_id, one in sorted(records.lines.items()):
        digest.update(f"{source_id}\n".encode() + one.line.content + b"\n")
    others = (
        sorted(name for one in records.cancelling for name in one.record.cancels),
        found.rejected,
        found.changed,
        found.unreadable,
        found.left_out_count,
    )
    digest.update(repr(others).encode())
    return digest.hexdigest()


def _take(one: _Wanted, lines: dict[str, _Wanted], found: Import) -> None:
    known = lines.setdefault(one.line.source_id, one)
    if known is one:
        return
    if known.line.content == one.line.content:
        found.already_there += 1
        return
    raise RecordError("id", f"that of {known.where} too, which says something else")


def _add_from_other_source(
    one: _Wanted, wanted: dict[str, _Wanted], found: Import, *, replace: bool
) -> None:
    """Take up a line that an earlier source of this import may have given too."""
    known = wanted.setdefault(one.line.source_id, one)
    if known is one:
        return
    if known.line.content == one.line.content:
        found.already_there += 1
        return
    fields = differing_fields(known.line.content, one.line.content)
    found.changed.append(
        f"{one.source.name}: {one.where}: not as in {known.source.name}, {known.where}: {fields}"
    )
    if replace:
        wanted[one.line.source_id] = one


# --- holding against what is there ------------------------------------------------------------


def _held_against_logs(
    records: _Records, source: str, folder: Place, now: datetime, *, replace: bool, dry_run: bool
) -> Import:
    """Add what the logs lack of `records`, and tell what became of each record.

    `records` are not changed, so that it can be tried again.
    """
    found, plan = Import(), _Plan()
    with nullcontext() if dry_run else importing_into(folder) as logs:
        standing = _standing(records.ids, imported_lines(folder, source, now.date()))
        lines = dict(records.lines)
        for one in records.cancelling:
            _cancel(one, lines, standing, found, plan, replace=replace)
        for wanted in lines.values():
            known = standing.get(wanted.line.source_id, ())
            _compare(wanted, known, found, plan, replace=replace)
        if logs is not None:
            change_logs(logs, plan.going, now)
            change_logs(logs, plan.coming, now)
    return found


@dataclass
class _Plan:
    """What is to be done to the logs, in two steps.

    A line that moves to another day goes there in the second one: killed in between, the record is
    missing, which the next import sees, and never there twice.
    """

    going: dict[date, DayChange] = field(default_factory=dict)
    coming: dict[date, DayChange] = field(default_factory=dict)

    def remove(self, line: Standing, *, for_good: bool) -> None:
        step = self.going if for_good else self.coming
        step.setdefault(line.day, DayChange()).removed.add(line.content)

    def add(self, line: NewLine) -> None:
        self.coming.setdefault(line.day, DayChange()).added.append((line.instant, line.content))


def _standing(ids: set[str], lines: Iterable[tuple[str, Standing]]) -> dict[str, list[Standing]]:
    """What the logs hold of the records of these ids."""
    standing: dict[str, list[Standing]] = {}
    for source_id, line in lines:
        if source_id in ids:
            standing.setdefault(source_id, []).append(line)
    return standing


def _cancel(
    one: _Cancelling,
    lines: dict[str, _Wanted],
    standing: Mapping[str, Sequence[Standing]],
    found: Import,
    plan: _Plan,
    *,
    replace: bool,
) -> None:
    """Leave out a trade that was taken back, with the record that does so."""
    kind = LeftOut(one.record.kind)
    for source_id in one.record.cancels:
        if lines.pop(source_id, None) is not None:
            found.leave_out(kind)
    known = [line for source_id in one.record.cancels for line in standing.get(source_id, ())]
    if not known:
        found.leave_out(kind)
        return
    found.changed.append(f"{one.source.name}: {one.where}: cancels a line in {_names(known)}")
    if replace:
        for line in known:
            plan.remove(line, for_good=True)


def _compare(
    one: _Wanted,
    known: Sequence[Standing],
    found: Import,
    plan: _Plan,
    *,
    replace: bool,
) -> None:
    """Add a record that is in no log, and see to one that a log has with other content."""
    line = one.line
    others = [other for other in known if not _says_the_same(other, line)]
    if not known:
        found.added += 1
        found.fills += b'"outcome":"open"' in line.content
        plan.add(line)
    elif not others:
        found.already_there += 1
    else:
        fields = differing_fields(others[0].content, line.content)
        found.changed.append(
            f"{one.source.name}: {one.where}: not as in {_names(others)}: {fields}"
        )
        if replace:
            for other in others:
                plan.remove(other, for_good=other.day != line.day)
            if len(others) == len(known):
                plan.add(line)


def _names(lines: Sequence[Standing]) -> str:
    return ", ".join(sorted({log_name(line.day) for line in lines}))


def _says_the_same(standing: Standing, line: NewLine) -> bool:
    if standing.content == line.content:
        return True
    # Somebody may have written the logs anew, with other spaces or keys in another order.
    return standing.day == line.day and not differing_fields(standing.content, line.content)
