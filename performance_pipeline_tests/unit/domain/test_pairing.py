"""Fills become trades: traps that others fell into, by name, and equality with a plain replay."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import exact_arithmetic, plain
from performance_pipeline.domain.pairing import DayRecords, Paired, pair
from performance_pipeline.domain.positions import Book, PairingRules
from performance_pipeline.domain.trades import Fill, Trade
from performance_pipeline_tests.support.pairing_reference import ReferenceFill, Replay, rounded

START: Final = datetime(2025, 6, 10, 14, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
FIFO: Final = PairingRules(newest_first=False, until_flat=False, short_selling=False)
LIFO: Final = PairingRules(newest_first=True, until_flat=False, short_selling=False)
FLAT: Final = PairingRules(newest_first=False, until_flat=True, short_selling=False)
SHORTS: Final = PairingRules(newest_first=False, until_flat=False, short_selling=True)
FLAT_SHORTS: Final = PairingRules(newest_first=False, until_flat=True, short_selling=True)
NAMES: Final = {"fifo": FIFO, "lifo": LIFO, "flat": FLAT, "shorts": SHORTS, "both": FLAT_SHORTS}


def fill(
    side: str, quantity: str, price: str, minute: int = 0, commission: str = "0", **more: Any
) -> Fill:
    return Fill(
        **{
            "instant": START + minute * MINUTE,
            "buys": side == "BUY",
            "quantity": Decimal(quantity),
            "price": Decimal(price),
            "multiplier": Decimal(1),
            "commission": Decimal(commission),
            "slippage": Decimal(0),
            "planned_ratio": None,
            "symbol": "AAPL",
            "strategy": "momentum",
            "mode": "LIVE",
            "account": "",
            "order_id": "",
            **more,
        }
    )


def paired(fills: Sequence[Fill], rules: PairingRules = FIFO, book: Book = Book()) -> Paired:  # noqa: B008
    return pair(DayRecords.of(enumerate(fills, start=1)), "log", rules, book)


def told(result: Paired) -> list[tuple[str, str]]:
    """Outcome and net P&L of each trade."""
    return [(one.trade.outcome, plain(one.trade.pnl or Decimal(0))) for one in result.trades]


def test_a_round_trip_is_one_trade_with_its_hold_side_and_both_commissions() -> None:
    result = paired([fill("BUY", "10", "100", 0, "1"), fill("SELL", "10", "103", 30, "1.5")])
    (one,) = result.trades
    assert one.trade == Trade(
        START + 30 * MINUTE,
        "win",
        Decimal("27.5"),
        Decimal("2.5"),
        Decimal(0),
        None,
        Decimal(1800),
        "AAPL",
        "momentum",
        "LIVE",
        "",
        "",
        "long",
    )
    assert (one.line, one.entry) == (2, (START, 0))
    assert result.book == Book()
    assert result.unmatched == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (FIFO, [("win", "20"), ("win", "5")]),
        (LIFO, [("win", "10"), ("win", "15")]),
        (FLAT, [("win", "25")]),
    ],
    ids=["fifo", "lifo", "flat"],
)
def test_which_lot_an_exit_closes_first_and_what_one_trade_is(
    rules: PairingRules, expected: list[tuple[str, str]]
) -> None:
    fills = [
        fill("BUY", "1", "100", 0),
        fill("BUY", "1", "110", 1),
        fill("SELL", "1", "120", 2),
        fill("SELL", "1", "115", 3),
    ]
    assert told(paired(fills, rules)) == expected


def test_partial_exits_over_days_are_trades_of_their_own_and_share_the_entry_commission() -> None:
    entry = paired([fill("BUY", "3", "100", 0, "1")])
    first = paired([fill("SELL", "1", "101", 1440)], book=entry.book)
    second = paired([fill("SELL", "2", "101", 2880)], book=first.book)
    assert told(first) == [("win", "0.666666667")]
    assert told(second) == [("win", "1.333333333")]
    assert second.book == Book()


def test_reopening_on_the_same_day_is_another_trade_and_never_merged_into_one() -> None:
    fills = [
        fill("BUY", "1", "100", 0),
        fill("SELL", "1", "90", 1),
        fill("BUY", "1", "95", 2),
        fill("SELL", "1", "99", 3),
    ]
    for rules in NAMES.values():
        assert told(paired(fills, rules)) == [("loss", "-10"), ("win", "4")]


def test_an_entry_and_an_exit_in_one_second_pair_in_the_order_of_their_lines() -> None:
    result = paired([fill("BUY", "1", "100"), fill("SELL", "1", "101"), fill("BUY", "1", "7")])
    (one,) = result.trades
    assert (one.trade.pnl, one.trade.hold_seconds) == (Decimal(1), Decimal(0))
    assert one.entry == (START, 0)
    assert result.book.positions[0].lots[0].nth == 2


@pytest.mark.parametrize("rules", [SHORTS, FLAT_SHORTS], ids=["exit", "flat"])
def test_a_flip_in_one_fill_closes_the_old_side_and_opens_the_new_one(rules: PairingRules) -> None:
    result = paired([fill("BUY", "2", "10", 0, "1"), fill("SELL", "5", "12", 1, "1")], rules)
    assert told(result) == [("win", "2.6")]
    (position,) = result.book.positions
    (lot,) = position.lots
    assert (position.side, lot.quantity, lot.price) == ("short", Decimal(3), Decimal(12))
    assert lot.commission == Decimal("0.6")
    covered = paired([fill("BUY", "3", "11", 2)], rules, result.book)
    assert told(covered) == [("win", "2.4")]
    assert covered.trades[0].trade.side == "short"


def test_without_short_selling_what_goes_beyond_the_position_is_unmatched_and_never_guessed() -> (
    None
):
    result = paired([fill("BUY", "2", "10", 0), fill("SELL", "5", "12", 1, "1")])
    assert told(result) == [("win", "3.6")]
    assert [(line.line, line.quantity) for line in result.unmatched] == [(2, Decimal(3))]
    assert result.book == Book()


def test_a_position_opened_before_the_oldest_log_is_an_unmatched_exit_and_no_short() -> None:
    result = paired([fill("SELL", "5", "12", 1)])
    assert result.trades == ()
    assert [(line.file, line.line, line.quantity) for line in result.unmatched] == [
        ("log", 1, Decimal(5))
    ]
    assert result.book == Book()


def test_fractions_of_a_hundred_millionth_pair_to_nothing_left() -> None:
    fills = [
        fill("BUY", "0.00000003", "60000.01", 0, "0.000000001"),
        fill("SELL", "0.00000001", "60000.02", 1),
        fill("SELL", "0.00000002", "60000.03", 2),
    ]
    result = paired(fills)
    # A third of a billionth is 0 at nine decimals: all of the fee is left for the last part.
    assert told(result) == [("win", "0.0000000001"), ("loss", "-0.0000000006")]
    assert result.book == Book()


def test_commission_is_counted_once_and_a_rebate_adds() -> None:
    fills = [fill("BUY", "1", "100", 0, "-0.25"), fill("SELL", "1", "100", 1, "0.1")]
    assert told(paired(fills)) == [("win", "0.15")]


def test_an_order_filled_in_identical_pieces_is_so_many_lots() -> None:
    piece = fill("BUY", "1", "10", order_id="o-1")
    result = paired([piece, piece, piece, fill("SELL", "3", "11", 1)])
    assert told(result) == [("win", "3")]


def test_positions_of_one_instant_stand_in_an_order_that_no_account_decides() -> None:
    pieces = [("3", "10"), ("1", "20"), ("1", "15")]
    for accounts in (("a", "b", "c"), ("c", "a", "b"), ("b", "c", "a")):
        fills = [
            fill("BUY", quantity, price, account=account)
            for account, (quantity, price) in zip(accounts, pieces, strict=True)
        ]
        rows = paired(fills).book.published(ZoneInfo("UTC"))
        assert [(str(row.quantity), plain(row.average_price)) for row in rows] == [
            ("1", "15"),
            ("1", "20"),
            ("3", "10"),
        ]


def test_two_accounts_and_two_modes_of_one_symbol_are_positions_apart() -> None:
    fills = [
        fill("BUY", "1", "10", 0, account="a"),
        fill("BUY", "1", "20", 1, account="b"),
        fill("BUY", "1", "30", 2, mode="PAPER"),
        fill("SELL", "1", "31", 3, mode="PAPER"),
        fill("SELL", "1", "21", 4, account="b"),
        fill("SELL", "1", "21", 5, account="c"),
    ]
    result = paired(fills)
    assert told(result) == [("win", "1"), ("win", "1")]
    assert [position.account for position in result.book.positions] == ["a"]
    assert [line.line for line in result.unmatched] == [6]


@pytest.mark.parametrize(("multiplier", "pnl"), [("100", "150"), ("50", "75"), ("0.1", "0.15")])
def test_the_multiplier_of_the_lot_counts_once_whatever_the_exit_says(
    multiplier: str, pnl: str
) -> None:
    fills = [
        fill("BUY", "1", "2", 0, multiplier=Decimal(multiplier)),
        fill("SELL", "1", "3.5", 1),
    ]
    assert Decimal(told(paired(fills))[0][1]) == Decimal(pnl)


def test_an_option_that_expires_at_price_0_loses_what_it_cost() -> None:
    fills = [fill("BUY", "2", "1.25", 0, "1", multiplier=Decimal(100)), fill("SELL", "2", "0", 1)]
    assert [Decimal(pnl) for _, pnl in told(paired(fills))] == [Decimal(-251)]


def test_lifo_goes_on_with_what_is_left_of_a_partly_closed_newest_lot() -> None:
    fills = [
        fill("BUY", "1", "10", 0),
        fill("BUY", "4", "20", 1, "1"),
        fill("SELL", "1", "21", 2),
        fill("BUY", "1", "30", 3),
        fill("SELL", "4", "31", 4),
        fill("SELL", "1", "31", 5),
    ]
    result = paired(fills, LIFO)
    assert [Decimal(pnl) for _, pnl in told(result)] == [
        Decimal("0.75"),
        Decimal(1 + 33) - Decimal("0.75"),
        Decimal(21),
    ]


def test_a_flat_trade_tells_strategy_plan_and_hold_of_the_fill_that_opened_the_position() -> None:
    fills = [
        fill("BUY", "1", "10", 0, strategy="first", planned_ratio=Decimal(2)),
        fill("BUY", "1", "10", 1, strategy="second"),
        fill("SELL", "1", "11", 2),
        fill("SELL", "1", "12", 3, strategy="exit"),
    ]
    lifo_flat = PairingRules(newest_first=True, until_flat=True, short_selling=False)
    for rules in (FLAT, lifo_flat):
        (one,) = paired(fills, rules).trades
        assert (one.trade.strategy, one.trade.planned_ratio) == ("first", Decimal(2))
        assert (one.trade.hold_seconds, one.trade.pnl) == (Decimal(180), Decimal(3))
    exits = paired(fills, LIFO).trades
    assert [one.trade.strategy for one in exits] == ["second", "first"]


def test_a_position_never_flat_for_a_year_keeps_no_more_lots_than_it_holds() -> None:
    book = Book()
    for day in range(365):
        minute = day * 1440
        fills = [fill("BUY", "2", "10", minute), fill("SELL", "2", "11", minute + 5)]
        if not day:
            fills.insert(0, fill("BUY", "1", "9"))
        book = paired(fills, book=book).book
    assert [len(position.lots) for position in book.positions] == [1]
    assert book.positions[0].lots[0].quantity == 1


def test_closed_records_count_as_they_are_and_touch_no_position() -> None:
    closed = Trade(
        START + MINUTE, "win", Decimal(7), *(Decimal(0),) * 2, None, None, "AAPL", "", "", "a", ""
    )
    records = DayRecords.of(
        [(1, fill("BUY", "1", "10", 0)), (2, closed), (3, fill("SELL", "1", "12", 2))]
    )
    result = pair(records, "log", FIFO, Book())
    assert told(result) == [("win", "7"), ("win", "2")]
    assert result.trades[0].entry is None
    assert result.trades[0].trade.account == ""


# --- against a plain replay ---------------------------------------------------------------------

amounts = st.sampled_from(["0", "0.1", "1", "-0.35", "0.0000000007", "2.5"])
quantities = st.sampled_from(["1", "2", "3", "0.5", "0.00000001", "7", "1.5"])
prices = st.sampled_from(["0", "1", "10", "10.01", "99.999999999999999999", "3e2"])


@st.composite
def fill_lists(draw: st.DrawFn) -> list[Fill]:
    """Fills in time order of a few positions, so that they meet; some at one instant."""
    count = draw(st.integers(0, 30))
    minute = 0
    fills = []
    for _ in range(count):
        minute += draw(st.sampled_from([0, 1, 1, 600]))
        fills.append(
            fill(
                draw(st.sampled_from(["BUY", "SELL"])),
                draw(quantities),
                draw(prices),
                minute,
                draw(amounts),
                slippage=Decimal(draw(amounts)),
                multiplier=Decimal(draw(st.sampled_from(["1", "100", "0.01"]))),
                symbol=draw(st.sampled_from(["A", "B"])),
                account=draw(st.sampled_from(["", "x"])),
                strategy=draw(st.sampled_from(["s", "t"])),
                planned_ratio=draw(st.sampled_from([None, Decimal(2)])),
            )
        )
    return fills


rule_sets = st.builds(PairingRules, st.booleans(), st.booleans(), st.booleans())


def replayed(fills: Sequence[Fill], rules: PairingRules) -> Replay:
    return Replay(rules.newest_first, rules.until_flat, rules.short_selling).take_all(
        ReferenceFill(
            (one.account, one.mode, one.symbol),
            one.instant,
            one.buys,
            Fraction(one.quantity),
            Fraction(one.price),
            Fraction(one.multiplier),
            Fraction(one.commission),
            Fraction(one.slippage),
            one.strategy,
            None if one.planned_ratio is None else Fraction(one.planned_ratio),
            name=number,
        )
        for number, one in enumerate(fills, start=1)
    )


@given(fill_lists(), rule_sets)
def test_pairing_equals_a_plain_replay_in_fractions(fills: list[Fill], rules: PairingRules) -> None:
    result, expected = paired(fills, rules), replayed(fills, rules)
    nths = {
        number: sum(
            (other.instant, other.symbol, other.account) == (one.instant, one.symbol, one.account)
            for other in fills[: number - 1]
        )
        for number, one in enumerate(fills, start=1)
    }
    assert [
        (
            one.trade.instant,
            one.trade.side,
            Fraction(one.trade.pnl or 0),
            Fraction(one.trade.commission),
            Fraction(one.trade.slippage),
            one.trade.strategy,
            one.trade.planned_ratio,
            Fraction(one.trade.hold_seconds or 0),
            one.line,
            one.entry,
        )
        for one in result.trades
    ] == [
        (
            one.instant,
            one.side,
            one.net,
            one.commission,
            one.slippage,
            one.strategy,
            one.ratio,
            one.hold,
            one.exit_name,
            (fills[one.entry_name - 1].instant, nths[one.entry_name]),
        )
        for one in expected.trades
    ]
    assert [(line.line, Fraction(line.quantity)) for line in result.unmatched] == expected.unmatched
    assert sorted(
        (
            row.symbol,
            row.side,
            Fraction(row.quantity),
            Fraction(row.average_price),
            row.opened_at,
        )
        for row in result.book.published(ZoneInfo("UTC"))
    ) == sorted(
        (key[2], side, quantity, rounded(price, 6), opened)
        for key, side, quantity, price, opened in expected.book()
    )


@given(fill_lists(), rule_sets, st.lists(st.integers(0, 30), max_size=4))
def test_fills_cut_anywhere_between_instants_come_to_the_same(
    fills: list[Fill], rules: PairingRules, cuts: list[int]
) -> None:
    whole = paired(fills, rules)
    book, trades, start = Book(), [], 0
    for cut in [*sorted(cuts), len(fills)]:
        end = min(cut, len(fills))
        # A log is a stretch of time of its own: no instant stands in two.
        while 0 < end < len(fills) and fills[end].instant == fills[end - 1].instant:
            end += 1
        part = paired(fills[start:end], rules, book)
        trades += [one.trade for one in part.trades]
        book, start = part.book, max(start, end)
    assert trades == [one.trade for one in whole.trades]
    assert book.digest == whole.book.digest


@given(fill_lists(), rule_sets)
def test_shares_of_fees_add_up_exactly_to_what_was_paid(
    fills: list[Fill], rules: PairingRules
) -> None:
    shorts = PairingRules(rules.newest_first, rules.until_flat, short_selling=True)
    result = paired(fills, shorts)
    closes = [position.closes for position in result.book.positions]
    kept = [lot for position in result.book.positions for lot in position.lots]
    for fee in ("commission", "slippage"):
        with exact_arithmetic():
            told_of = sum(getattr(one.trade, fee) for one in result.trades)
            told_of += sum(getattr(one, fee) for one in (*kept, *closes) if one is not None)
        assert told_of == sum(getattr(one, fee) for one in fills)


@given(fill_lists())
def test_fifo_and_lifo_earn_the_same_once_flat(fills: list[Fill]) -> None:
    with exact_arithmetic():
        held: dict[tuple[str, str], Decimal] = {}
        for one in fills:
            key = (one.symbol, one.account)
            held[key] = held.get(key, Decimal(0)) + (one.quantity if one.buys else -one.quantity)
        last = max((one.instant for one in fills), default=START)
        ends = [
            fill("SELL" if left > 0 else "BUY", str(abs(left)), "10", 0, symbol=symbol, account=acc)
            for (symbol, acc), left in held.items()
            if left
        ]
        one_multiplier = [
            msgspec.structs.replace(one, multiplier=Decimal(1))
            for one in [
                *fills,
                *(msgspec.structs.replace(one, instant=last + MINUTE) for one in ends),
            ]
        ]
        totals = []
        for newest_first in (False, True):
            rules = PairingRules(newest_first, until_flat=False, short_selling=True)
            result = paired(one_multiplier, rules)
            assert result.book == Book()
            totals.append(sum((one.trade.pnl or Decimal(0)) for one in result.trades))
    assert totals[0] == totals[1]
