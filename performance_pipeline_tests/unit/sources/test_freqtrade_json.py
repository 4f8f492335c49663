"""Results of freqtrade's backtests, and its printed trades, as trade logs."""

import json
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from performance_pipeline.domain.numbers import EXACT
from performance_pipeline_tests.support.freqtrade_backtest import (
    START,
    Backtested,
    result,
    strategy_result,
    write_result,
)
from performance_pipeline_tests.support.imports import counts, imported, records_in, source_of

OF_2021: Final = {
    "pair": "TRX/BTC",
    "profit_percent": 0.03990025,
    "profit_abs": 4.348872180451118e-06,
    "open_date": "2021-01-10 07:15:00+00:00",
    "open_rate": 9.64e-05,
    "open_fee": 0.0025,
    "close_date": "2021-01-10 07:20:00+00:00",
    "close_rate": 0.00010074887218045112,
    "close_fee": 0.0025,
    "amount": 10.37344398340249,
    "trade_duration": 5,
    "open_at_end": False,
    "sell_reason": "SellType.ROI",
    "open_timestamp": 1610262900000.0,
    "close_timestamp": 1610263200000.0,
}
PRINTED: Final = {
    "trade_id": 17,
    "pair": "ETH/USDT",
    "quote_currency": "USDT",
    "is_open": False,
    "amount": 0.5,
    "strategy": "SampleStrategy",
    "fee_open": 0.001,
    "fee_open_cost": 1.2,
    "fee_open_currency": "USDT",
    "fee_close": 0.001,
    "fee_close_currency": None,
    "open_date": "2025-11-03 14:31:00",
    "open_timestamp": 1762180260123,
    "open_rate": 2400.0,
    "open_trade_value": 1201.2,
    "close_date": "2025-11-03 16:31:00",
    "close_timestamp": 1762187460123,
    "close_rate": 2450.0,
    "close_profit_abs": 22.575,
    "profit_abs": 22.575,
    "profit_ratio": 0.01879,
    "exit_reason": "roi",
    "enter_tag": None,
    "initial_stop_loss_abs": 0.0,
    "is_short": False,
    "trading_mode": "spot",
    "orders": [
        {
            "ft_order_side": "buy",
            "amount": 0.5,
            "filled": 0.5,
            "safe_price": 2400.0,
            "order_id": "dry_run_buy_1",
            "is_open": False,
            "order_filled_timestamp": 1762180260123,
        },
        {
            "ft_order_side": "sell",
            "amount": 0.5,
            "filled": 0.5,
            "safe_price": 2450.0,
            "order_id": "dry_run_sell_1",
            "is_open": False,
            "order_filled_timestamp": 1762187460123,
        },
    ],
}


def backtest(folder: Path, name: str, *trades: Backtested) -> Path:
    document = result(SampleStrategy=strategy_result(trades))
    return write_result(folder / name, document)


def only_record(folder: Path, path: Path) -> dict[str, Any]:
    found = imported("freqtrade", path, folder / "logs")
    assert counts(found) == (1, 1, 0, 0, 0, 0), found
    (record,) = records_in(folder / "logs")
    return record


@pytest.mark.parametrize("name", ["backtest-result-2024.json", "backtest-result-2024.zip"])
def test_a_trade_of_a_backtest_is_a_closed_record_on_paper(tmp_path: Path, name: str) -> None:
    record = only_record(tmp_path, backtest(tmp_path, name, Backtested(12.5)))
    assert record.pop("source_id").endswith("-1")
    assert record == {
        "timestamp": "2024-02-26T08:00:00Z",
        "symbol": "ETH/USDT",
        "action": "BUY",
        "quantity": "0.5",
        "price": "2400.0",
        "total_value": "1200",
        "outcome": "win",
        "source": "freqtrade",
        "order_id": "SampleStrategy:long:ETH/USDT:2024-02-26T08:00:00Z",
        "execution_mode": "PAPER",
        "strategy_name": "SampleStrategy",
        "entry_type": "golden_cross",
        "stop_loss": "2160.0",
        "hold_duration_seconds": "7200",
        "exit_timestamp": "2024-02-26T10:00:00Z",
        "exit_reasoning": "roi",
        "commission": record["commission"],
        "net_profit_loss": "12.5",
    }
    close_rate = Decimal(repr(Backtested(12.5).as_json()["close_rate"]))
    assert Decimal(record["commission"]) == Decimal("0.0005") * (2400 + close_rate)


def test_numbers_of_a_result_are_kept_digit_by_digit(tmp_path: Path) -> None:
    document = json.dumps(result(S=strategy_result([Backtested(12.5)])))
    exact = document.replace('"profit_abs": 12.5', '"profit_abs": 12.500000000000000000001')
    record = only_record(tmp_path, source_of(tmp_path, "result.json", exact))
    assert record["net_profit_loss"] == "12.500000000000000000001"


def test_a_result_of_2021_tells_of_its_trades_by_other_names(tmp_path: Path) -> None:
    document = {"strategy": {"Old": {"trades": [OF_2021]}}, "strategy_comparison": []}
    record = only_record(tmp_path, source_of(tmp_path, "old.json", json.dumps(document)))
    assert (record["timestamp"], record["exit_timestamp"]) == (
        "2021-01-10T07:15:00Z",
        "2021-01-10T07:20:00Z",
    )
    assert (record["net_profit_loss"], record["exit_reasoning"]) == ("4.348872180451118e-06", "roi")
    fees = Decimal("0.0025") * (Decimal("9.64e-05") + Decimal("0.00010074887218045112"))
    assert Decimal(record["commission"]) == EXACT.multiply(fees, Decimal("10.37344398340249"))


def test_a_trade_that_was_open_when_the_backtest_ended_is_closed_as_freqtrade_counts_it(
    tmp_path: Path,
) -> None:
    trade = Backtested(-4.0, fields={"is_open": True, "exit_reason": "force_exit"})
    record = only_record(tmp_path, backtest(tmp_path, "result.json", trade))
    assert (record["outcome"], record["exit_reasoning"]) == ("loss", "force_exit")


def test_the_trades_of_several_strategies_are_told_apart(tmp_path: Path) -> None:
    same = strategy_result([Backtested(1.0), Backtested(1.0)])
    path = write_result(tmp_path / "result.json", result(One=same, Other=same))
    assert counts(imported("freqtrade", path, tmp_path / "logs")) == (4, 4, 0, 0, 0, 0)
    strategies = [record["strategy_name"] for record in records_in(tmp_path / "logs")]
    assert sorted(strategies) == ["One", "One", "Other", "Other"]
    assert counts(imported("freqtrade", path, tmp_path / "logs")) == (4, 0, 4, 0, 0, 0)


def test_another_run_over_the_same_time_is_reported_rather_than_added(tmp_path: Path) -> None:
    imported("freqtrade", backtest(tmp_path, "one.json", Backtested(1.0)), tmp_path / "logs")
    found = imported(
        "freqtrade", backtest(tmp_path, "two.json", Backtested(2.0)), tmp_path / "logs"
    )
    assert counts(found) == (1, 0, 0, 1, 0, 0)


@pytest.mark.parametrize("tag", ["a, NaN, tag", 'a "quoted, NaN, one"', "with \\", '\\" [ NaN ]'])
def test_what_cannot_be_computed_is_written_as_nan_and_hinders_nothing(
    tmp_path: Path, tag: str
) -> None:
    path = backtest(tmp_path, "result.json", Backtested(1.0, fields={"enter_tag": tag}))
    assert '"sortino": NaN,' in path.read_text()
    assert only_record(tmp_path, path)["entry_type"] == tag


def zipped(folder: Path, members: Mapping[str, str]) -> Path:
    path = folder / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_the_result_in_a_zip_is_found_under_whatever_name(tmp_path: Path) -> None:
    document = json.dumps(result(S=strategy_result([Backtested(1.0)])))
    path = zipped(tmp_path, {"a_config.json": "{}", "renamed.json": document, "s.json": "[broken"})
    assert only_record(tmp_path, path)["strategy_name"] == "S"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"config.json": "{}"}, "a zip holds one backtest result, and this one none"),
        (
            dict.fromkeys(("a.json", "b.json"), json.dumps(result(S=strategy_result([])))),
            "a zip holds one backtest result, and this one several: a.json, b.json",
        ),
    ],
)
def test_a_zip_without_one_result_is_named(
    tmp_path: Path, members: Mapping[str, str], told: str
) -> None:
    path = zipped(tmp_path, members)
    found = imported("freqtrade", path, tmp_path / "logs")
    assert found.unreadable == [f"{path}: cannot be read: {told}"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"strategy": {"S": {"trades": [', "not JSON"),
        (b'{"strategy": {"S": {}}}', "strategy S has no `trades`"),
        (b'{"strategy": {"S": {"trades": 5}}}', "strategy S: Expected `array`"),
        (b'{"orders": []}', "neither a backtest result nor a list of trades"),
        (b'[{"trade_id": 1}, ', "not JSON"),
        (b'"text"', "neither a list of trades nor a backtest result"),
        (b"PK\x03\x04 and no more", "a zip that is damaged or locked"),
    ],
)
def test_what_is_no_source_of_freqtrades_is_named(
    tmp_path: Path, content: bytes, told: str
) -> None:
    path = source_of(tmp_path, "source", content)
    found = imported("freqtrade", path, tmp_path / "logs")
    assert [
        sentence.startswith(f"{path}: cannot be read: {told}") for sentence in found.unreadable
    ] == [True], found.unreadable


def test_a_truncated_zip_is_named(tmp_path: Path) -> None:
    path = backtest(tmp_path, "result.zip", *(Backtested(1.0) for _ in range(50)))
    path.write_bytes(path.read_bytes()[:-200])
    found = imported("freqtrade", path, tmp_path / "logs")
    assert [sentence.partition("(")[0] for sentence in found.unreadable] == [
        f"{path}: cannot be read: a zip that is damaged or locked "
    ]


@pytest.mark.parametrize("content", [b"", b" \n", b"[]", b'{"strategy": {}}'])
def test_an_empty_export_gives_nothing(tmp_path: Path, content: bytes) -> None:
    found = imported("freqtrade", source_of(tmp_path, "e.json", content), tmp_path / "logs")
    assert (counts(found), found.unreadable) == ((0, 0, 0, 0, 0, 0), [])


def test_a_printed_trade_is_the_record_of_a_database(tmp_path: Path) -> None:
    path = source_of(tmp_path, "trades.json", json.dumps([PRINTED]))
    record = only_record(tmp_path, path)
    assert record["source_id"] == "17:ETH/USDT:2025-11-03T14:31:00Z"
    assert (record["timestamp"], record["exit_timestamp"]) == (
        "2025-11-03T14:31:00.123000Z",
        "2025-11-03T16:31:00.123000Z",
    )
    assert (record["net_profit_loss"], record["commission"]) == ("22.575", "2.425")
    assert record["execution_mode"] == "PAPER"
    assert "stop_loss" not in record


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        (
            {"is_open": True, "close_date": None, "close_timestamp": None, "profit_abs": None},
            "open",
        ),
        ({"open_timestamp": None, "close_timestamp": None}, "win"),
        ({"orders": None, "trade_id": 0}, "win"),
        ({"orders": []}, "win"),
        ({"is_short": None, "buy_tag": "old", "sell_reason": "roi"}, "win"),
    ],
)
def test_printed_trades_of_every_shape_are_read(
    tmp_path: Path, changes: dict[str, Any], outcome: str
) -> None:
    path = source_of(tmp_path, "trades.json", json.dumps([{**PRINTED, **changes}]))
    assert only_record(tmp_path, path)["outcome"] == outcome


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trade_id": None}, "trade_id: missing"),
        ({"pair": ""}, "pair: missing"),
        ({"amount": "a lot"}, "amount: not a number"),
        ({"open_timestamp": None, "open_date": "?"}, "open_date: not a time"),
        ({"open_timestamp": None, "open_date": None}, "open_date: missing"),
        ({"close_profit_abs": None, "profit_abs": None}, "close_profit_abs: missing in a closed"),
        ({"close_timestamp": 1e20}, "close_date: no such time"),
        ({"orders": [{"ft_order_side": "buy", "filled": 1}]}, "orders.price: missing"),
    ],
)
def test_a_printed_trade_that_cannot_be_read_is_named(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    content = json.dumps([{**PRINTED, **changes}, PRINTED])
    path = source_of(tmp_path, "trades.json", content)
    found = imported("freqtrade", path, tmp_path / "logs")
    assert found.added == 1
    assert [f"{path}: record 1: {reason}" in sentence for sentence in found.rejected] == [True]


def test_trades_that_close_at_one_instant_stay_in_the_order_of_the_result(tmp_path: Path) -> None:
    trades = [Backtested(float(number), START, hours=1 + number % 3) for number in range(1, 30)]
    trades.append(Backtested(0.5, START - timedelta(hours=1)))
    imported("freqtrade", backtest(tmp_path, "result.json", *trades), tmp_path / "logs")
    profits = [float(record["net_profit_loss"]) for record in records_in(tmp_path / "logs")]
    assert profits == [0.5, *map(float, range(1, 30))]
