"""The records of each day where fills are paired: kept, because the past may change after their log
is gone, and because pairing them again is quicker than reading the log again.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from performance_pipeline.domain.pairing import DayRecords
from performance_pipeline.storage.store import Store

FILLS_FOLDER: Final = "fills"
"""Where the records of paired days are kept, one file a day."""


def fills_name(day: date) -> str:
    """The file that keeps the records of `day`, within the output."""
    return f"{FILLS_FOLDER}/{day.isoformat()}.json"


class _Kept(msgspec.Struct, frozen=True):
    """The records of one log on one day, as the digest of what was read of the log tells them."""

    digest: str
    records: msgspec.Raw


_decode_day = msgspec.json.Decoder(dict[str, _Kept]).decode
_decode_records = msgspec.json.Decoder(DayRecords).decode


class KeptRecords:
    """The files in `output`, one a day."""

    def __init__(self, output: Store) -> None:
        self._output = output

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
        self._output.put(fills_name(day), content + b"\n")

    def _load(self, day: date) -> dict[str, _Kept]:
        try:
            return _decode_day(self._output.read(fills_name(day)))
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            # None kept yet, or mangled by a power cut: read again from the log.
            return {}
