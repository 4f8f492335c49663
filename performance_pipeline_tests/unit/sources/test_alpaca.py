"""Alpaca's account activities as trade logs."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from performance_pipeline_tests.support.imports import (
    counts,
    imported,
    records_in,
    source_of,
)


def fill(number: int, **changes: object) -> dict[str, object]:
    return {
        "id": f"20251103143100{number:03}::{number:08}-69d9-4a5c-87f8-a18ee7d0f3a2",
        "activity_type": "FILL",
        "transaction_time": f"2025-11-03T14:31:00.{number:06}Z",
        "type": "partial_fill",
        "price": "150.2500",
        "qty": "0.123456789",
        "side": "buy",
        "symbol": "AAPL",
        "leaves_qty": "1",
        "order_id": "order-1",
        "cum_qty": "1",
        "order_status": "partially_filled",
        **changes,
    }


def activity(kind: str, **fields: object) -> dict[str, object]:
    return {
        "id": f"20251103000000000::{kind}",
        "activity_type": kind,
        "date": "2025-11-03",
        "net_amount": "0",
        "status": "executed",
        **fields,
    }


def test_newest_first_becomes_fills_in_time_order(tmp_path: Path) -> None:
    content = json.dumps([fill(3, side="sell"), fill(2), fill(1)])
    found = imported("alpaca", source_of(tmp_path, "a.json", content), tmp_path / "logs")
    assert counts(found) == (3, 3, 0, 0, 0, 0)
    records = records_in(tmp_path / "logs")
    assert [record["timestamp"][-7:] for record in records] == ["000001Z", "000002Z", "000003Z"]
    assert records[0] == {
        "timestamp": "2025-11-03T14:31:00.000001Z",
        "symbol": "AAPL",
        "action": "BUY",
        "quantity": "0.123456789",
        "price": "150.2500",
        "total_value": "18.54938254725",
        "outcome": "open",
        "source": "alpaca",
        "source_id": "20251103143100001::00000001-69d9-4a5c-87f8-a18ee7d0f3a2",
        "order_id": "order-1",
    }


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"side": "sell_short"}, "action", "SELL"),
        ({"symbol": "AAPL251219C00150000"}, "multiplier", "100"),
        ({"symbol": "BTC/USD", "qty": "0.000000001000000000"}, "quantity", "0.000000001000000000"),
        ({"transaction_time": "2025-11-03T09:31:00-05:00"}, "timestamp", "2025-11-03T14:31:00Z"),
    ],
)
def test_fields_are_read_as_alpaca_writes_them(
    tmp_path: Path, changes: dict[str, object], field: str, said: str
) -> None:
    path = source_of(tmp_path, "a.jsonl", json.dumps(fill(1, **changes)))
    imported("alpaca", path, tmp_path / "logs")
    (record,) = records_in(tmp_path / "logs")
    assert record[field] == said


def test_what_is_no_fill_is_counted_by_kind_with_its_sum(tmp_path: Path) -> None:
    activities = [
        activity("FEE", net_amount="-0.02"),
        activity("FEE", net_amount="-1.10"),
        activity("FEE", net_amount="-9", status="canceled"),
        activity("CFEE", qty="-0.00001", symbol="BTC/USD"),
        activity("SPLIT", qty="30", symbol="AAPL"),
        activity("JNLS", qty="-2", symbol="TSLA"),
        activity("OPEXP", qty="-1", symbol="AAPL251219C00150000"),
        activity("CSD", net_amount="1000"),
    ]
    content = json.dumps([fill(1), *activities])
    found = imported("alpaca", source_of(tmp_path, "a.json", content), tmp_path / "logs")
    assert counts(found) == (9, 1, 0, 0, 8, 0)
    said = {kind: (tally.count, tally.sums) for kind, tally in found.left_out.items()}
    assert said == {
        "FEE": (2, {"USD": Decimal("-1.12")}),
        "FEE (canceled)": (1, {"USD": Decimal(-9)}),
        "CFEE": (1, {"BTC/USD": Decimal("-0.00001")}),
        "SPLIT": (1, {"AAPL": Decimal(30)}),
        "JNLS": (1, {"TSLA": Decimal(-2)}),
        "OPEXP": (1, {"AAPL251219C00150000": Decimal(-1)}),
        "CSD": (1, {"USD": Decimal(1000)}),
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": None}, "id: missing"),
        ({"qty": None}, "qty: missing"),
        ({"qty": "1_000"}, "qty: not a number"),
        ({"price": "-1"}, "price: below 0"),
        ({"side": "short"}, "side: not buy or sell"),
        ({"transaction_time": "2025-11-03T14:31:00"}, "transaction_time: not a time with Z"),
        ({"activity_type": ""}, "activity_type: missing"),
        ({"activity_type": "FEE", "net_amount": "much"}, "net_amount: not a number"),
    ],
)
def test_an_activity_that_cannot_be_read_is_named_and_costs_no_other(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    content = "\n".join(map(json.dumps, [fill(1), fill(2, **changes), fill(3)]))
    path = source_of(tmp_path, "a.jsonl", content)
    found = imported("alpaca", path, tmp_path / "logs")
    assert counts(found) == (3, 2, 0, 0, 0, 1)
    assert found.rejected[0].startswith(f"{path}: line 2: {said}")
