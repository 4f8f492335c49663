"""Every fault seen in peers, as a test over real logs, and every metric computed by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from performance_pipeline.domain.windows import Window
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline_tests.support.lines import (
    DAY,
    NEXT_DAY,
    ONE_DAY,
    Place,
    Raw,
    at,
    breakeven,
    line,
    loss,
    opened,
    place,
    session,
    win,
)

MONDAY = date(2025, 6, 9)
YEARS_LATER = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path)


# --- ingestion --------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["BRK.B", "BTC/USD", "^VIX", "6758.T"])
def test_a_symbol_with_a_dot_or_a_slash_drops_no_line(here: Place, symbol: str) -> None:
    here.write(DAY, win("5", symbol=symbol))
    document = here.document()
    assert (document["total_trades"], document["realized_pnl"]) == (1, "5")
    assert list(document["by_symbol"]) == [symbol]
    assert document["data_quality"]["rejected"] == 0


def test_an_unknown_field_drops_no_line(here: Place) -> None:
    here.write(DAY, win("5", schema="v2", tags=["a"], nested={"price": None}))
    document = here.document()
    assert (document["total_trades"], document["realized_pnl"]) == (1, "5")
    assert document["data_quality"]["status"] == "complete"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        pytest.param(line(price="12,50"), "price", id="a decimal comma"),
        pytest.param(line(net_profit_loss="NaN"), "net_profit_loss", id="NaN"),
        pytest.param(line(timestamp="10/06/2025 14:30"), "timestamp", id="a bad timestamp"),
        pytest.param(b'{"timestamp": "2025-06-1', "line", id="half a line"),
    ],
)
def test_one_bad_line_costs_no_other_line_and_no_other_day(
    here: Place, bad: bytes, field: str
) -> None:
    good = session("1", "10")
    here.write(DAY, good[0], bad, good[1])
    here.write(NEXT_DAY, *session("100", day=NEXT_DAY))
    week = here.summary(Window.WEEKLY)
    assert (week.total_trades, week.realized_pnl) == (3, Decimal(111))
    assert week.data_quality.status == "partial"
    reported = week.data_quality.rejected_lines
    assert [(found.file, found.line, found.reason.split(":")[0]) for found in reported] == [
        (f"{DAY}.jsonl", 2, field)
    ]


@pytest.mark.parametrize("unknown", [None, "NaN", ""])
def test_a_win_without_a_known_pnl_halves_no_average(here: Place, unknown: str | None) -> None:
    here.write(DAY, line(net_profit_loss=unknown), win("100", at("15:00")))
    document = here.document()
    assert (document["total_wins"], document["avg_profit_per_win"]) == (1, "100")
    assert document["data_quality"]["rejected"] == 1


def test_the_pnl_of_an_open_record_is_never_realized(here: Place) -> None:
    here.write(DAY, win("5"), opened("1000", order_id="o-1"), opened("-400", order_id="o-2"))
    document = here.document()
    assert (document["realized_pnl"], document["gross_profit"]) == ("5", "5")
    assert (document["best_trade"], document["expectancy"]) == ("5", "5")
    assert (document["open_trades"], document["unrealized_pnl"]) == (2, "600")


@pytest.mark.parametrize("pnl", ["NaN", "nan", "Infinity", "-Infinity", "sNaN"])
def test_a_pnl_that_is_no_number_leaves_the_total_a_number(here: Place, pnl: str) -> None:
    here.write(DAY, win("5"), win(pnl, at("15:00")), opened(pnl, at("16:00")))
    document = here.document()
    assert (document["realized_pnl"], document["unrealized_pnl"]) == ("5", "0")
    assert document["data_quality"]["rejected"] == 2


# --- order and days ---------------------------------------------------------------------------


def test_the_streak_ends_with_the_latest_instant_and_not_with_the_largest_text(
    here: Place,
) -> None:
    here.write(DAY, win("5", "2025-06-10T10:30:00-05:00"), loss("-3", "2025-06-10T14:00:00Z"))
    summary = here.summary()
    assert (summary.current_streak, summary.streak_type) == (1, "win")


def test_ten_in_the_evening_in_new_york_counts_on_the_day_it_is_in_utc(here: Place) -> None:
    here.write(NEXT_DAY, win("5", "2025-06-10T22:00:00-05:00"))
    assert [here.summary(day=day).total_trades for day in (DAY, NEXT_DAY)] == [0, 1]


@pytest.mark.parametrize(
    ("zone", "january", "february"), [("America/New_York", "5", "0"), ("UTC", "0", "5")]
)
def test_eight_in_the_evening_of_31_january_counts_in_the_month_of_the_zone(
    here: Place, zone: str, january: str, february: str
) -> None:
    here.write(date(2025, 2, 1), win("5", "2025-01-31T20:00:00-05:00"))
    there = here.under(SUMMARY_TIMEZONE=zone)
    assert there.document(Window.MONTHLY, date(2025, 1, 1))["realized_pnl"] == january
    assert there.document(Window.MONTHLY, date(2025, 2, 1))["realized_pnl"] == february


# --- windows ----------------------------------------------------------------------------------


def test_a_week_is_seven_days(here: Place) -> None:
    for offset in range(-1, 8):
        day = MONDAY + offset * ONE_DAY
        here.write(day, *session(str(10 ** (offset + 1)), day=day))
    week = here.document(Window.WEEKLY)
    assert (week["start_date"], week["end_date"]) == ("2025-06-09", "2025-06-15")
    assert (week["total_trades"], week["realized_pnl"]) == (7, "11111110")
    assert (week["trading_days"], len(week["daily"])) == (7, 7)


def test_a_range_of_seven_days_is_seven_days(here: Place) -> None:
    for offset in range(9):
        day = MONDAY + offset * ONE_DAY
        here.write(day, *session("1", day=day))
    found = here.tracker().get_range(MONDAY + ONE_DAY, MONDAY + 7 * ONE_DAY)
    assert (found.total_trades, found.trading_days) == (7, 7)


def test_the_first_days_of_january_are_not_merged_with_the_last_of_the_same_year(
    here: Place,
) -> None:
    # All four are in ISO week 1, and in the calendar year 2025.
    for day, pnl in (
        (date(2025, 1, 1), "1"),
        (date(2025, 1, 2), "10"),
        (date(2025, 12, 29), "100"),
        (date(2025, 12, 30), "1000"),
    ):
        here.write(day, *session(pnl, day=day))
    first = here.document(Window.WEEKLY, date(2025, 1, 2), YEARS_LATER)
    last = here.document(Window.WEEKLY, date(2025, 12, 30), YEARS_LATER)
    assert (first["start_date"], first["realized_pnl"]) == ("2024-12-30", "11")
    assert (last["start_date"], last["realized_pnl"]) == ("2025-12-29", "1100")


def test_months_of_different_years_are_not_merged(here: Place) -> None:
    for day, pnl in ((date(2024, 6, 5), "1"), (date(2025, 6, 5), "10"), (date(2026, 6, 5), "100")):
        here.write(day, *session(pnl, day=day))
    found = [
        here.document(Window.MONTHLY, date(year, 6, 30), YEARS_LATER)["realized_pnl"]
        for year in (2024, 2025, 2026)
    ]
    assert found == ["1", "10", "100"]


def test_win_rates_are_recombined_and_not_averaged(here: Place) -> None:
    here.write(DAY, *session("1", "-1", "-1", "-1"))
    here.write(NEXT_DAY, *session("1", day=NEXT_DAY))
    assert [here.document(day=day)["win_rate"] for day in (DAY, NEXT_DAY)] == ["0.25", "1"]
    for window in (Window.WEEKLY, Window.MONTHLY):
        assert here.document(window)["win_rate"] == "0.4"
    assert here.document(Window.ROLLING, NEXT_DAY)["win_rate"] == "0.4"


def test_no_ratio_of_a_week_is_an_average_of_its_days(here: Place) -> None:
    here.write(DAY, *session("10", "20", "-5"))
    here.write(NEXT_DAY, *session("1", "-50", day=NEXT_DAY))
    week = here.document(Window.WEEKLY)
    ratios = ("profit_factor", "avg_profit_per_win", "avg_loss_per_loss", "expectancy")
    assert {name: week[name] for name in ratios} == {
        "profit_factor": "0.563636",  # 31 / 55
        "avg_profit_per_win": "10.333333",  # 31 / 3
        "avg_loss_per_loss": "-27.5",  # -55 / 2
        "expectancy": "-4.8",  # -24 / 5
    }


def test_a_month_is_the_sum_of_its_days(here: Place) -> None:
    first = date(2025, 6, 1)
    days = [first + offset * ONE_DAY for offset in range(30)]
    for number, day in enumerate(days, start=1):
        if day.weekday() < 5:
            here.write(day, *session("0.1", f"-0.{number:02}", "0", day=day, commission="0.01"))
    month = here.document(Window.MONTHLY)
    daily = [here.document(day=day) for day in days]
    for name in ("realized_pnl", "gross_profit", "gross_loss", "commission"):
        assert Decimal(month[name]) == sum(Decimal(day[name]) for day in daily), name
    for name in ("total_trades", "total_wins", "total_losses", "total_breakevens"):
        assert month[name] == sum(day[name] for day in daily), name
    assert month["realized_pnl"] == "-1.1"  # 21 * 0.1 - 3.2
    assert month["daily"] == [
        {
            "date": day["start_date"],
            "total_trades": day["total_trades"],
            "realized_pnl": day["realized_pnl"],
            "max_drawdown": day["max_drawdown"],
        }
        for day in daily
        if day["total_trades"]
    ]


# --- drawdown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pnls", "expected"),
    [
        pytest.param(["-500", "100", "100"], "-500", id="it begins with a loss"),
        pytest.param(["100", "-30", "-40"], "-70", id="it has not ended"),
        pytest.param(["100", "-30", "50", "-40"], "-40", id="a deeper one at the end"),
        pytest.param(["100", "-80", "90", "-40"], "-80", id="a deeper one before"),
        pytest.param(["10", "20"], "0", id="none"),
        pytest.param(["0"], "0", id="nothing moved"),
        pytest.param(["-1", "-2", "-3"], "-6", id="losses alone"),
        pytest.param(["-10", "9", "-10"], "-11", id="never above zero"),
        pytest.param(["0.1", "-0.3", "0.1"], "-0.3", id="exact"),
    ],
)
def test_the_drawdown_is_the_deepest_fall_below_the_peak_from_zero(
    here: Place, pnls: list[str], expected: str
) -> None:
    here.write(DAY, *session(*pnls))
    assert here.document()["max_drawdown"] == expected
    assert here.document(Window.ROLLING)["max_drawdown"] == expected


@pytest.mark.parametrize(
    ("days", "expected", "of_each_day"),
    [
        pytest.param([["100"], ["-60"], ["-60"]], "-120", ["0", "-60", "-60"], id="over days"),
        pytest.param([["-500"], ["100", "100"]], "-500", ["-500", "0"], id="from the first day"),
        pytest.param([["5", "-3"], ["1"], ["-4"]], "-6", ["-3", "0", "-4"], id="and still open"),
        pytest.param([["10"], ["-4", "6"]], "-4", ["0", "-4"], id="within a day"),
    ],
)
def test_a_drawdown_over_several_days_is_not_the_deepest_of_the_days(
    here: Place, days: list[list[str]], expected: str, of_each_day: list[str]
) -> None:
    for offset, pnls in enumerate(days):
        day = MONDAY + offset * ONE_DAY
        here.write(day, *session(*pnls, day=day))
    week = here.document(Window.WEEKLY)
    assert week["max_drawdown"] == expected
    assert [row["max_drawdown"] for row in week["daily"]] == of_each_day
    assert here.document(Window.ROLLING, MONDAY + 6 * ONE_DAY)["max_drawdown"] == expected


# --- ratios -----------------------------------------------------------------------------------


def test_without_losses_the_ratios_over_losses_are_undefined(here: Place) -> None:
    here.write(DAY, *session("10", "20"))
    document = here.document()
    assert document["profit_factor"] is None
    assert document["payoff_ratio"] is None
    assert document["avg_loss_per_loss"] is None
    assert (document["win_rate"], document["gross_loss"]) == ("1", "0")


def test_the_payoff_ratio_comes_from_the_exact_averages(here: Place) -> None:
    wins = [win(pnl, at(f"14:0{n}")) for n, pnl in enumerate(("0.000001", "0", "0"))]
    here.write(DAY, *wins, loss("-0.000001", at("15:00")))
    document = here.document()
    # The published average of the wins is 0: a third of a millionth.
    assert document["avg_profit_per_win"] == "0"
    assert document["payoff_ratio"] == "0.333333"


def test_a_long_with_its_stop_above_the_entry_is_left_out_of_the_planned_ratio(
    here: Place,
) -> None:
    here.write(
        DAY,
        win("1", at("10:00"), price="100", stop_loss="104", target="110"),  # -2.5 elsewhere
        win("1", at("11:00"), price="100", stop_loss="98", target="103"),
    )
    document = here.document()
    assert (document["avg_risk_reward_ratio"], document["risk_reward_trades"]) == ("1.5", 1)


def test_each_planned_ratio_is_rounded_before_the_mean_and_the_mean_once_more(
    here: Place,
) -> None:
    thirds = [
        win("1", at(f"10:{minute:02}"), price="10", stop_loss="7", target="11")
        for minute in range(3)
    ]
    here.write(DAY, *thirds, win("1", at("11:00"), price="2", stop_loss="1", target="2.0000049999"))
    document = here.document()
    # (3 * 0.333333333 + 0.000005000) / 4 = 0.25000125: 0.250001 in six decimals.
    assert (document["avg_risk_reward_ratio"], document["risk_reward_trades"]) == ("0.250001", 4)


def test_the_planned_ratio_of_an_open_record_counts_only_once_it_is_closed(here: Place) -> None:
    levels = {"price": "100", "stop_loss": "95", "target": "110"}
    here.write(DAY, opened(None, order_id="o-1", **levels))
    assert here.document()["risk_reward_trades"] == 0
    here.write(NEXT_DAY, win("1", at("10:00", NEXT_DAY), order_id="o-1", **levels))
    week = here.document(Window.WEEKLY)
    assert (week["avg_risk_reward_ratio"], week["risk_reward_trades"]) == ("2", 1)


# --- the bot as it really writes --------------------------------------------------------------


def fills(day: date, count: int) -> list[bytes]:
    """Entries as the bot logs them: each `open`, with its own order and nothing known yet."""
    return [
        line(
            timestamp=at(f"14:{minute:02}", day),
            outcome="open",
            profit_loss=None,
            net_profit_loss=None,
            order_id=f"{day}-{minute}",
            execution_mode="PAPER",
        )
        for minute in range(count)
    ]


def test_a_bot_that_logs_only_entries_has_open_trades_and_a_warning(here: Place) -> None:
    here.write(DAY, *fills(DAY, 7))
    document = here.document()
    assert {name: document[name] for name in METRICS} == {
        **NOTHING,
        "open_trades": 7,
        "unrealized_pnl": None,
    }
    assert document["data_quality"] == {
        "status": "complete",
        "missing_days": [],
        "accepted": 7,
        "duplicates": 0,
        "rejected": 0,
        "misdated": 0,
        "outcome_conflicts": 0,
        "unmatched_exits": 0,
        "rejected_lines": [],
        "unmatched_lines": [],
        "warnings": [
            "1 log holding only open records and no exits: none of the trades can count yet; if"
            " they are fills, not trades that are still open, PERFORMANCE_PAIRING=fifo makes"
            f" trades of them ({DAY}.jsonl)."
        ],
    }
    assert "No trades in window" in summary_markdown(here.summary())


def test_the_warning_names_a_few_of_many_logs_without_exits(here: Place) -> None:
    days = [date(2025, 6, 1) + offset * ONE_DAY for offset in range(8)]
    for day in days:
        here.write(day, *fills(day, 1))
    other = date(2025, 6, 20)
    here.write(other, *session("1", day=other, execution_mode="PAPER"))
    month = here.summary(Window.MONTHLY)
    assert (month.total_trades, month.open_trades) == (1, 8)
    names = ", ".join(f"{day}.jsonl" for day in days[:5])
    assert month.data_quality.warnings == (
        "8 logs holding only open records and no exits: none of the trades can count yet; if"
        " they are fills, not trades that are still open, PERFORMANCE_PAIRING=fifo makes"
        f" trades of them ({names} and 3 more).",
    )


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(win("1"), id="a win"),
        pytest.param(loss("-1"), id="a loss"),
        pytest.param(breakeven(), id="a breakeven"),
        pytest.param(win("1", execution_mode="LIVE"), id="one that a filter leaves out"),
    ],
)
def test_one_exit_in_the_log_is_enough_to_trust_it(here: Place, other: bytes) -> None:
    here.write(DAY, *fills(DAY, 2), other)
    there = here.under(EXECUTION_MODE="PAPER")
    assert there.summary().open_trades == 2
    assert there.summary().data_quality.warnings == ()


# --- every metric, by hand --------------------------------------------------------------------

NOTHING: dict[str, Any] = {
    "total_trades": 0,
    "total_wins": 0,
    "total_losses": 0,
    "total_breakevens": 0,
    "open_trades": 0,
    "unrealized_pnl": "0",
    "win_rate": None,
    "gross_profit": "0",
    "gross_loss": "0",
    "realized_pnl": "0",
    "commission": "0",
    "slippage": "0",
    "avg_profit_per_win": None,
    "avg_loss_per_loss": None,
    "profit_factor": None,
    "payoff_ratio": None,
    "expectancy": None,
    "avg_risk_reward_ratio": None,
    "risk_reward_trades": 0,
    "current_streak": 0,
    "streak_type": "none",
    "longest_win_streak": 0,
    "longest_loss_streak": 0,
    "max_drawdown": "0",
    "best_trade": None,
    "worst_trade": None,
    "avg_hold_seconds": None,
    "trading_days": 0,
    "avg_daily_pnl": None,
    "by_symbol": {},
    "by_strategy": {},
    "by_execution_mode": {},
}
METRICS = tuple(NOTHING)


def row(trades: int, wins: int, losses: int, win_rate: str, pnl: str) -> dict[str, object]:
    return {
        "total_trades": trades,
        "total_wins": wins,
        "total_losses": losses,
        "win_rate": win_rate,
        "realized_pnl": pnl,
    }


def by_name(entry: dict[str, object]) -> dict[str, object]:
    """The breakdowns of trades that share their symbol, strategy and mode."""
    return {
        "by_symbol": {"AAPL": entry},
        "by_strategy": {"momentum": entry},
        "by_execution_mode": {"LIVE": entry},
    }


ONE_WIN = {
    **NOTHING,
    "total_trades": 1,
    "total_wins": 1,
    "win_rate": "1",
    "gross_profit": "12.5",
    "realized_pnl": "12.5",
    "commission": "0.25",
    "slippage": "0.01",
    "avg_profit_per_win": "12.5",
    "expectancy": "12.5",
    "avg_risk_reward_ratio": "2",
    "risk_reward_trades": 1,
    "current_streak": 1,
    "streak_type": "win",
    "longest_win_streak": 1,
    "best_trade": "12.5",
    "worst_trade": "12.5",
    "avg_hold_seconds": "90",
    "trading_days": 1,
    "avg_daily_pnl": "12.5",
    **by_name(row(1, 1, 0, "1", "12.5")),
}
ONE_LOSS = {
    **NOTHING,
    "total_trades": 1,
    "total_losses": 1,
    "win_rate": "0",
    "gross_loss": "-12.5",
    "realized_pnl": "-12.5",
    "avg_loss_per_loss": "-12.5",
    "profit_factor": "0",
    "expectancy": "-12.5",
    "current_streak": 1,
    "streak_type": "loss",
    "longest_loss_streak": 1,
    "max_drawdown": "-12.5",
    "best_trade": "-12.5",
    "worst_trade": "-12.5",
    "trading_days": 1,
    "avg_daily_pnl": "-12.5",
    **by_name(row(1, 0, 1, "0", "-12.5")),
}
FLAT = {
    **NOTHING,
    "total_trades": 3,
    "total_breakevens": 3,
    "win_rate": "0",
    "expectancy": "0",
    "best_trade": "0",
    "worst_trade": "0",
    "trading_days": 1,
    "avg_daily_pnl": "0",
    **by_name(row(3, 0, 0, "0", "0")),
}
ALL_NEGATIVE = {
    **NOTHING,
    "total_trades": 3,
    "total_losses": 3,
    "win_rate": "0",
    "gross_loss": "-35.5",
    "realized_pnl": "-35.5",
    "avg_loss_per_loss": "-11.833333",
    "profit_factor": "0",
    "expectancy": "-11.833333",
    "current_streak": 3,
    "streak_type": "loss",
    "longest_loss_streak": 3,
    "max_drawdown": "-35.5",
    "best_trade": "-5.5",
    "worst_trade": "-20",
    "trading_days": 1,
    "avg_daily_pnl": "-35.5",
    **by_name(row(3, 0, 3, "0", "-35.5")),
}
ALL_POSITIVE = {
    **NOTHING,
    "total_trades": 2,
    "total_wins": 2,
    "win_rate": "1",
    "gross_profit": "10.01",
    "realized_pnl": "10.01",
    "avg_profit_per_win": "5.005",
    "expectancy": "5.005",
    "current_streak": 2,
    "streak_type": "win",
    "longest_win_streak": 2,
    "best_trade": "10",
    "worst_trade": "0.01",
    "trading_days": 1,
    "avg_daily_pnl": "10.01",
    **by_name(row(2, 2, 0, "1", "10.01")),
}
MISLABELLED = {
    **NOTHING,
    "total_trades": 2,
    "total_wins": 1,
    "total_losses": 1,
    "win_rate": "0.5",
    "gross_profit": "-5",
    "gross_loss": "3",
    "realized_pnl": "-2",
    "avg_profit_per_win": "-5",
    "avg_loss_per_loss": "3",
    "profit_factor": "-1.666667",
    "payoff_ratio": "-1.666667",
    "expectancy": "-1",
    "current_streak": 1,
    "streak_type": "loss",
    "longest_win_streak": 1,
    "longest_loss_streak": 1,
    "max_drawdown": "-5",
    "best_trade": "3",
    "worst_trade": "-5",
    "trading_days": 1,
    "avg_daily_pnl": "-2",
    **by_name(row(2, 1, 1, "0.5", "-2")),
}
LOSS_OF_NOTHING = {
    **NOTHING,
    "total_trades": 2,
    "total_wins": 1,
    "total_losses": 1,
    "win_rate": "0.5",
    "gross_profit": "4",
    "realized_pnl": "4",
    "avg_profit_per_win": "4",
    "avg_loss_per_loss": "0",
    "expectancy": "2",
    "current_streak": 1,
    "streak_type": "loss",
    "longest_win_streak": 1,
    "longest_loss_streak": 1,
    "best_trade": "4",
    "worst_trade": "0",
    "trading_days": 1,
    "avg_daily_pnl": "4",
    **by_name(row(2, 1, 1, "0.5", "4")),
}
OPEN_ALONE = {**NOTHING, "open_trades": 2, "unrealized_pnl": "-1.5"}

TABLES = [
    pytest.param([], NOTHING, id="empty"),
    pytest.param(
        [
            win(
                "12.50",
                commission="0.25",
                slippage="0.01",
                hold_duration_seconds=90,
                price="100",
                stop_loss="95",
                target="110",
            )
        ],
        ONE_WIN,
        id="one win",
    ),
    pytest.param([loss("-12.50")], ONE_LOSS, id="one loss"),
    pytest.param(session("0", "0.00", "-0"), FLAT, id="flat"),
    pytest.param(session("-10", "-20", "-5.50"), ALL_NEGATIVE, id="all negative"),
    pytest.param(session("0.01", "10"), ALL_POSITIVE, id="all positive"),
    pytest.param([win("-5"), loss("3", at("15:00"))], MISLABELLED, id="mislabelled"),
    pytest.param([win("4"), loss("0", at("15:00"))], LOSS_OF_NOTHING, id="a loss of nothing"),
    pytest.param([opened("1"), opened("-2.5")], OPEN_ALONE, id="open alone"),
]


@pytest.mark.parametrize("window", [Window.DAILY, Window.WEEKLY, Window.MONTHLY, Window.ROLLING])
@pytest.mark.parametrize(("lines", "expected"), TABLES)
def test_every_metric_of_one_days_trades_is_as_computed_by_hand(
    here: Place, window: Window, lines: list[bytes], expected: dict[str, Any]
) -> None:
    here.write(DAY, *lines)
    document = here.document(window)
    assert {name: document[name] for name in METRICS} == expected


MIXED_FIRST_DAY = [
    # Not in the order of time.
    line(
        timestamp=at("13:00"),
        exit_timestamp=at("14:40"),
        net_profit_loss=None,
        profit_loss=Raw("9.05"),
        commission="1.05",  # leaves 8
        hold_duration_seconds="45.5",
    ),
    win(
        "30",
        at("14:00"),
        commission="1.00",
        slippage="0.10",
        hold_duration_seconds=60,
        price="100",
        stop_loss="95",
        target="110",  # 2
    ),
    win(
        "10.50",
        at("14:10"),
        symbol="BRK.B",
        strategy_name="mean-reversion",
        commission="0.50",
        price="10",
        stop_loss="7",
        target="11",  # 0.333333333
    ),
    breakeven(
        at("14:30"),
        symbol="BTC/USD",
        strategy_name=None,
        execution_mode="PAPER",
        slippage="-0.02",
        hold_duration_seconds=0,
        price="100",
        stop_loss="105",  # on the side of the target: left out
        target="110",
    ),
    loss(
        "-20.25",
        at("14:20"),
        action="SELL",
        slippage="0.05",
        hold_duration_seconds="120",
        price="100",
        stop_loss="104",
        target="90",  # 2.5
    ),
    opened("99", at("15:00"), order_id="o-3"),
]
MIXED_NEXT_DAY = [
    loss("-40", at("10:00", NEXT_DAY), strategy_name="mean-reversion", order_id="o-3"),
    loss("-4.75", at("10:10", NEXT_DAY), symbol="BRK.B"),
    loss(
        "-0.50",
        at("10:20", NEXT_DAY),
        symbol="BTC/USD",
        strategy_name="",
        execution_mode="PAPER",
    ),
    opened("3.50", at("11:00", NEXT_DAY), order_id="o-1"),
    opened("-1.25", at("11:00", NEXT_DAY), order_id="o-2"),
]
MIXED = {
    "total_trades": 8,
    "total_wins": 3,
    "total_losses": 4,
    "total_breakevens": 1,
    "open_trades": 2,
    "unrealized_pnl": "2.25",
    "win_rate": "0.375",
    "gross_profit": "48.5",
    "gross_loss": "-65.5",
    "realized_pnl": "-17",
    "commission": "2.55",
    "slippage": "0.13",
    "avg_profit_per_win": "16.166667",
    "avg_loss_per_loss": "-16.375",
    "profit_factor": "0.740458",
    "payoff_ratio": "0.987277",  # (48.5 / 3) / (65.5 / 4)
    "expectancy": "-2.125",
    "avg_risk_reward_ratio": "1.611111",
    "risk_reward_trades": 3,
    "current_streak": 3,
    "streak_type": "loss",
    "longest_win_streak": 2,
    "longest_loss_streak": 3,
    "max_drawdown": "-57.5",
    "best_trade": "30",
    "worst_trade": "-40",
    "avg_hold_seconds": "56.375",
    "trading_days": 2,
    "avg_daily_pnl": "-8.5",
    "by_symbol": {
        "AAPL": row(4, 2, 2, "0.5", "-22.25"),
        "BRK.B": row(2, 1, 1, "0.5", "5.75"),
        "BTC/USD": row(2, 0, 1, "0", "-0.5"),
    },
    "by_strategy": {
        "": row(2, 0, 1, "0", "-0.5"),
        "mean-reversion": row(2, 1, 1, "0.5", "-29.5"),
        "momentum": row(4, 2, 2, "0.5", "13"),
    },
    "by_execution_mode": {
        "LIVE": row(6, 3, 3, "0.5", "-16.5"),
        "PAPER": row(2, 0, 1, "0", "-0.5"),
    },
}
MIXED_DAILY = [
    {
        "date": str(DAY),
        "total_trades": 5,
        "realized_pnl": "28.25",
        "max_drawdown": "-20.25",
    },
    {
        "date": str(NEXT_DAY),
        "total_trades": 3,
        "realized_pnl": "-45.25",
        "max_drawdown": "-45.25",
    },
]


@pytest.mark.parametrize("window", [Window.WEEKLY, Window.MONTHLY, Window.ROLLING])
def test_every_metric_of_two_mixed_days_is_as_computed_by_hand(here: Place, window: Window) -> None:
    here.write(DAY, *MIXED_FIRST_DAY)
    here.write(NEXT_DAY, *MIXED_NEXT_DAY)
    document = here.document(window, NEXT_DAY)
    assert {name: document[name] for name in METRICS} == MIXED
    for breakdown in ("by_symbol", "by_strategy", "by_execution_mode"):
        assert list(document[breakdown]) == sorted(document[breakdown])
    assert document.get("daily") == (None if window is Window.ROLLING else MIXED_DAILY)


def test_breakdowns_sum_to_the_total_and_stand_in_one_order(here: Place) -> None:
    here.write(DAY, *MIXED_FIRST_DAY)
    here.write(NEXT_DAY, *MIXED_NEXT_DAY)
    document = here.document(Window.WEEKLY)
    for breakdown in ("by_symbol", "by_strategy", "by_execution_mode"):
        rows = document[breakdown].values()
        for name in ("total_trades", "total_wins", "total_losses"):
            assert sum(row[name] for row in rows) == document[name]
        assert sum(Decimal(row["realized_pnl"]) for row in rows) == Decimal("-17")


def test_a_summary_publishes_every_metric_in_one_order(here: Place) -> None:
    document = here.document(Window.WEEKLY)
    around = ["schema_version", "window", "start_date", "end_date", "starts_at", "ends_at"]
    names = [*around, "timezone", *METRICS, "daily", "targets", "alert_status", "data_quality"]
    assert [name for name in document if name in names] == names


STREAKS = [
    pytest.param("WWL", 1, "loss", 2, 1, id="ended by one loss"),
    pytest.param("LWWW", 3, "win", 3, 1, id="running"),
    pytest.param("WWB", 0, "none", 2, 0, id="ended by a breakeven"),
    pytest.param("WBW", 1, "win", 1, 0, id="a breakeven between two wins"),
    pytest.param("WWW", 3, "win", 3, 0, id="one long run"),
    pytest.param("BBB", 0, "none", 0, 0, id="breakevens alone"),
    pytest.param("LLWLLLW", 1, "win", 1, 3, id="the longest in the middle"),
    pytest.param("LLLWL", 1, "loss", 1, 3, id="the longest at the start"),
]


@pytest.mark.parametrize("days", [1, 2, 3, 7], ids=lambda days: f"over {days} days")
@pytest.mark.parametrize(("outcomes", "current", "kind", "wins", "losses"), STREAKS)
def test_streaks_are_runs_of_equal_outcomes_whatever_the_days_they_fall_on(
    here: Place, outcomes: str, current: int, kind: str, wins: int, losses: int, days: int
) -> None:
    signs = {"W": "1", "L": "-1", "B": "0"}
    for offset in range(days):
        start, end = (len(outcomes) * number // days for number in (offset, offset + 1))
        day = MONDAY + offset * ONE_DAY
        here.write(day, *session(*(signs[one] for one in outcomes[start:end]), day=day))
    week = here.summary(Window.WEEKLY)
    assert (week.current_streak, week.streak_type) == (current, kind)
    assert (week.longest_win_streak, week.longest_loss_streak) == (wins, losses)


def test_money_is_exact_where_floats_and_28_digits_are_not(here: Place) -> None:
    here.write(
        DAY,
        *session("0.1", "0.2", "123456789012345.67", "0.00000000000000000001", "-0.3"),
    )
    assert here.document()["realized_pnl"] == "123456789012345.67000000000000000001"
    assert here.document()["worst_trade"] == "-0.3"


def test_the_largest_and_the_smallest_number_of_a_log_stay_exact_together(here: Place) -> None:
    here.write(DAY, *session("9e99", "-1e-100", "9e99"))
    document = here.document()
    assert document["realized_pnl"] == "17" + "9" * 99 + "." + "9" * 100
    assert document["profit_factor"] == "18" + "0" * 199
    assert document["payoff_ratio"] == "9" + "0" * 199
    assert (document["best_trade"], document["max_drawdown"]) == (
        "9" + "0" * 99,
        "-0." + "0" * 99 + "1",
    )


def test_a_thousand_dimes_are_a_hundred(here: Place) -> None:
    here.write(DAY, *(win("0.1", at(f"10:00:00.{number:06}")) for number in range(1000)))
    document = here.document()
    assert (document["total_trades"], document["realized_pnl"]) == (1000, "100")
    assert document["expectancy"] == "0.1"


@pytest.mark.parametrize(
    ("lines", "conflicts"),
    [
        pytest.param([win("-5")], 1, id="a losing win"),
        pytest.param([loss("5")], 1, id="a winning loss"),
        pytest.param([win("0"), loss("0")], 0, id="zero contradicts nothing"),
        pytest.param([breakeven(net_profit_loss="3")], 0, id="nor does a breakeven"),
        pytest.param([win("5"), loss("-5")], 0, id="as labelled"),
        pytest.param([opened("-5"), opened("5")], 0, id="open"),
        pytest.param(
            [line(net_profit_loss=None, profit_loss="1", commission="1.05")],
            1,
            id="a win eaten up by its commission",
        ),
    ],
)
def test_a_label_that_contradicts_the_pnl_is_reported_and_not_repaired(
    here: Place, lines: list[bytes], conflicts: int
) -> None:
    here.write(DAY, *lines)
    quality = here.summary().data_quality
    assert (quality.outcome_conflicts, quality.status) == (conflicts, "complete")
