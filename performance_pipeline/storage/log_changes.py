"""What changed in the log folder since the last look: which trading days have to be computed again.

The watcher's whole memory is a `Watch`. Sizes and times tell cheaply that nothing changed; where
they differ, the digest of the content decides. A log that could not be read is tried anew at every
look, because being allowed to read it changes neither.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from performance_pipeline.domain.windows import (
    days_between,
    log_days_of,
    trading_day,
    trading_days_of,
)
from performance_pipeline.settings import Settings
from performance_pipeline.storage.index import load_index
from performance_pipeline.storage.logs import (
    LogContent,
    LogFile,
    LogListing,
    UnreadableLogError,
    emptied_folder_error,
    list_logs,
    log_name,
)
from performance_pipeline.storage.stores import store_at

_DIGEST_SHOWN: Final = 16
_UNREADABLE: Final = "unreadable"
"""In place of a digest."""
_NO_LOG: Final = frozenset({"deleted", "missing", "absent"})
"""In place of digests in the data version of a day, each for another reason."""


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A log as it was taken up: size, modification time, digest and length of its whole lines."""

    size: int
    modified_ns: int
    digest: str
    length: int
    taken_up: int
    """When, in seconds since 1970."""
    lines: int | None = None
    """How many lines it holds; None where nobody has counted them."""


class Watch(msgspec.Struct, frozen=True):
    """The logs as last taken up, and the data version last reported of each trading day.

    `told` are the sentences about logs left out that have been said already, and `looked_on` the
    UTC day of the last look. `unreported` are the
    days that were made since `unreported_since`, in seconds since 1970, without telling Dagster;
    see `defs/running_days.py`.
    """

    logs: dict[str, Seen] = {}
    deleted: tuple[str, ...] = ()
    days: dict[date, str] = {}
    told: tuple[str, ...] = ()
    looked_on: date | None = None
    unreported: tuple[date, ...] = ()
    unreported_since: int = 0

    @classmethod
    def decode(cls, text: str | None) -> "Watch":
        """The watch that `encode` wrote; an empty one for anything else."""
        try:
            return msgspec.json.decode(text, type=cls) if text else cls()
        except msgspec.DecodeError:
            return cls()

    def encode(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def digest(self) -> str:
        """What tells this watch from any other."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]


@dataclass(frozen=True)
class Changes:
    """The new data versions of the days that changed, and what an operator should hear."""

    days: dict[date, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LogSize:
    """The logs that a day's lines may stand in: their names, bytes on disk and lines."""

    names: tuple[str, ...]
    bytes: int
    lines: int | None


def is_of_a_log(version: str) -> bool:
    """Whether a day of this data version had a log."""
    return not _NO_LOG.issuperset(version.split("-"))


def size_of_day(watch: Watch, day: date, zone: ZoneInfo) -> LogSize:
    """How large the logs are that overlap the trading day `day`, as they were taken up."""
    names = [log_name(log_day) for log_day in log_days_of(day, zone)]
    seen = {name: watch.logs[name] for name in names if name in watch.logs}
    counts = [one.lines for one in seen.values()]
    known = [count for count in counts if count is not None]
    return LogSize(
        tuple(seen),
        sum(one.size for one in seen.values()),
        sum(known) if len(known) == len(counts) else None,
    )


def look(settings: Settings, watch: Watch, now: datetime) -> tuple[Changes, Watch]:
    """Compare the log folder with what `watch` remembers; also gives the watch to remember next.

    A log that only grew waits until it was last taken up `refresh_seconds` ago; any other change
    counts at once, one at the beginning of a grown log too. Raises LogFolderError when the folder
    is gone, or all its logs are.
    """
    listing = list_logs(settings.log_dir, now.date(), settings.origins)
    if not listing.files and (
        known := watch.logs or load_index(store_at(settings.output_dir)).logs
    ):
        raise emptied_folder_error(settings.log_dir, known, settings.origins)
    logs: dict[str, Seen] = {}
    unreadable = []
    for log in listing.files.values():
        name = log.name
        before = watch.logs.get(name)
        try:
            logs[name] = _seen(log, before, settings, now)
        except UnreadableLogError as error:
            # Taken up all the same, so that its day's run fails by name, where people look.
            logs[name] = _unreadable(log, before, now)
            unreadable.append(str(error))
    deleted = tuple(sorted(({*watch.logs, *watch.deleted}) - logs.keys()))
    if _is_as_before(watch, logs, deleted, settings, now):
        days = watch.days
    else:
        days = dict(_versions(settings, logs, deleted, now))
    told = (*_left_out(settings, listing), *unreadable)
    changed = {day: version for day, version in days.items() if watch.days.get(day) != version}
    warnings = tuple(sentence for sentence in told if sentence not in watch.told)
    return Changes(changed, warnings), msgspec.structs.replace(
        watch, logs=logs, deleted=deleted, days=days, told=told, looked_on=now.date()
    )


def _is_as_before(
    watch: Watch,
    logs: dict[str, Seen],
    deleted: tuple[str, ...],
    settings: Settings,
    now: datetime,
) -> bool:
    """Whether the versions of all days are those of `watch`: so it is at nearly every look."""
    if (watch.looked_on, watch.deleted, watch.logs) != (now.date(), deleted, logs):
        return False
    return trading_day(now, settings.timezone) in watch.days or not logs


def _seen(log: LogFile, before: Seen | None, settings: Settings, now: datetime) -> Seen:
    unfinished = log.day >= now.date() and not log.archived
    if before is not None and before.digest != _UNREADABLE:
        finished = unfinished or log.archived or before.length >= before.size
        if (log.size, log.modified_ns) == (before.size, before.modified_ns) and finished:
            return before
        # Negative where the clock was set back: then nothing is waited for.
        waiting = 0 <= _seconds(now) - before.taken_up < settings.refresh_seconds
        growing = log.size > before.size and waiting and finished
        if growing and LogContent(log, unfinished).begins_with(before.length, before.digest):
            return before
    content = LogContent(log, unfinished)
    lines = content.consume()
    digest = content.digest[:_DIGEST_SHOWN]
    as_before = before if before is not None and digest == before.digest else None
    taken_up = as_before.taken_up if as_before else _seconds(now)
    return Seen(log.size, log.modified_ns, digest, content.length, taken_up, lines)


def _unreadable(log: LogFile, before: Seen | None, now: datetime) -> Seen:
    seen = Seen(log.size, log.modified_ns, _UNREADABLE, 0, _seconds(now))
    if before == msgspec.structs.replace(seen, taken_up=before.taken_up if before else 0):
        return before  # Still the same file, and still not to be read: nothing has changed.
    return seen


def _versions(
    settings: Settings,
    logs: dict[str, Seen],
    deleted: tuple[str, ...],
    now: datetime,
) -> Iterator[tuple[date, str]]:
    """The data version of every day from the oldest log to today, log or none."""
    zone = settings.timezone
    known = [*logs, *deleted]
    if not known:
        return
    oldest = date.fromisoformat(min(known).removesuffix(".jsonl"))
    first = max(settings.start_date, trading_days_of(oldest, zone)[0])
    for day in days_between(first, trading_day(now, zone)):
        parts = []
        for log_day in log_days_of(day, zone):
            name = log_name(log_day)
            if (seen := logs.get(name)) is not None:
                parts.append(seen.digest)
            elif name in deleted:
                parts.append("deleted")
            elif log_day == day:
                # Only once its UTC day is over does a session without a log count as missing.
                parts.append("missing" if log_day < now.date() else "absent")
        yield day, "-".join(parts)


def _left_out(settings: Settings, listing: LogListing) -> list[str]:
    old = [
        log.name
        for day, log in sorted(listing.files.items())
        if day < settings.start_date
        and trading_days_of(day, settings.timezone)[-1] < settings.start_date
    ]
    older = f"{len(old)} logs are older than the first partition, {settings.start_date}"
    named = settings.origins.named("PERFORMANCE_START_DATE")
    names = f"{old[0]} to {old[-1]}" if old else ""
    return [
        *listing.ignored,
        *([f"{older} ({named}), and not counted: {names}"] if old else []),
    ]


def _seconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1))
