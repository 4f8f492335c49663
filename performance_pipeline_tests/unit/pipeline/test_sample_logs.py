"""What a sample log promises: realistic, exact, repeatable, and never in anybody's way."""

import hashlib
import json
import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from performance_pipeline.domain.summary import PerformanceSummary
from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.sample_logs import (
    MAX_DAYS,
    SampleOptions,
    sample_log,
    write_sample_logs,
)
from performance_pipeline.pipeline.tracker import PerformanceTracker
from performance_pipeline_tests.support.local import LocalSettings

Record = dict[str, Any]
Logs = dict[date, list[Record]]

FRIDAY = date(2025, 10, 10)
SATURDAY = date(2025, 10, 11)
MONDAY = date(2025, 10, 13)
CENT = Decimal("0.01")


def names(text: str) -> list[str]:
    return text.split()


FIELDS = names("""
    timestamp symbol action quantity price total_value order_id execution_mode account_id
    strategy_name entry_type stop_loss target decision_reasoning indicators_used risk_reward_ratio
    outcome profit_loss hold_duration_seconds exit_timestamp exit_reasoning
    slippage commission net_profit_loss session_id bot_version config_hash
""")
MONEY = names("""
    price total_value stop_loss target risk_reward_ratio
    profit_loss slippage commission net_profit_loss
""")
ENDING = names("hold_duration_seconds exit_timestamp exit_reasoning slippage commission")
KEPT = names("symbol action quantity price stop_loss target account_id strategy_name")


def options(**changes: Any) -> SampleOptions:
    return SampleOptions(**{"end": FRIDAY, **changes})


def records(day: date, chosen: SampleOptions) -> list[Record]:
    return [json.loads(line) for line in sample_log(day, chosen).splitlines()]


def closed(day: date, chosen: SampleOptions) -> list[Record]:
    return [record for record in records(day, chosen) if record["outcome"] != "open"]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def ninety_days() -> Logs:
    chosen = options()
    days = (chosen.end - timedelta(days=ago) for ago in reversed(range(chosen.days)))
    return {day: log for day in days if (log := records(day, chosen))}


@pytest.fixture(scope="module")
def trades(ninety_days: Logs) -> list[Record]:
    return [r for log in ninety_days.values() for r in log if r["outcome"] != "open"]


def test_the_same_seed_gives_the_same_bytes_on_every_machine_and_version() -> None:
    digest = hashlib.sha256(sample_log(FRIDAY, options())).hexdigest()
    assert digest == "2d9c2020bb0e7b9a199498b2fca0e6fa349ff42dec6ae278631c8a9f83f211aa"


def test_different_seeds_days_and_sizes_give_different_logs() -> None:
    logs = {
        sample_log(FRIDAY, options()),
        sample_log(FRIDAY, options(seed=8)),
        sample_log(FRIDAY, options(seed=-7)),
        sample_log(FRIDAY, options(trades_per_day=41)),
        sample_log(MONDAY, options()),
    }
    assert len(logs) == 5


def test_a_days_bytes_do_not_depend_on_the_range_asked_for(tmp_path: Path) -> None:
    asked = [options(days=1), options(days=30), options(days=12, end=MONDAY + timedelta(days=1))]
    for number, chosen in enumerate(asked):
        write_sample_logs(tmp_path / str(number), chosen)
    written = {
        (tmp_path / str(number) / f"{FRIDAY}.jsonl").read_bytes() for number in range(len(asked))
    }
    assert written == {sample_log(FRIDAY, options())}


def test_every_line_holds_the_27_fields_in_order_and_ends_with_a_line_feed() -> None:
    log = sample_log(FRIDAY, options(trades_per_day=300))
    assert log.endswith(b"\n")
    for line in log[:-1].split(b"\n"):
        record = json.loads(line)
        assert list(record) == FIELDS
        assert line == json.dumps(record, separators=(",", ":")).encode()


def test_decimals_are_plain_strings_and_money_is_in_cents(ninety_days: Logs) -> None:
    for record in (record for log in ninety_days.values() for record in log):
        for field in MONEY:
            assert record[field] is None or re.fullmatch(r"-?\d+\.\d\d", record[field]), field
        fraction = r"(\.\d{1,4})?" if "/" in record["symbol"] else ""
        assert re.fullmatch(r"\d+" + fraction, record["quantity"])
        value = Decimal(record["quantity"]) * Decimal(record["price"])
        assert value > 0
        assert Decimal(record["total_value"]) == value.quantize(CENT, ROUND_HALF_EVEN)


def test_profit_is_the_exact_move_from_entry_to_exit_times_the_quantity(
    trades: list[Record],
) -> None:
    for trade in trades:
        exit_price = Decimal(trade["exit_reasoning"].rsplit(" at ", 1)[1])
        move = exit_price - Decimal(trade["price"])
        if trade["action"] == "SELL":
            move = -move
        profit = (move * Decimal(trade["quantity"])).quantize(CENT, ROUND_HALF_EVEN)
        assert Decimal(trade["profit_loss"]) == profit
        assert Decimal(trade["net_profit_loss"]) == profit - Decimal(trade["commission"])


@pytest.mark.parametrize("seed", range(5))
def test_wins_earn_losses_cost_and_breakevens_pay_the_commission_alone(seed: int) -> None:
    for trade in closed(FRIDAY - timedelta(weeks=seed), options(seed=seed, trades_per_day=1_000)):
        profit, net = Decimal(trade["profit_loss"]), Decimal(trade["net_profit_loss"])
        commission = Decimal(trade["commission"])
        assert commission >= 1
        assert Decimal(trade["slippage"]) >= 0
        match trade["outcome"]:
            case "win":
                assert net > 0
            case "loss":
                assert profit < 0
            case "breakeven":
                assert profit == 0
            case other:
                pytest.fail(other)


def test_stop_and_target_lie_on_opposite_sides_and_give_the_planned_ratio(
    trades: list[Record],
) -> None:
    ratios = []
    for trade in trades:
        price, stop, target = (Fraction(trade[name]) for name in ("price", "stop_loss", "target"))
        assert (stop < price < target) if trade["action"] == "BUY" else (target < price < stop)
        ratios.append((target - price) / (price - stop))
        assert abs(ratios[-1] - Fraction(trade["risk_reward_ratio"])) <= Fraction("0.005")
        assert f"R:R {trade['risk_reward_ratio']}" in trade["decision_reasoning"]
    assert Fraction("1.5") < sum(ratios) / len(ratios) < Fraction("2.5")


def test_every_close_follows_its_open_in_this_log_or_the_weekdays_before(
    ninety_days: Logs,
) -> None:
    overnight = 0
    opened = {r["order_id"]: r for r in ninety_days[min(ninety_days)] if r["outcome"] == "open"}
    for before, day in pairwise(ninety_days):
        for record in ninety_days[day]:
            if record["outcome"] == "open":
                assert opened.setdefault(record["order_id"], record) is record
                continue
            entry = opened[record["order_id"]]
            assert [entry[name] for name in KEPT] == [record[name] for name in KEPT]
            held = instant(record["exit_timestamp"]) - instant(entry["timestamp"])
            assert held == timedelta(seconds=record["hold_duration_seconds"]) > timedelta(0)
            assert before <= instant(entry["timestamp"]).date() <= day
            overnight += instant(entry["timestamp"]).date() == before
    assert 0 < overnight < len(ninety_days) * 4


def test_nothing_stays_open_past_the_next_weekday_or_closes_twice(ninety_days: Logs) -> None:
    outcomes: dict[str, list[str]] = defaultdict(list)
    for log in list(ninety_days.values()):
        for record in log:
            outcomes[record["order_id"]].append(record["outcome"])
    unpaired = {order for order, seen in outcomes.items() if len(seen) != 2}
    edges = {f"ORD-{day:%Y%m%d}" for day in (FRIDAY, min(ninety_days) - timedelta(days=3))}
    assert {order[:12] for order in unpaired} <= edges
    assert all(seen[0] == "open" != seen[-1] for seen in outcomes.values() if len(seen) == 2)


def test_an_open_line_says_nothing_of_an_end_and_seldom_a_mark(
    ninety_days: Logs,
) -> None:
    entries = [r for log in ninety_days.values() for r in log if r["outcome"] == "open"]
    for entry in entries:
        for field in [*ENDING, "net_profit_loss"]:
            assert entry[field] is None, field
    marks = [entry["profit_loss"] for entry in entries if entry["profit_loss"] is not None]
    assert 0 < len(marks) < len(entries) / 5


def test_lines_stand_in_time_order_inside_the_files_day_and_the_session(
    ninety_days: Logs,
) -> None:
    for day, log in ninety_days.items():
        written = [instant(record["timestamp"]) for record in log]
        assert written == sorted(written)
        opening = datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC)
        assert opening <= written[0]
        assert written[-1] < opening + timedelta(hours=6, minutes=30)
        assert {r["exit_timestamp"] for r in log} - {None} <= {r["timestamp"] for r in log}
        assert len({record["session_id"] for record in log}) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 40, 250])
def test_a_day_closes_exactly_the_trades_asked_for(size: int) -> None:
    for ago in range(5):
        assert len(closed(FRIDAY - timedelta(days=ago), options(trades_per_day=size))) == size


def test_no_trades_a_day_is_an_empty_log_and_not_a_missing_one(tmp_path: Path) -> None:
    paths = write_sample_logs(tmp_path, options(days=7, trades_per_day=0))
    assert [path.read_bytes() for path in paths] == [b""] * 5


def test_weekends_have_no_log(tmp_path: Path) -> None:
    heard: list[date] = []
    paths = write_sample_logs(tmp_path, options(days=4, end=MONDAY), heard.append)
    assert [path.name for path in paths] == ["2025-10-10.jsonl", "2025-10-13.jsonl"]
    assert sorted(tmp_path.iterdir()) == paths
    assert heard == [FRIDAY, MONDAY]
    assert sample_log(SATURDAY, options()) == b""


def test_one_day_is_the_last_one_and_a_weekend_alone_is_an_empty_folder(tmp_path: Path) -> None:
    assert write_sample_logs(tmp_path / "new" / "one", options(days=1)) == [
        tmp_path / "new" / "one" / "2025-10-10.jsonl"
    ]
    assert write_sample_logs(tmp_path / "none", options(days=1, end=SATURDAY)) == []
    assert (tmp_path / "none").is_dir()


@pytest.mark.parametrize("taken", ["2025-10-08.jsonl", "2025-10-08.jsonl.gz"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_log_in_the_way_is_named_and_nothing_is_written(
    tmp_path: Path, taken: str, dangling: bool
) -> None:
    mine = tmp_path / "mine"
    if not dangling:
        mine.write_bytes(b"mine")
    (tmp_path / taken).symlink_to(mine)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileExistsError, match=re.escape(taken) + " exists"):
        write_sample_logs(tmp_path, options(days=10), lambda day: pytest.fail(str(day)))
    assert sorted(tmp_path.iterdir()) == before
    assert dangling or mine.read_bytes() == b"mine"


def test_other_files_and_logs_outside_the_range_are_not_in_the_way(tmp_path: Path) -> None:
    bystanders = ["2025-10-09.jsonl", "2025-10-11.jsonl", "performance-alerts.jsonl"]
    for name in bystanders:
        (tmp_path / name).write_bytes(b"mine")
    write_sample_logs(tmp_path, options(days=2, end=SATURDAY))
    assert all((tmp_path / name).read_bytes() == b"mine" for name in bystanders)


def test_a_write_that_fails_leaves_no_part_of_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    def open_on_a_full_disk(path: Path, mode: str) -> Any:
        log = real_open(path, mode)

        def write(_: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(log, "write", write)
        return log

    monkeypatch.setattr(Path, "open", open_on_a_full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_sample_logs(tmp_path, options(days=1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"days": 0}, "days must be 1 to"),
        ({"days": MAX_DAYS + 1}, "days must be 1 to"),
        ({"trades_per_day": -1}, "trades per day must be 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(change: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        options(**change)


# --- fills ------------------------------------------------------------------------------------


def bought_and_sold(folder: Path, chosen: SampleOptions, pairing: str) -> PerformanceSummary:
    """The summary of the whole range, written to `folder` first."""
    write_sample_logs(folder, chosen)
    settings = {"PERFORMANCE_LOG_DIR": str(folder), "PERFORMANCE_PAIRING": pairing}
    tracker = PerformanceTracker(
        LocalSettings.from_env(settings), lambda: datetime(2025, 10, 20, tzinfo=UTC)
    )
    return tracker.summarize(
        Period.spanning(chosen.end - timedelta(days=chosen.days - 1), chosen.end)
    )


@pytest.fixture(scope="module")
def fills() -> Logs:
    chosen = options(days=30, fills=True)
    days = (chosen.end - timedelta(days=ago) for ago in reversed(range(chosen.days)))
    return {day: log for day in days if (log := records(day, chosen))}


def test_every_fill_is_an_open_record_of_its_own_order_that_says_only_what_it_paid(
    fills: Logs,
) -> None:
    every = [record for log in fills.values() for record in log]
    assert len({record["order_id"] for record in every}) == len(every)
    for record in every:
        assert list(record) == FIELDS
        assert record["outcome"] == "open"
        assert [record[name] for name in ("profit_loss", "net_profit_loss")] == [None, None]
        assert Decimal(record["commission"]) > 0
        assert Decimal(record["slippage"]) >= 0
        value = Decimal(record["quantity"]) * Decimal(record["price"])
        assert Decimal(record["total_value"]) == value.quantize(CENT, ROUND_HALF_EVEN)


def test_fills_stand_in_time_order_inside_their_day_and_nothing_is_sold_that_is_not_held(
    fills: Logs,
) -> None:
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for day, log in fills.items():
        written = [instant(record["timestamp"]) for record in log]
        assert written == sorted(written)
        assert {moment.date() for moment in written} == {day}
        for record in log:
            sign = 1 if record["action"] == "BUY" else -1
            position = record["account_id"], record["symbol"]
            held[position] += sign * Decimal(record["quantity"])
            assert held[position] >= 0


def test_some_positions_are_sold_in_parts_and_some_are_held_for_days(fills: Logs) -> None:
    bought = {r["order_id"]: r for log in fills.values() for r in log if r["action"] == "BUY"}
    parts: dict[str, list[Record]] = defaultdict(list)
    for record in (r for log in fills.values() for r in log if r["action"] == "SELL"):
        parts[record["order_id"].rpartition("-X")[0]].append(record)
    days = {
        (instant(sold["timestamp"]).date() - instant(bought[order]["timestamp"]).date()).days
        for order, found in parts.items()
        for sold in found
    }
    assert {len(found) for found in parts.values()} == {1, 2}
    assert {0, 1} < days
    assert max(days) <= 5
    for order, found in parts.items():
        whole = Decimal(bought[order]["quantity"])
        assert sum(Decimal(sold["quantity"]) for sold in found) <= whole


@pytest.mark.parametrize("pairing", ["fifo", "lifo"])
def test_paired_fills_give_about_as_many_trades_and_as_much_as_the_same_trades_closed(
    tmp_path: Path, pairing: str
) -> None:
    closed_ones = bought_and_sold(tmp_path / "closed", options(days=30), "none")
    paired = bought_and_sold(tmp_path / "fills", options(days=30, fills=True), pairing)
    assert closed_ones.total_trades <= paired.total_trades <= closed_ones.total_trades * 1.2
    assert 0 < paired.total_wins < paired.total_trades
    assert paired.data_quality.unmatched_exits == 0
    assert paired.data_quality.status == "complete"
    assert 0 < len(paired.open_positions or ()) < 10
    # What was bought on the last day, and half positions, are the difference.
    assert abs(paired.commission - closed_ones.commission) < closed_ones.commission / 20


def test_without_pairing_no_fill_is_a_trade(tmp_path: Path) -> None:
    summary = bought_and_sold(tmp_path, options(days=5, fills=True), "none")
    assert (summary.total_trades, summary.open_trades > 300) == (0, True)


def test_the_same_seed_gives_the_same_fills_and_the_first_day_begins_with_nothing_held() -> None:
    chosen = options(days=3, fills=True)
    assert sample_log(FRIDAY, chosen) == sample_log(FRIDAY, options(days=3, fills=True))
    first = records(FRIDAY - timedelta(days=2), chosen)
    own = f"ORD-{FRIDAY - timedelta(days=2):%Y%m%d}"
    assert {record["order_id"][:12] for record in first} == {own}


def win_rates(trades: list[Record], period: str) -> list[float]:
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for trade in trades:
        day = instant(trade["exit_timestamp"])
        outcomes[day.strftime(period)].append(trade["outcome"] == "win")
    return [sum(won) / len(won) for won in outcomes.values()]


@pytest.mark.parametrize("period", ["%Y-%m-%d", "%G-%V", "%Y-%m"])
def test_some_days_weeks_and_months_reach_55_percent_and_some_do_not(
    trades: list[Record], period: str
) -> None:
    rates = win_rates(trades, period)
    assert min(rates) < 0.55 < max(rates)


def test_some_days_breach_the_other_usual_targets_and_some_meet_them(
    trades: list[Record],
) -> None:
    by_day: Logs = defaultdict(list)
    for trade in trades:
        by_day[instant(trade["exit_timestamp"]).date()].append(trade)
    profits, ratios, drawdowns = [], [], []
    for log in by_day.values():
        total = peak = worst = Decimal(0)
        for trade in log:
            total += Decimal(trade["net_profit_loss"])
            peak = max(peak, total)
            worst = min(worst, total - peak)
        profits.append(total)
        drawdowns.append(worst)
        ratios.append(sum(Decimal(t["risk_reward_ratio"]) for t in log) / len(log))
    assert min(profits) < 100 < max(profits)
    assert min(drawdowns) < -1500 < max(drawdowns)
    assert min(ratios) < Decimal("1.5") < max(ratios)


def test_strategies_and_symbols_differ_as_they_do_in_life(trades: list[Record]) -> None:
    wins: dict[str, list[bool]] = defaultdict(list)
    for trade in trades:
        wins[trade["strategy_name"]].append(trade["outcome"] == "win")
    rates = sorted(sum(won) / len(won) for won in wins.values())
    assert len(rates) == 3
    assert rates[-1] - rates[0] > 0.05
    assert {"AAPL", "MSFT", "NVDA", "BRK.B", "BTC/USD"} <= {t["symbol"] for t in trades}
    assert {t["execution_mode"] for t in trades} == {"PAPER"}
    assert {t["account_id"] for t in trades} == {"ACC-001", "ACC-002"}
    overall = sum(t["outcome"] == "win" for t in trades) / len(trades)
    assert 0.55 < overall < 0.60
