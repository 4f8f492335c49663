"""Any CSV with its mapping file as trade logs."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.import_result import Import
from performance_pipeline.sources.records import ImportOptions
from performance_pipeline_tests.support.imports import (
    counts,
    imported,
    records_in,
    source_of,
)

FILLS: Final = """
columns: {timestamp: Time, symbol: Symbol, action: Side, quantity: Qty, price: Price}
"""
HEADER: Final = "Time,Symbol,Side,Qty,Price\n"
ROW: Final = "2025-11-03T14:31:00Z,AAPL,buy,10,150.25\n"


def imported_csv(folder: Path, content: str, mapping: str = FILLS, zone: str = "") -> Import:
    options = ImportOptions(
        mapping=source_of(folder, "map.yaml", mapping), zone=ZoneInfo(zone) if zone else None
    )
    return imported("csv", source_of(folder, "t.csv", content), folder / "logs", options)


def only_line(folder: Path, content: str, mapping: str = FILLS, zone: str = "") -> dict[str, Any]:
    found = imported_csv(folder, content, mapping, zone)
    assert found.rejected == []
    (record,) = records_in(folder / "logs")
    return record


def test_a_row_is_a_fill(tmp_path: Path) -> None:
    record = only_line(tmp_path, HEADER + ROW)
    assert len(record.pop("source_id")) == len("0123456789abcdef0123-1")
    assert record == {
        "timestamp": "2025-11-03T14:31:00Z",
        "symbol": "AAPL",
        "action": "BUY",
        "quantity": "10",
        "price": "150.25",
        "total_value": "1502.5",
        "outcome": "open",
        "source": "csv",
    }


GERMAN: Final = """
columns:
  timestamp: [Datum, Zeit]
  symbol: Titel
  action: Art
  quantity: Anzahl
  price: Kurs
  commission: Spesen
  commission_currency: Währung
values:
  action: {Kauf: BUY, Verkauf: SELL}
fixed: {currency: EUR, execution_mode: LIVE, strategy_name: swing}
id: [Auftrag, Teil]
name: bank
time: "%d.%m.%Y %H:%M"
timezone: Europe/Berlin
delimiter: ";"
decimal: ","
thousands: "."
costs: negative
trades: {Typ: [Handel]}
amount: Spesen
"""
GERMAN_HEADER: Final = "Typ;Datum;Zeit;Titel;Art;Anzahl;Kurs;Spesen;Währung;Auftrag;Teil\n"


def test_a_mapping_says_how_a_file_writes(tmp_path: Path) -> None:
    rows = (
        "Handel;03.11.2025;14:31;ALV.DE;Kauf;1.000,5;251,30;-9,90;EUR;A7;1\n"
        "Zins;03.11.2025;14:31;;;;;-1.003,50;EUR;A8;1\n"
    )
    found = imported_csv(tmp_path, GERMAN_HEADER + rows, GERMAN)
    assert counts(found) == (2, 1, 0, 0, 1, 0)
    assert found.left_out["Zins"].sums == {"EUR": Decimal("-1003.50")}
    (record,) = records_in(tmp_path / "logs")
    assert record == {
        "timestamp": "2025-11-03T13:31:00Z",
        "symbol": "ALV.DE",
        "action": "BUY",
        "quantity": "1000.5",
        "price": "251.30",
        "total_value": "251425.65",
        "outcome": "open",
        "source": "csv",
        "source_id": "bank:A7:1",
        "execution_mode": "LIVE",
        "strategy_name": "swing",
        "commission": "9.90",
    }


@pytest.mark.parametrize(
    ("time", "mapping", "zone", "said"),
    [
        ("2025-11-03 09:31:00", "", "America/New_York", "2025-11-03T14:31:00Z"),
        ("2025-11-03T09:31:00.123456789-05:00", "", "", "2025-11-03T14:31:00.123456Z"),
        ("1762180260.5", "time: seconds", "", "2025-11-03T14:31:00.500000Z"),
        ("1762180260123", "time: milliseconds", "", "2025-11-03T14:31:00.123000Z"),
        (
            "11/03/25 2:31 PM",
            'time: "%m/%d/%y %I:%M %p"\ntimezone: UTC',
            "",
            "2025-11-03T14:31:00Z",
        ),
        ("2025-11-03 14:31", "timezone: UTC", "America/New_York", "2025-11-03T19:31:00Z"),
    ],
)
def test_times_are_read_as_the_mapping_says(
    tmp_path: Path, time: str, mapping: str, zone: str, said: str
) -> None:
    record = only_line(tmp_path, f"{HEADER}{time},AAPL,buy,1,1\n", FILLS + mapping, zone)
    assert record["timestamp"] == said


def test_without_a_column_for_the_side_the_sign_of_the_quantity_says_it(tmp_path: Path) -> None:
    mapping = "columns: {timestamp: Time, symbol: Symbol, quantity: Qty, price: Price}"
    record = only_line(tmp_path, f"{HEADER}2025-11-03T14:31:00Z,AAPL,,-10,1\n", mapping)
    assert (record["action"], record["quantity"]) == ("SELL", "10")


CLOSED: Final = """
columns:
  timestamp: Opened
  exit_timestamp: Closed
  symbol: Symbol
  action: Side
  quantity: Qty
  price: Price
  net_profit_loss: Net
"""


@pytest.mark.parametrize(
    ("net", "outcome"), [("12.50", "win"), ("-0.01", "loss"), ("0.00", "breakeven"), ("", "open")]
)
def test_a_row_with_a_profit_is_a_closed_trade(tmp_path: Path, net: str, outcome: str) -> None:
    content = (
        "Opened,Closed,Symbol,Side,Qty,Price,Net\n"
        f"2025-11-02T23:00:00Z,2025-11-03T01:00:00.5Z,AAPL,buy,1,10,{net}\n"
    )
    record = only_line(tmp_path, content, CLOSED)
    assert record["outcome"] == outcome
    assert record.get("net_profit_loss") == (net or None)
    assert record["hold_duration_seconds"] == "7200.5"
    day = "2025-11-02" if outcome == "open" else "2025-11-03"
    assert (tmp_path / "logs" / f"{day}.jsonl").exists()


def test_the_outcome_of_a_gross_profit_is_that_of_what_is_left(tmp_path: Path) -> None:
    mapping = FILLS.replace("}", ", profit_loss: Gross, commission: Fee}")
    content = HEADER[:-1] + ",Gross,Fee\n" + ROW[:-1] + ",1.00,1.5\n"
    record = only_line(tmp_path, content, mapping)
    assert (record["outcome"], record["profit_loss"], record["commission"]) == (
        "loss",
        "1.00",
        "1.5",
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2025-11-03T14:31:00Z,,buy,1,1", "symbol: missing"),
        ("2025-11-03T14:31:00Z,AAPL,buy,,1", "quantity: missing"),
        ("2025-11-03T14:31:00Z,AAPL,hold,1,1", "action: not buy or sell"),
        ('2025-11-03T14:31:00Z,AAPL,buy,"1,5",1', "quantity: not a number"),
        ("yesterday,AAPL,buy,1,1", "timestamp: not a time like 2025-11-03 14:31:00"),
        (",AAPL,buy,1,1", "timestamp: missing"),
        ("2025-11-03T14:31:00Z,AAPL,buy", "row: 3 cells, where the header has 5"),
        ('2025-11-03T14:31:00Z,AAPL,buy,1,"1', "row: unexpected end of data"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_line(
    tmp_path: Path, row: str, said: str
) -> None:
    found = imported_csv(tmp_path, HEADER + ROW + row)
    assert counts(found) == (2, 1, 0, 0, 0, 1)
    assert found.rejected[0].startswith(f"{tmp_path / 't.csv'}: line 3: {said}")


def test_equal_rows_are_different_records(tmp_path: Path) -> None:
    assert counts(imported_csv(tmp_path, HEADER + ROW * 3)) == (3, 3, 0, 0, 0, 0)
    assert counts(imported_csv(tmp_path, HEADER + ROW * 4)) == (4, 1, 3, 0, 0, 0)


def test_an_id_that_comes_twice_is_rejected(tmp_path: Path) -> None:
    content = HEADER + ROW + ROW.replace("10", "11") + ROW
    found = imported_csv(tmp_path, content, FILLS + "id: Symbol")
    assert counts(found) == (3, 1, 1, 0, 0, 1)
    assert "line 3: id: that of line 2 too, which says something else" in found.rejected[0]


def test_times_without_an_offset_need_a_zone(tmp_path: Path) -> None:
    found = imported_csv(tmp_path, HEADER + "2025-11-03 14:31:00,AAPL,buy,1,1\n")
    assert "timestamp has no offset; --timezone names" in found.unreadable[0]


@pytest.mark.parametrize(
    ("content", "said"), [("", "without even a header"), (HEADER.encode() + b"\xff", "byte 27")]
)
def test_what_is_no_csv_is_not_imported(tmp_path: Path, content: str | bytes, said: str) -> None:
    options = ImportOptions(mapping=source_of(tmp_path, "map.yaml", FILLS))
    path = source_of(tmp_path, "t.csv", content)
    assert said in imported("csv", path, tmp_path / "logs", options).unreadable[0]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("", "map.yaml: empty"),
        ("columns: [", "map.yaml:1: not YAML"),
        (
            "column:\n  price: P",
            "map.yaml:1: column: unknown key; the nearest known one is",
        ),
        (
            "columns:\n  prize: P",
            "map.yaml:2: columns.prize: unknown key; the nearest",
        ),
        (
            "columns:\n  price: P\n  price: Q",
            "map.yaml:3: columns.price: a key twice, first",
        ),
        ("columns:\n  price: P", "map.yaml:1: columns: needed is a column for timestamp"),
        ("fixed: {}", "map.yaml:1: the file: needed is columns"),
        (FILLS + "id: Number", "map.yaml:3: id: "),
        (FILLS + "timezone: Mars", "map.yaml:3: timezone: no IANA time zone"),
        (FILLS + "decimal: x", "map.yaml:3: decimal: accepted is one of"),
        (FILLS + "delimiter: ''", "map.yaml:3: delimiter: needed is one character"),
        (FILLS + "costs: both", "map.yaml:3: costs: accepted is one of"),
        (FILLS + "trades: {A: x, B: y}", "map.yaml:3: trades: needed is one column"),
        (FILLS + "trades: Handel", "map.yaml:3: trades: needed is a section"),
        (FILLS + "values: {action: {K: LONG}}", "map.yaml:3: values.action.K: accepted is one of"),
        (FILLS + "time:", "map.yaml:3: time: needed is a text"),
    ],
)
def test_an_error_in_the_mapping_names_file_line_and_key(
    tmp_path: Path, mapping: str, said: str
) -> None:
    with pytest.raises(PipelineError) as raised:
        imported_csv(tmp_path, HEADER + ROW, mapping)
    assert said in str(raised.value)
    assert not (tmp_path / "logs").exists()
