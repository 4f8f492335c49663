"""CCXT's fetchMyTrades as trade logs."""

import json
from pathlib import Path

import pytest

from performance_pipeline_tests.support.imports import (
    ccxt_trade,
    counts,
    imported,
    records_in,
    source_of,
)


def only_line(folder: Path, **changes: object) -> dict[str, object]:
    content = json.dumps([ccxt_trade(1, **changes)])
    found = imported("ccxt", source_of(folder, "trades.json", content), folder / "logs")
    assert counts(found) == (1, 1, 0, 0, 0, 0), found
    (record,) = records_in(folder / "logs")
    return record


def test_a_trade_is_a_fill_with_its_digits_as_written(tmp_path: Path) -> None:
    content = json.dumps([ccxt_trade(1)]).replace("1.5,", "0.123456789012345678,")
    imported("ccxt", source_of(tmp_path, "trades.json", content), tmp_path / "logs")
    (record,) = records_in(tmp_path / "logs")
    assert record == {
        "timestamp": "2025-11-03T14:31:00.123000Z",
        "symbol": "ETH/BTC",
        "action": "BUY",
        "quantity": "0.123456789012345678",
        "price": "0.06917684",
        "total_value": "0.00854035054042079499169752",
        "outcome": "open",
        "source": "ccxt",
        "source_id": "ETH/BTC:1@2025-11-03T14:31:00.123000+00:00",
        "order_id": "order-1",
        "entry_type": "limit",
        "commission": "0.0015",
    }


@pytest.mark.parametrize(
    ("fees", "commission"),
    [
        ({"fee": None}, None),
        ({"fee": {"cost": None, "currency": None}}, None),
        ({"fee": {"cost": -0.000015, "currency": "BTC"}}, "-1.5e-05"),
        ({"fee": {"cost": 0.1, "currency": "BNB"}}, None),
        ({"fees": [{"cost": 0.1, "currency": "BTC"}, {"cost": "0.2", "currency": "BTC"}]}, "0.3"),
        ({"fees": [{"cost": 0.1, "currency": "BTC"}, {"cost": 0.2, "currency": "BNB"}]}, None),
    ],
)
def test_fees_are_the_commission_where_they_are_in_the_quote_currency(
    tmp_path: Path, fees: dict[str, object], commission: str | None
) -> None:
    assert only_line(tmp_path, **fees).get("commission") == commission


@pytest.mark.parametrize(
    ("changes", "multiplier"),
    [
        ({"symbol": "BTC/USDT:USDT", "price": 50000, "amount": 3, "cost": 150}, "0.001"),
        ({"symbol": "BTC/USDT:USDT", "price": 50000.5, "amount": 3, "cost": 150001.5}, None),
        ({"symbol": "BTC/USDT:USDT-251226", "price": 3, "amount": 3, "cost": 90}, "10"),
    ],
)
def test_the_size_of_a_contract_is_what_its_cost_implies(
    tmp_path: Path, changes: dict[str, object], multiplier: str | None
) -> None:
    assert only_line(tmp_path, **changes).get("multiplier") == multiplier


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"symbol": "BTC/USD:BTC"}, "symbol: a contract settled in another currency"),
        ({"symbol": "BTC/USDT:USDT", "cost": None}, "cost: missing"),
        ({"symbol": "BTC/USDT:USDT", "cost": 0.1234567}, "cost: not price x amount"),
        ({"price": None}, "price: missing"),
        ({"price": "1,5"}, "price: not a number"),
        ({"amount": 0}, "quantity: not above 0"),
        ({"amount": True}, "amount: not a number"),
        ({"side": "hold"}, "side: not buy or sell"),
        ({"symbol": ""}, "symbol: missing"),
        ({"symbol": 7}, "symbol: expected str, got int"),
        ({"timestamp": None, "datetime": "2025-11-03 14:31"}, "datetime: not a time with Z"),
        ({"timestamp": 4102444800000}, "timestamp: in the future"),
        ({"fee": {"cost": "much", "currency": "BTC"}}, "fee.cost: not a number"),
    ],
)
def test_a_trade_that_cannot_be_read_is_named_and_costs_no_other(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    content = json.dumps([ccxt_trade(1), ccxt_trade(2, **changes), ccxt_trade(3)])
    path = source_of(tmp_path, "trades.json", content)
    found = imported("ccxt", path, tmp_path / "logs")
    assert counts(found) == (3, 2, 0, 0, 0, 1)
    assert found.rejected[0].startswith(f"{path}: record 2: {said}")


@pytest.mark.parametrize("content", ["", "[]", " \n", "\ufeff[]"])
def test_an_empty_export_is_no_trades(tmp_path: Path, content: str) -> None:
    found = imported("ccxt", source_of(tmp_path, "trades.json", content), tmp_path / "logs")
    assert counts(found) == (0, 0, 0, 0, 0, 0)
    assert found.succeeded


def test_an_array_that_was_cut_off_is_not_imported_at_all(tmp_path: Path) -> None:
    whole = json.dumps([ccxt_trade(1), ccxt_trade(2)])
    found = imported("ccxt", source_of(tmp_path, "t.json", whole[:-30]), tmp_path / "logs")
    assert counts(found) == (0, 0, 0, 0, 0, 0)
    assert found.unreadable == [
        f"{tmp_path / 't.json'}: cannot be read: not a JSON array (Input data was truncated)"
    ]
    assert not found.succeeded


def test_of_json_lines_that_were_cut_off_only_the_last_is_rejected(tmp_path: Path) -> None:
    whole = "\n".join(json.dumps(ccxt_trade(number)) for number in (1, 2, 3))
    path = source_of(tmp_path, "t.jsonl", whole[:-30])
    found = imported("ccxt", path, tmp_path / "logs")
    assert counts(found) == (3, 2, 0, 0, 0, 1)
    assert found.rejected == [f"{path}: line 3: record: not valid JSON"]


def test_trades_without_an_id_are_told_apart_by_how_often_they_come(tmp_path: Path) -> None:
    same = ccxt_trade(1, id=None)
    path = source_of(tmp_path, "t.json", json.dumps([same, same]))
    assert counts(imported("ccxt", path, tmp_path / "logs")) == (2, 2, 0, 0, 0, 0)
    path.write_text(json.dumps([same, same, ccxt_trade(1, id=None, price=1)]))
    assert counts(imported("ccxt", path, tmp_path / "logs")) == (3, 1, 2, 0, 0, 0)
