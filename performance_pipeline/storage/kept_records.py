"""The records of each day where fills are paired: kept, because the past may change after their log
is gone, and because pairing them again is quicker than reading the log again.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from performance_pipeline.domain.pairing import DayRecords
from performance_pipeline.storage.files import write_if_changed


def fills_folder(output_dir: Path) -> Path:
    """Where the records of paired days are kept, one file a day."""
    return output_dir / "fills"


class _Kept(msgspec.Struct, frozen=True):
    """The records of one log on one day, as the digest of what was read of the log tells them."""

    digest: str
    records: msgspec.Raw


_decode_day = msgspec.json.Decoder(dict[str, _Kept]).decode
_decode_records = msgspec.json.Decoder(DayRecords).decode


class KeptRecords:
    """The files in `folder`, one a day."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, day: date, log: str, digest: str) -> DayRecords | None:
        """The records of `log` on `day`; None when those of `digest` are not kept."""
        kept = self._load(day).get(log)
        if kept is None or kept.digest != digest:
            return None
        return _decode_records(kept.records)

    def write(
        self, day: date, records: Mapping[str, tuple[str, DayRecords]], logs: set[str]
    ) -> None:
        """Keep `records` of `day`, by log and with its digest, beside those of its other `logs`."""
        kept = {log: one for log, one in self._load(day).items() if log in logs}
        for log, (digest, found) in records.items():
            kept[log] = _Kept(digest, msgspec.Raw(msgspec.json.encode(found)))
        content = msgspec.json.encode(dict(sorted(kept.items())))
        write_if_changed(self._path(day), content + b"\n")

    def _load(self, day: date) -> dict[str, _Kept]:
        try:
            return _decode_day(self._path(day).read_bytes())
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            # None kept yet, or mangled by a power cut: read again from the log.
            return {}

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.json"
