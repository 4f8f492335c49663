"""freqtrade's files in JSON: a backtest's result, also zipped, and `show-trades --print-json`.

Here they are cut into trades; `freqtrade_json_trade.py` reads one.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from performance_pipeline.sources.fields import Raw
from performance_pipeline.sources.json_records import trimmed
from performance_pipeline.sources.records import Source

ZIP_MAGIC: Final = b"PK\x03\x04"

T = TypeVar("T")


class StrategyResult(NamedTuple):
    """What a backtest says of one strategy."""

    name: str
    trades: Sequence[Raw]
    stated: Mapping[str, Any]
    """Everything else, numbers as Decimals and whole ones as int."""


class _Result(msgspec.Struct):
    strategy: dict[str, dict[str, Raw]]


_decode_result: Final = msgspec.json.Decoder(_Result).decode
_decode_list: Final = msgspec.json.Decoder(list[Raw]).decode
_decode_value: Final = msgspec.json.Decoder(float_hook=Decimal).decode
# freqtrade writes what it cannot compute as these, which are no JSON.
_no_numbers: Final = (re.compile(rb"NaN"), re.compile(rb"-?Infinity"))


def strategy_results(source: Source, content: bytes) -> list[StrategyResult]:
    """What a backtest, plain or zipped, says of each strategy; raises UnreadableSourceError."""
    if content.startswith(ZIP_MAGIC):
        result = _zipped_result(source, content)
    else:
        try:
            result = _lenient(_decode_result, content)
        except msgspec.ValidationError:
            raise source.unreadable("neither a backtest result nor a list of trades") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise source.unreadable(f"not JSON ({error})") from None
    return [_strategy(source, name, fields) for name, fields in result.strategy.items()]


def _strategy(source: Source, name: str, fields: Mapping[str, Raw]) -> StrategyResult:
    try:
        trades = _decode_list(fields["trades"])
        stated = {key: _decode_value(value) for key, value in fields.items() if key != "trades"}
    except KeyError:
        raise source.unreadable(f"strategy {name} has no `trades`") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise source.unreadable(f"strategy {name}: {error}") from None
    return StrategyResult(name, trades, stated)


def _zipped_result(source: Source, content: bytes) -> _Result:
    """The one member that is a result: beside it lie configuration, strategies and candles."""
    found: dict[str, _Result] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    with suppress(msgspec.DecodeError, RecursionError):
                        found[name] = _lenient(_decode_result, archive.read(name))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise source.unreadable(f"a zip that is damaged or locked ({error})") from None
    if len(found) != 1:
        said = f"several: {', '.join(found)}" if found else "none"
        raise source.unreadable(f"a zip holds one backtest result, and this one {said}")
    return next(iter(found.values()))


def printed_trades(source: Source, content: bytes) -> Sequence[Raw]:
    """The trades of `show-trades --print-json`; raises UnreadableSourceError."""
    try:
        return _lenient(_decode_list, content)
    except msgspec.ValidationError:
        raise source.unreadable("neither a list of trades nor a backtest result") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise source.unreadable(f"not JSON ({error})") from None


def _lenient(decode: Callable[[bytes], T], content: bytes) -> T:
    """What JSON says, that of freqtrade too, which writes what it cannot compute as NaN."""
    try:
        return decode(content)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        for what in _no_numbers:
            content = _with_null_for(what, content)
        return decode(content)


def _with_null_for(what: re.Pattern[bytes], content: bytes) -> bytes:
    parts: list[bytes] = []
    quotes = end = 0
    for found in what.finditer(content):
        before = content[end : found.start()]
        unescaped = before.replace(rb"\\", b"")
        quotes += unescaped.count(b'"') - unescaped.count(rb"\"")
        # After an odd number of quotes it stands in a text.
        parts += (before, found[0] if quotes % 2 else b"null")
        end = found.end()
    return b"".join((*parts, content[end:])) if parts else content


def is_result(content: bytes) -> bool:
    """Whether JSON, or a zip, may be the result of a backtest, rather than a list of trades."""
    return content.startswith(ZIP_MAGIC) or trimmed(content).startswith(b"{")
