"""The mapping file of a CSV: which column is which field of a trade log, and how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from performance_pipeline.sources.yaml_file import Value, read_yaml

NUMBERS: Final = (
    "quantity",
    "price",
    "multiplier",
    "stop_loss",
    "target",
    "profit_loss",
    "net_profit_loss",
    "hold_duration_seconds",
    "slippage",
    "commission",
)
TIMES: Final = ("timestamp", "exit_timestamp")
_TEXTS: Final = (
    "symbol",
    "action",
    "outcome",
    "order_id",
    "execution_mode",
    "account_id",
    "strategy_name",
    "entry_type",
    "exit_reasoning",
    "decision_reasoning",
    "currency",
    "commission_currency",
)
_FIELDS: Final = (*TIMES, *_TEXTS, *NUMBERS)
_NEEDED: Final = ("timestamp", "symbol", "quantity", "price")
_CHOICES: Final = {
    "action": ("BUY", "SELL"),
    "outcome": ("win", "loss", "breakeven", "open"),
    "execution_mode": ("LIVE", "PAPER"),
}
_KEYS: Final = (
    "columns",
    "fixed",
    "values",
    "id",
    "name",
    "time",
    "timezone",
    "decimal",
    "thousands",
    "delimiter",
    "costs",
    "trades",
    "amount",
)


class Column(NamedTuple):
    """A column by the name that the file's header gives it, and where the mapping names it."""

    name: str
    at: Value


@dataclass(frozen=True)
class CsvMapping:
    """What a mapping file says; docs/imports.md has each key."""

    columns: Mapping[str, tuple[Column, ...]]
    """By field of the log: the columns it is read from, joined by a space."""
    fixed: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    """By field: what the file writes, and what the log says instead."""
    id: tuple[Column, ...]
    name: str
    time: str
    zone: ZoneInfo | None
    decimal: str
    thousands: str
    delimiter: str
    costs_are_negative: bool
    trades: tuple[Column, frozenset[str]] | None
    """The column that tells trades from other rows, and what stands in it for a trade."""
    amount: Column | None
    """The column with the money that other rows move."""


def load_mapping(path: Path) -> CsvMapping:
    """The mapping at `path`; raises PipelineError with file, line and key."""
    root = read_yaml(path)
    keys = root.section(_KEYS)
    if "columns" not in keys:
        raise root.error("needed is columns: a section of log fields, each with its column")
    columns = {
        field: tuple(_column(one) for one in _each(value))
        for field, value in keys["columns"].section(_FIELDS).items()
    }
    fixed = {
        field: _chosen(field, value) for field, value in _section(keys, "fixed", _FIELDS).items()
    }
    for field in _NEEDED:
        if field not in columns and field not in fixed:
            raise keys["columns"].error(f"needed is a column for {field}")
    return CsvMapping(
        columns=columns,
        fixed=fixed,
        values={
            field: {written: _chosen(field, said) for written, said in value.section().items()}
            for field, value in _section(keys, "values", _TEXTS).items()
        },
        id=tuple(_column(one) for one in _each(keys["id"])) if "id" in keys else (),
        name=_text(keys, "name", ""),
        time=_text(keys, "time", ""),
        zone=keys["timezone"].zone if "timezone" in keys else None,
        decimal=_one_of(keys, "decimal", ".", (".", ",")),
        thousands=_one_of(keys, "thousands", "", (".", ",", " ", "'")),
        delimiter=_delimiter(keys),
        costs_are_negative=_one_of(keys, "costs", "positive", ("positive", "negative"))
        == "negative",
        trades=_trades(keys),
        amount=_column(keys["amount"]) if "amount" in keys else None,
    )


def _section(keys: Mapping[str, Value], name: str, known: tuple[str, ...]) -> dict[str, Value]:
    return keys[name].section(known) if name in keys else {}


def _each(value: Value) -> list[Value]:
    return value.items if value.is_list else [value]


def _column(value: Value) -> Column:
    return Column(value.text, value)


def _text(keys: Mapping[str, Value], name: str, default: str) -> str:
    return keys[name].text if name in keys else default


def _one_of(keys: Mapping[str, Value], name: str, default: str, accepted: tuple[str, ...]) -> str:
    return keys[name].one_of(accepted) if name in keys else default


def _chosen(field: str, value: Value) -> str:
    return value.one_of(_CHOICES[field]) if field in _CHOICES else value.text


def _delimiter(keys: Mapping[str, Value]) -> str:
    text = _text(keys, "delimiter", ",")
    if len(text) != 1:
        raise keys["delimiter"].error('needed is one character, as ";" or "\\t"')
    return text


def _trades(keys: Mapping[str, Value]) -> tuple[Column, frozenset[str]] | None:
    if "trades" not in keys:
        return None
    columns = keys["trades"].section()
    if len(columns) != 1:
        raise keys["trades"].error("needed is one column, and what stands in it for a trade")
    ((name, value),) = columns.items()
    return Column(name, value), frozenset(value.texts)
