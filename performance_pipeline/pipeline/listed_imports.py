"""Sources that are imported by themselves: which of them have changed, and taking those up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.import_result import Import
from performance_pipeline.pipeline.importing import import_sources
from performance_pipeline.settings import Settings
from performance_pipeline.sources.listing import ListedSource
from performance_pipeline.sources.records import Source
from performance_pipeline.storage.import_state import LastImport

# A source that is locked, say, does not change when it is locked no longer.
_TRY_AGAIN_SECONDS: Final = 60
_SENTENCES_KEPT: Final = 5


@dataclass(frozen=True)
class ChangedSource:
    """A listed source that is not as it was last imported."""

    listed: ListedSource
    files: Sequence[Path]
    signature: str
    before: LastImport | None

    @property
    def bytes(self) -> int:
        """How large its files are together, without those that are not there."""
        return sum(path.stat().st_size for path in self.files if path.exists())


@dataclass(frozen=True)
class TakenUp:
    """What the import of a changed source came to."""

    source: ChangedSource
    found: Import
    last: LastImport

    @property
    def is_news(self) -> bool:
        """Whether it did, or says, anything that the one before did not."""
        before = self.source.before
        if before is None or self.found.added or (self.found.changed and self.found.replaced):
            return True
        return before.trouble != self.last.trouble


def changed_sources(
    listing: Sequence[ListedSource], known: Mapping[str, LastImport], now: datetime
) -> list[ChangedSource]:
    """Those to be imported now: changed since they last were, or to be tried again."""
    changed = []
    for listed in listing:
        files = listed.files()
        signature, before = listed.signature(files), known.get(listed.name)
        if before is not None and before.signature == signature:
            waited = now.timestamp() - before.tried_at
            if not before.unreadable or 0 <= waited < _TRY_AGAIN_SECONDS:
                continue
        changed.append(ChangedSource(listed, files, signature, before))
    return changed


def take_up(settings: Settings, source: ChangedSource, now: datetime) -> TakenUp:
    """Import a changed source into the log folder; whatever is wrong is in the result."""
    listed, before = source.listed, source.before
    try:
        found = import_sources(
            listed.kind,
            [Source(path, listed.options) for path in source.files],
            settings.log_dir,
            now,
            replace=listed.replace,
            known_digest="" if before is None or before.unreadable else before.digest,
        )
    except (PipelineError, OSError) as error:
        found = Import(unreadable=[str(error)])
    # Where the logs say otherwise they are held against it again, so that it stays known.
    differs = found.changed and not found.replaced
    return TakenUp(
        source,
        found,
        LastImport(
            source.signature,
            "" if differs else found.digest,
            int(now.timestamp()),
            found.summary_line,
            tuple(found.trouble[:_SENTENCES_KEPT]),
            bool(found.unreadable),
        ),
    )
