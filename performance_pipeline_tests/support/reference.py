"""The brute-force reference: summaries recomputed from raw log bytes, by the definitions alone.

What belongs here: the slowest and plainest reading of `docs/log-format.md` and `docs/metrics.md`.
What does not: anything from `performance_pipeline`, any aggregate, any shortcut.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

from performance_pipeline_tests.support.pairing_reference import ReferenceFill, Replay

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
ROLLING_DAYS = 92
MAX_REJECTED_LINES = 20
MAX_DIGITS = 100
BOM = b"\xef\xbb\xbf"
TRIMMED = b" \t\r\n"
CLOSED = ("win", "loss", "breakeven")

NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


@dataclass(frozen=True)
class Rules:
    """The settings that decide what a summary says."""

    zone: str = "UTC"
    rolling_window: int = 20
    start_date: date = date(2025, 1, 1)
    execution_mode: str = "ALL"
    account: str = ""
    sessions: frozenset[date] = frozenset()
    pairing: str = "none"
    trade: str = "exit"
    short_selling: bool = False


class RejectedError(Exception):
    """The line cannot be accepted."""


@dataclass(frozen=True)
class JsonNumber:
    """A number of the JSON text, kept as it was written."""

    text: str


@dataclass(frozen=True)
class Fields:
    """The fields that count of one accepted line."""

    timestamp: int  # microseconds since 1970-01-01T00:00Z
    symbol: str
    order_id: str
    execution_mode: str
    account_id: str
    strategy_name: str
    outcome: str
    price: Fraction
    stop_loss: Fraction | None
    target: Fraction | None
    profit_loss: Fraction | None
    net: Fraction | None  # of a closed record
    commission: Fraction
    slippage: Fraction
    hold: Fraction | None
    exit_timestamp: int | None
    buys: bool
    quantity: Fraction
    multiplier: Fraction
    side: str = ""  # of a trade made of fills
    ratio: Fraction | None = None  # of a trade made of fills


@dataclass(frozen=True)
class Record:
    """An accepted line where it counts."""

    fields: Fields
    instant: int
    file_day: date
    line: int
    trading_day: date
    misdated: bool


@dataclass(frozen=True)
class Line:
    """One line of a log that was rejected or is a duplicate."""

    file_day: date
    line: int


@dataclass(frozen=True)
class Reading:
    """Every log, read."""

    records: list[Record]  # in order: instant, file, line number
    rejected: list[Line]  # in order: file, line number
    duplicates: list[Line]


# --- one line -------------------------------------------------------------------------------


def _no_constant(name: str) -> object:
    raise RejectedError(f"{name} is not JSON")


def parse_object(line: bytes) -> dict[str, object]:
    """The one JSON object of a line, numbers kept as text."""
    try:
        value = json.loads(
            line.decode("utf-8"),
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        raise RejectedError("not JSON") from error
    if not isinstance(value, dict):
        raise RejectedError("not one object")
    return value


def parse_number(text: str) -> Fraction:
    """The exact value of a number's text."""
    match = NUMBER.fullmatch(text)
    if match is None:
        raise RejectedError("not a number")
    sign, whole, decimals, only_decimals, exponent = match.groups()
    whole = whole or ""
    decimals = decimals or only_decimals or ""
    digits = (whole + decimals).lstrip("0")
    if not digits:
        return Fraction(0)
    size = (exponent or "").lstrip("+-0") or "0"
    if len(size) > 12:
        raise RejectedError("too large or too small")
    # The value is  digits * 10 ** power, with no zero at either end of the digits.
    power = (-int(size) if (exponent or "").startswith("-") else int(size)) - len(decimals)
    stripped = digits.rstrip("0")
    power += len(digits) - len(stripped)
    if len(stripped) + power > MAX_DIGITS or -power > MAX_DIGITS:
        raise RejectedError("too large or too small")
    value = int(stripped) * Fraction(10) ** power
    return -value if sign == "-" else value


def parse_time(text: str) -> int:
    """Microseconds since 1970-01-01T00:00Z."""
    match = TIME.fullmatch(text)
    if match is None:
        raise RejectedError("not a time")
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = (
        match.groups()
    )
    try:
        written = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or "0"), tzinfo=UTC
        )
    except ValueError as error:
        raise RejectedError("not a time") from error
    offset = timedelta()
    if sign is not None:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            raise RejectedError("not a time")
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        if sign == "-":
            offset = -offset
    microseconds = int(((fraction or "") + "000000")[:6])
    return (written - EPOCH - offset) // MICROSECOND + microseconds


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value
    raise RejectedError(name)


def _number(values: Mapping[str, object], name: str) -> Fraction | None:
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, JsonNumber):
        return parse_number(value.text)
    if isinstance(value, str):
        return parse_number(value)
    raise RejectedError(name)


def _time(values: Mapping[str, object], name: str) -> int | None:
    value = _text(values, name)
    return None if value is None else parse_time(value)


def parse_amounts(values: Mapping[str, object]) -> tuple[Fraction, Fraction, Fraction]:
    """Quantity, price and multiplier."""
    quantity = _number(values, "quantity")
    price = _number(values, "price")
    multiplier = _number(values, "multiplier")
    if quantity is None or quantity <= 0 or price is None or price < 0:
        raise RejectedError("a quantity above zero and a price are needed")
    if multiplier is None:
        multiplier = Fraction(1)
    if multiplier <= 0:
        raise RejectedError("multiplier")
    return quantity, price, multiplier


def parse_line(line: bytes) -> Fields:
    """The fields that count of a trimmed line; raises `RejectedError`."""
    values = parse_object(line)
    timestamp = _time(values, "timestamp")
    symbol = _text(values, "symbol")
    action = _text(values, "action")
    if timestamp is None or not symbol or action not in ("BUY", "SELL"):
        raise RejectedError("timestamp, symbol and action are needed")
    quantity, price, multiplier = parse_amounts(values)
    if "outcome" not in values:
        raise RejectedError("outcome is needed")
    outcome = _text(values, "outcome")
    if outcome is None:
        outcome = "open"
    if outcome not in (*CLOSED, "open"):
        raise RejectedError("outcome")
    execution_mode = _text(values, "execution_mode")
    if execution_mode not in (None, "PAPER", "LIVE"):
        raise RejectedError("execution_mode")
    profit_loss = _number(values, "profit_loss")
    net_profit_loss = _number(values, "net_profit_loss")
    commission = _number(values, "commission") or Fraction(0)
    net = None
    if outcome in CLOSED:
        if net_profit_loss is not None:
            net = net_profit_loss
        elif profit_loss is not None:
            net = profit_loss - commission
        else:
            raise RejectedError("a closed record needs a P&L")
    return Fields(
        timestamp=timestamp,
        symbol=symbol,
        order_id=_text(values, "order_id") or "",
        execution_mode=execution_mode or "",
        account_id=_text(values, "account_id") or "",
        strategy_name=_text(values, "strategy_name") or "",
        outcome=outcome,
        price=price,
        stop_loss=_number(values, "stop_loss"),
        target=_number(values, "target"),
        profit_loss=profit_loss,
        net=net,
        commission=commission,
        slippage=_number(values, "slippage") or Fraction(0),
        hold=_number(values, "hold_duration_seconds"),
        exit_timestamp=_time(values, "exit_timestamp"),
        buys=action == "BUY",
        quantity=quantity,
        multiplier=multiplier,
    )


# --- every log ------------------------------------------------------------------------------


def to_datetime(instant: int) -> datetime:
    """The instant as a datetime in UTC."""
    return EPOCH + instant * MICROSECOND


def trading_day_of(instant: int, zone: str) -> date:
    """The calendar day of an instant in a zone."""
    return to_datetime(instant).astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """The first instant of a day in a zone."""
    # By way of UTC, so that a midnight that clocks skip reads as the instant they skip to.
    written = datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
    return written.astimezone(UTC).astimezone(ZoneInfo(zone))


def read_logs(logs: Mapping[date, bytes], zone: str, now: datetime) -> Reading:
    """Every line of every log that is not in the future."""
    today = now.astimezone(UTC).date()
    records: list[Record] = []
    rejected: list[Line] = []
    duplicates: list[Line] = []
    for file_day in sorted(logs):
        if file_day > today:
            continue
        content = logs[file_day]
        content = content.removeprefix(BOM)
        lines = content.split(b"\n")
        # What follows the last line end is either nothing or a line without a line end.
        if file_day == today:
            lines.pop()
        first = (datetime.combine(file_day, time(), tzinfo=UTC) - EPOCH) // MICROSECOND
        last = first + DAY // MICROSECOND - 1
        accepted: set[bytes] = set()
        for number, raw in enumerate(lines, start=1):
            line = raw.strip(TRIMMED)
            if not line:
                continue
            if line in accepted:
                duplicates.append(Line(file_day, number))
                continue
            try:
                fields = parse_line(line)
            except RejectedError:
                rejected.append(Line(file_day, number))
                continue
            accepted.add(line)
            written = fields.timestamp
            if fields.outcome in CLOSED and fields.exit_timestamp is not None:
                written = fields.exit_timestamp
            instant = min(max(written, first), last)
            records.append(
                Record(
                    fields=fields,
                    instant=instant,
                    file_day=file_day,
                    line=number,
                    trading_day=trading_day_of(instant, zone),
                    misdated=instant != written,
                )
            )
    records.sort(key=lambda record: (record.instant, record.file_day, record.line))
    return Reading(records, rejected, duplicates)


# --- metrics --------------------------------------------------------------------------------


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Rounded half-even."""
    return Fraction(round(value * 10**decimals), 10**decimals)


def ratio(numerator: Fraction | int, denominator: Fraction | int) -> Fraction | None:
    """One exact division, rounded once to 6 decimals."""
    if denominator == 0:
        return None
    return rounded(Fraction(numerator) / Fraction(denominator), 6)


def _net(record: Record) -> Fraction:
    assert record.fields.net is not None
    return record.fields.net


def _total(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def _count(trades: Sequence[Record], outcome: str) -> int:
    return sum(1 for trade in trades if trade.fields.outcome == outcome)


def planned_risk_reward(fields: Fields) -> Fraction | None:
    """The planned R:R of one trade, where both levels lie on opposite sides of the price."""
    if fields.side:
        return fields.ratio
    if fields.target is None or fields.stop_loss is None:
        return None
    reward = fields.target - fields.price
    risk = fields.price - fields.stop_loss
    if reward * risk <= 0:
        return None
    return rounded(reward / risk, 9)


def max_drawdown(trades: Sequence[Record]) -> Fraction:
    """The deepest fall of the cumulative P&L below its running peak."""
    cumulative = peak = deepest = Fraction(0)
    for trade in trades:
        cumulative += _net(trade)
        peak = max(peak, cumulative)
        deepest = min(deepest, cumulative - peak)
    return deepest


def below_the_peak(trades: Sequence[Record]) -> Fraction:
    """How far cumulative P&L lies below its highest point in the end."""
    total = peak = Fraction(0)
    for trade in trades:
        total += _net(trade)
        peak = max(peak, total)
    return total - peak


def wilson(wins: int, count: int) -> tuple[Fraction | None, Fraction | None]:
    """The 95 % Wilson score interval of a rate, to 6 decimals."""
    if count == 0:
        return None, None
    with localcontext(Context(prec=100)):
        z = Decimal("1.95996398454005423552459443052055152795555007786954")
        rate = Decimal(wins) / count
        center = rate + z**2 / (2 * count)
        margin = z * (rate * (1 - rate) / count + z**2 / (4 * count**2)).sqrt()
        low = (center - margin) / (1 + z**2 / count)
        high = (center + margin) / (1 + z**2 / count)
    return rounded(Fraction(low), 6), rounded(Fraction(high), 6)


def longest_run(trades: Sequence[Record], outcome: str) -> int:
    """The longest run of one outcome."""
    longest = run = 0
    for trade in trades:
        run = run + 1 if trade.fields.outcome == outcome else 0
        longest = max(longest, run)
    return longest


def current_run(trades: Sequence[Record]) -> tuple[int, str]:
    """The run of equal outcomes at the end."""
    if not trades or trades[-1].fields.outcome == "breakeven":
        return 0, "none"
    outcome = trades[-1].fields.outcome
    run = 0
    for trade in reversed(trades):
        if trade.fields.outcome != outcome:
            break
        run += 1
    return run, outcome


def still_open(records: Sequence[Record]) -> list[Record]:
    """The open records that no later record of the same order supersedes."""
    result = []
    for index, record in enumerate(records):
        if record.fields.outcome != "open":
            continue
        order_id = record.fields.order_id
        later = records[index + 1 :]
        if order_id and any(other.fields.order_id == order_id for other in later):
            continue
        result.append(record)
    return result


def breakdown(trades: Sequence[Record], key: Callable[[Fields], str]) -> dict[str, object]:
    """One group of trades per key."""
    result: dict[str, object] = {}
    for name in sorted({key(trade.fields) for trade in trades}):
        group = [trade for trade in trades if key(trade.fields) == name]
        result[name] = {
            "total_trades": len(group),
            "total_wins": _count(group, "win"),
            "total_losses": _count(group, "loss"),
            "win_rate": ratio(_count(group, "win"), len(group)),
            "realized_pnl": _total([_net(trade) for trade in group]),
        }
    return result


def daily_rows(trades: Sequence[Record]) -> list[dict[str, object]]:
    """One row per day with a closed trade."""
    rows: list[dict[str, object]] = []
    for day in sorted({trade.trading_day for trade in trades}):
        group = [trade for trade in trades if trade.trading_day == day]
        rows.append(
            {
                "date": day.isoformat(),
                "total_trades": len(group),
                "realized_pnl": _total([_net(trade) for trade in group]),
                "max_drawdown": max_drawdown(group),
            }
        )
    return rows


def metrics(trades: Sequence[Record], records: Sequence[Record]) -> dict[str, object]:
    """Section 4: over the closed `trades`; open ones are looked for among `records`."""
    nets = [_net(trade) for trade in trades]
    wins = _count(trades, "win")
    losses = _count(trades, "loss")
    gross_profit = _total([_net(trade) for trade in trades if trade.fields.outcome == "win"])
    gross_loss = _total([_net(trade) for trade in trades if trade.fields.outcome == "loss"])
    payoff_ratio = None
    if wins and losses:
        payoff_ratio = ratio(gross_profit / wins, abs(gross_loss / losses))
    planned = [
        value for trade in trades if (value := planned_risk_reward(trade.fields)) is not None
    ]
    holds = [trade.fields.hold for trade in trades if trade.fields.hold is not None]
    days = {trade.trading_day for trade in trades}
    current_streak, streak_type = current_run(trades)
    opened = still_open(records)
    unrealized: Fraction | None = Fraction(0)
    for record in opened:
        if unrealized is None or record.fields.profit_loss is None:
            unrealized = None
        else:
            unrealized += record.fields.profit_loss
    return {
        "total_trades": len(trades),
        "total_wins": wins,
        "total_losses": losses,
        "total_breakevens": _count(trades, "breakeven"),
        "open_trades": len(opened),
        "unrealized_pnl": unrealized,
        "win_rate": ratio(wins, len(trades)),
        "win_rate_low": wilson(wins, len(trades))[0],
        "win_rate_high": wilson(wins, len(trades))[1],
        "gross_profit": gross_profit,
        "gross_loss": gross_loss,
        "realized_pnl": _total(nets),
        "commission": _total([trade.fields.commission for trade in trades]),
        "slippage": _total([trade.fields.slippage for trade in trades]),
        "avg_profit_per_win": ratio(gross_profit, wins),
        "avg_loss_per_loss": ratio(gross_loss, losses),
        "profit_factor": ratio(gross_profit, abs(gross_loss)),
        "payoff_ratio": payoff_ratio,
        "expectancy": ratio(_total(nets), len(trades)),
        "avg_risk_reward_ratio": ratio(_total(planned), len(planned)),
        "risk_reward_trades": len(planned),
        "current_streak": current_streak,
        "streak_type": streak_type,
        "longest_win_streak": longest_run(trades, "win"),
        "longest_loss_streak": longest_run(trades, "loss"),
        "max_drawdown": max_drawdown(trades),
        "best_trade": max(nets, default=None),
        "worst_trade": min(nets, default=None),
        "squared_pnl_sum": _total([net**2 for net in nets]),
        "avg_hold_seconds": ratio(_total(holds), len(holds)),
        "trading_days": len(days),
        "avg_daily_pnl": ratio(_total(nets), len(days)),
        "by_symbol": breakdown(trades, lambda fields: fields.symbol),
        "by_strategy": breakdown(trades, lambda fields: fields.strategy_name),
        "by_execution_mode": breakdown(trades, lambda fields: fields.execution_mode),
        "by_side": breakdown(trades, lambda fields: fields.side),
        "open_positions": None,
    }


# --- windows --------------------------------------------------------------------------------


def window_days(window: str, key: date, range_end: date | None) -> tuple[date, date]:
    """First and last day a window looks at; rolling: its 92 days."""
    if window == "daily":
        return key, key
    if window == "weekly":
        assert key.weekday() == 0, "the key of a week is its Monday"
        return key, key + 6 * DAY
    if window == "monthly":
        assert key.day == 1, "the key of a month is its first day"
        last = key
        while (last + DAY).month == key.month:
            last += DAY
        return key, last
    if window == "rolling":
        return key - (ROLLING_DAYS - 1) * DAY, key
    assert window == "range"
    assert range_end is not None
    return key, range_end


def missing_days(
    logs: Mapping[date, bytes], first: date, last: date, rules: Rules, now: datetime
) -> list[str]:
    """The sessions of the window whose UTC day is over and that left no log."""
    today = now.astimezone(UTC).date()
    read = [day for day in logs if day <= today]
    if not read:
        return []
    start = max(min(read), rules.start_date)
    return [
        day.isoformat()
        for day in sorted(rules.sessions)
        if first <= day <= last and start <= day < today and day not in logs
    ]


def is_conflict(fields: Fields) -> bool:
    """A win that lost money, or a loss that made some."""
    if fields.net is None:
        return False
    return (fields.outcome == "win" and fields.net < 0) or (
        fields.outcome == "loss" and fields.net > 0
    )


def counts(fields: Fields, rules: Rules) -> bool:
    """Whether the mode and account filters let a record count."""
    if rules.execution_mode != "ALL" and fields.execution_mode != rules.execution_mode:
        return False
    return not rules.account or fields.account_id == rules.account


@dataclass(frozen=True)
class PairedUntil:
    """What the fills of all days up to one have come to."""

    trades: list[Record]
    lots_opened_on: list[date]
    positions: list[dict[str, object]]
    unmatched: list[tuple[Record, Fraction]]


def pair_until(last: date, records: Sequence[Record], rules: Rules) -> PairedUntil:
    """Section 10: every fill from the first day on that counts, up to the day `last`."""
    fills = [
        record
        for record in records
        if rules.start_date <= record.trading_day <= last
        and record.fields.outcome == "open"
        and counts(record.fields, rules)
    ]
    replay = Replay(
        lifo=rules.pairing == "lifo", flat=rules.trade == "flat", shorts=rules.short_selling
    ).take_all(
        ReferenceFill(
            key=(record.fields.account_id, record.fields.execution_mode, record.fields.symbol),
            instant=to_datetime(record.instant),
            buys=record.fields.buys,
            quantity=record.fields.quantity,
            price=record.fields.price,
            multiplier=record.fields.multiplier,
            commission=record.fields.commission,
            slippage=record.fields.slippage,
            strategy=record.fields.strategy_name,
            ratio=planned_risk_reward(record.fields),
            name=record,
        )
        for record in fills
    )
    trades = []
    for trade in replay.trades:
        outcome = "win" if trade.net > 0 else "loss" if trade.net < 0 else "breakeven"
        fields = replace(
            trade.exit_name.fields,
            outcome=outcome,
            strategy_name=trade.strategy,
            net=trade.net,
            commission=trade.commission,
            slippage=trade.slippage,
            hold=trade.hold,
            side=trade.side,
            ratio=trade.ratio,
        )
        trades.append(replace(trade.exit_name, fields=fields))
    positions: list[dict[str, object]] = [
        {
            "symbol": key[2],
            "execution_mode": key[1],
            "side": side,
            "quantity": quantity,
            "average_price": rounded(price, 6),
            "opened_at": opened.astimezone(ZoneInfo(rules.zone)).isoformat(),
        }
        for key, side, quantity, price, opened in sorted(
            replay.book(),
            key=lambda row: (row[0][2], row[0][1], row[1], row[4], row[2], rounded(row[3], 6)),
        )
    ]
    lots = [lot.fill.name.trading_day for held in replay.lots.values() for lot in held]
    return PairedUntil(trades, lots, positions, replay.unmatched)


def reference_summary(
    logs: Mapping[date, bytes],
    window: str,
    key: date,
    rules: Rules,
    now: datetime,
    range_end: date | None = None,
) -> dict[str, object]:
    """What the summary of a window must say, from every raw line."""
    first, last = window_days(window, key, range_end)

    def inside(day: date) -> bool:
        return max(first, rules.start_date) <= day <= last

    reading = read_logs(logs, rules.zone, now)
    accepted = [record for record in reading.records if inside(record.trading_day)]
    rejected = [line for line in reading.rejected if inside(line.file_day)]
    duplicates = [line for line in reading.duplicates if inside(line.file_day)]

    records = [record for record in accepted if counts(record.fields, rules)]
    trades = [record for record in records if record.fields.outcome in CLOSED]
    paired = None
    if rules.pairing != "none":
        paired = pair_until(last, reading.records, rules)
        trades = sorted(
            [*trades, *(trade for trade in paired.trades if inside(trade.trading_day))],
            key=lambda record: (record.instant, record.file_day, record.line),
        )
    start_date: date | None = first
    end_date: date | None = last
    starts_at: datetime | None = midnight(first, rules.zone)
    if window == "rolling":
        trades = trades[-rules.rolling_window :]
        start_date = trades[0].trading_day if trades else None
        end_date = trades[-1].trading_day if trades else None
        zone = ZoneInfo(rules.zone)
        starts_at = to_datetime(trades[0].instant).astimezone(zone) if trades else None

    summary: dict[str, object] = {
        "start_date": None if start_date is None else start_date.isoformat(),
        "end_date": None if end_date is None else end_date.isoformat(),
        "starts_at": None if starts_at is None else starts_at.isoformat(),
        "ends_at": midnight(last + DAY, rules.zone).isoformat(),
    }
    summary.update(metrics(trades, records))
    if window in ("weekly", "monthly", "range"):
        summary["daily"] = daily_rows(trades)
    if window in ("daily", "rolling"):
        so_far = [
            record
            for record in reading.records
            if rules.start_date <= record.trading_day <= last
            and counts(record.fields, rules)
            and record.fields.outcome in CLOSED
        ]
        for trade in paired.trades if paired is not None else ():
            if rules.start_date <= trade.trading_day <= last:
                so_far.append(trade)
        summary["peak_drawdown"] = below_the_peak(
            sorted(so_far, key=lambda record: (record.instant, record.file_day, record.line))
        )
    unmatched: list[tuple[Record, Fraction]] = []
    if paired is not None:
        opened = [day for day in paired.lots_opened_on if max(first, rules.start_date) <= day]
        summary["open_trades"] = len(opened)
        summary["unrealized_pnl"] = None if opened else Fraction(0)
        summary["open_positions"] = paired.positions
        unmatched = [one for one in paired.unmatched if inside(one[0].trading_day)]
    missing = missing_days(logs, first, last, rules, now)
    summary["data_quality"] = {
        "status": "partial" if missing or rejected or unmatched else "complete",
        "missing_days": missing,
        "accepted": len(accepted),
        "duplicates": len(duplicates),
        "rejected": len(rejected),
        "misdated": sum(1 for record in accepted if record.misdated),
        "outcome_conflicts": sum(1 for record in accepted if is_conflict(record.fields)),
        "unmatched_exits": len(unmatched),
        "rejected_lines": [
            (f"{line.file_day.isoformat()}.jsonl", line.line)
            for line in rejected[:MAX_REJECTED_LINES]
        ],
        "unmatched_lines": [
            {
                "file": f"{record.file_day.isoformat()}.jsonl",
                "line": record.line,
                "quantity": quantity,
            }
            for record, quantity in unmatched[:MAX_REJECTED_LINES]
        ],
    }
    return summary
