"""`import`: what other software wrote becomes lines in trade logs, each record once.

A source is read as a whole before anything is written. Then, while nobody else imports, its
records are held against the lines that were imported before: what is missing is added.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from performance_pipeline.domain.numbers import EXACT
from performance_pipeline.sources.fields import exact
from performance_pipeline.sources.lines import NewLine, line_of
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

_DIGEST_SHOWN: Final = 20


@dataclass
class Tally:
    """How many records of one kind were left out, and what they come to, by currency or symbol."""

    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class Import:
    """What became of every record of the sources; `read` is the sum of the other counts."""

    added: int = 0
    already_there: int = 0
    changed: list[str] = field(default_factory=list)
    """A sentence a record: where it stands in its source, and in which log with which fields."""
    rejected: list[str] = field(default_factory=list)
    """A sentence a record: where it stands, which field, and why."""
    left_out: dict[str, Tally] = field(default_factory=dict)
    """By kind."""
    unreadable: list[str] = field(default_factory=list)
    """A sentence a source of which nothing was imported."""
    notes: Counter[str] = field(default_factory=Counter)
    foreign_fees: Counter[str] = field(default_factory=Counter)
    """How many records paid a fee in a currency other than that of their price, by currency."""
    fills: int = 0
    """How many of those added are open: fills, or trades that are not over."""
    replaced: bool = False
    """Whether the changed ones were written over."""
    lines_digest: str = ""
    """What tells the records of these sources from any others; the order does not matter."""

    @property
    def left_out_count(self) -> int:
        return sum(tally.count for tally in self.left_out.values())

    @property
    def read(self) -> int:
        return (
            self.added
            + self.already_there
            + len(self.changed)
            + self.left_out_count
            + len(self.rejected)
        )

    @property
    def succeeded(self) -> bool:
        """Whether every record is in the logs as its source has it."""
        return not (self.unreadable or self.rejected or (self.changed and not self.replaced))


class _Wanted(NamedTuple):
    line: NewLine
    source: Source
    where: str


def import_sources(
    kind: Format,
    sources: Sequence[Source],
    folder: Path,
    now: datetime,
    *,
    replace: bool = False,
    dry_run: bool = False,
) -> Import:
    """Add the records of `sources` that are not in the logs of `folder` yet.

    Those that are there with other content are written over only with `replace`. Raises
    UnreadableLogError, UnfinishedLogError and OSError for the logs; what is wrong with a source or
    a record is in the result.
    """
    found = Import(replaced=replace and not dry_run)
    wanted: dict[str, _Wanted] = {}
    for source in sources:
        try:
            _read_source(kind, source, now, wanted, found, replace=replace)
        except UnreadableSourceError as error:
            found.unreadable.append(str(error))
    with nullcontext() if dry_run else importing_into(folder):
        standing = _standing(wanted, imported_lines(folder, kind.name, now.date()))
        changes = _changes(wanted, standing, found, replace=replace)
        if not dry_run:
            for step in changes:
                change_logs(folder, step, now)
    return found


# --- reading ----------------------------------------------------------------------------------


def _read_source(
    kind: Format,
    source: Source,
    now: datetime,
    wanted: dict[str, _Wanted],
    found: Import,
    *,
    replace: bool,
) -> None:
    """Take up every record of one source; raises UnreadableSourceError, and then none."""
    lines: dict[str, _Wanted] = {}
    part = Import()
    repeated = Counter[str]()
    for where, raw in kind.records(source):
        try:
            if isinstance(raw, RecordError):
                raise raw
            record = kind.convert(raw, source)
            if isinstance(record, LeftOut):
                _leave_out(record, part)
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
        _add_from_other_source(one, wanted, part, replace=replace)
    _join(found, part)


def _id_of(record: TradeRecord, repeated: Counter[str]) -> str:
    if not record.repeats:
        return record.source_id
    digest = hashlib.sha256(record.source_id.encode()).hexdigest()[:_DIGEST_SHOWN]
    repeated[digest] += 1
    return f"{digest}-{repeated[digest]}"


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
    fields = _differing(known.line.content, one.line.content)
    found.changed.append(
        f"{one.source.name}: {one.where}: not as in {known.source.name}, {known.where}: {fields}"
    )
    if replace:
        wanted[one.line.source_id] = one


def _leave_out(record: LeftOut, found: Import) -> None:
    tally = found.left_out.setdefault(record.kind, Tally())
    amount = None if record.amount is None else exact(record.amount, "amount")
    tally.count += 1
    if amount is not None:
        tally.sums[record.unit] = EXACT.add(tally.sums.get(record.unit, Decimal(0)), amount)


def _join(found: Import, part: Import) -> None:
    found.already_there += part.already_there
    found.changed += part.changed
    found.rejected += part.rejected
    found.notes += part.notes
    found.foreign_fees += part.foreign_fees
    for kind, tally in part.left_out.items():
        joined = found.left_out.setdefault(kind, Tally())
        joined.count += tally.count
        for unit, amount in tally.sums.items():
            joined.sums[unit] = EXACT.add(joined.sums.get(unit, Decimal(0)), amount)


# --- holding against what is there ------------------------------------------------------------


def _standing(
    wanted: Mapping[str, _Wanted], lines: Iterable[tuple[str, Standing]]
) -> dict[str, list[Standing]]:
    """What the logs hold of the wanted records, by id."""
    standing: dict[str, list[Standing]] = {}
    for source_id, line in lines:
        if source_id in wanted:
            standing.setdefault(source_id, []).append(line)
    return standing


def _changes(
    wanted: Mapping[str, _Wanted],
    standing: Mapping[str, Sequence[Standing]],
    found: Import,
    *,
    replace: bool,
) -> Iterator[dict[date, DayChange]]:
    """What is to be done to the logs, in two steps, once all of it is counted.

    A line that moves to another day goes there in the second step only: killed in between, the
    record is missing, which the next import sees, and never there twice.
    """
    going: dict[date, DayChange] = {}
    coming: dict[date, DayChange] = {}
    for source_id, one in wanted.items():
        line = one.line
        known = standing.get(source_id)
        if not known:
            found.added += 1
            found.fills += b'"outcome":"open"' in line.content
        elif others := [other for other in known if not _says_the_same(other, line)]:
            names = ", ".join(sorted({log_name(other.day) for other in others}))
            fields = _differing(others[0].content, line.content)
            found.changed.append(f"{one.source.name}: {one.where}: not as in {names}: {fields}")
            if not replace:
                continue
            for other in others:
                step = coming if other.day == line.day else going
                step.setdefault(other.day, DayChange()).removed.add(other.content)
            if len(others) < len(known):
                continue  # What it should say is there too.
        else:
            found.already_there += 1
            continue
        coming.setdefault(line.day, DayChange()).added.append((line.instant, line.content))
    return iter((going, coming))


def _says_the_same(standing: Standing, line: NewLine) -> bool:
    if standing.content == line.content:
        return True
    # Somebody may have written the logs anew, with other spaces or keys in another order.
    return standing.day == line.day and not _differing(standing.content, line.content)


def _differing(before: bytes, now: bytes) -> str:
    """The names of the fields in which two lines differ."""
    old, new = (msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in (before, now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(names)
