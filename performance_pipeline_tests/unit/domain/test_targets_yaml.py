"""What reading an operator's YAML promises: to the letter, and errors that say where."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.domain.numbers import plain
from performance_pipeline.domain.simulation.bot import made_up_bot
from performance_pipeline.domain.simulation.chances import count_chances
from performance_pipeline.domain.targets import EdgeWatch, unknown_strategies
from performance_pipeline.domain.targets_yaml import parse_targets
from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Window
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.targets import KEYS, NUMBERS, lines, parsed, targets

SHIPPED = Path(__file__).parents[3] / "config" / "dashboard-targets.yaml"


def test_the_shipped_targets_parse_without_a_word() -> None:
    file = parse_targets(SHIPPED.read_text("utf-8"), SHIPPED.name)
    assert (file.errors, file.warnings) == ((), ())
    assert file.targets is not None
    # What the dashboard reads, whatever the alerts make of it.
    flat = [file.targets.written[key,] for key in KEYS]
    assert [plain(value) for value in flat if value is not None] == [
        "0.55",
        "1.5",
        "100",
        "20",
        "-1500",
    ]


def test_a_bot_as_good_as_the_shipped_targets_hears_of_a_false_alarm_once_in_20_trading_days() -> (
    None
):
    shipped = parse_targets(SHIPPED.read_text("utf-8"), SHIPPED.name).targets
    assert shipped is not None
    bot = made_up_bot(shipped, Decimal("0.55"), Decimal(20))
    found = count_chances(shipped, bot, Decimal("0.45"), rolling_window=20, seed=7, lives=200)
    assert found.unchanged.alerts_a_year <= Decimal(365) * 5 / 7 / 20
    # And it is not by silence: a fall by ten points is told within two weeks.
    assert found.fallen.median_trades is not None
    assert found.fallen.median_trades < 200


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing yet\n", "---\n", "null\n", "alerts:\n", "{}"]
)
def test_a_file_that_says_nothing_is_valid(text: str) -> None:
    file = parsed(text)
    assert file.errors == ()
    assert file.targets is not None
    assert [file.targets.for_window(window) for window in PARTITIONED_WINDOWS] == [()] * 4
    assert file.warnings == (
        f"t.yaml: not set, so checked only where alerts.windows sets it: {', '.join(KEYS)}",
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("60", "60"),
        ("0.1", "0.1"),
        ("60.00000000000000001", "60.00000000000000001"),
        ("59.1234567890123456789012345678901234567", "59.1234567890123456789012345678901234567"),
        ("100", "100"),
        ("0", "0"),
        ("1e1", "10"),
        ("1.5E1", "15"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("010", "10"),
        ("-0", "0"),
        ("60 # percent", "60"),
    ],
)
def test_a_number_is_read_as_it_is_written_digit_by_digit(written: str, read: str) -> None:
    line = lines(f"daily_pl_target: {written}", Window.DAILY)["realized_pnl"]
    assert plain(line[0]) == read
    percent = lines(f"win_rate_target: {written}", Window.DAILY)["win_rate"]
    assert Fraction(percent[0]) == Fraction(read) / 100


NO_NUMBER = "not a number in plain digits"


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("1_000", NO_NUMBER),
        ("1,5", NO_NUMBER),
        ("60%", NO_NUMBER),
        ("sixty", NO_NUMBER),
        (".nan", NO_NUMBER),
        ("NaN", NO_NUMBER),
        (".inf", NO_NUMBER),
        ("-.inf", NO_NUMBER),
        ("0x1F", NO_NUMBER),
        ("1:30", NO_NUMBER),
        ("٣", NO_NUMBER),  # a digit, but no ASCII one
        ("'60'", "text in quotes, not a number"),
        ('"60"', "text in quotes, not a number"),
        ("true", "true or false"),
        ("no", "true or false"),
        ("2025-01-01", "a date"),
        ("[60]", "a list"),
        ("{a: 60}", "not a number"),
        ("!!str [60]", "not a number"),
        ("!percent 60", "not a number"),
        ("1e999999999", "more than 100 digits on a side of the point"),
    ],
)
def test_what_is_not_a_plain_number_is_named_with_its_line_and_key(
    written: str, wrong: str
) -> None:
    file = parsed(f"# targets\ndaily_pl_target: {written}\n")
    assert file.targets is None
    assert file.errors == (f"t.yaml:2: daily_pl_target: {wrong}; accepted is a number like 100",)


SECTION_KEYS = ", ".join(KEYS)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "a: 1\nb: [c\nd: 2",
            "3: not YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
        ),
        ("a: 1\n\tb: 2", "2: not YAML: while scanning for the next token, found character '\\t'"),
        ("a: 1\n\nb: \x01", "3: not YAML: nested too deeply, or a forbidden character"),
        ("a: 1\n\nb: \udc80", "3: not YAML: nested too deeply, or a forbidden character"),
        ('a: "\\UFFFFFFFF"', "1: not YAML: nested too deeply, or a forbidden character"),
        ("- " * 1000, "1: not YAML: nested too deeply, or a forbidden character"),
        ("a: 1\n---\nb: 2", "2: not YAML: expected a single document in the stream, but found"),
        ("a: *nowhere", "1: not YAML: found undefined alias 'nowhere'"),
        (
            "# list\n- 60",
            f"2: the file: not a mapping; accepted are the keys {SECTION_KEYS}, alerts",
        ),
        ("60", f"1: the file: not a mapping; accepted are the keys {SECTION_KEYS}, alerts"),
        (
            "daily_pl_target: 1\n\ndaily_pl_target: 1",
            "3: daily_pl_target: a key twice, first on line 1; accepted is once",
        ),
        (
            "alerts:\n  windows:\n    daily: {}\n    daily: {}",
            "4: alerts.windows.daily: a key twice, first on line 3; accepted is once",
        ),
        (
            "bot:\n  - {x: {y: 1,\n     y: 2}}",
            "3: bot.x.y: a key twice, first on line 2; accepted is once",
        ),
        ("{a: 1, a: 2}", "1: a: a key twice, first on line 1; accepted is once"),
        ("win_rate_target: 101", "1: win_rate_target: 101 is out of range; accepted is 0 to 100"),
        ("win_rate_target: -1", "1: win_rate_target: -1 is out of range; accepted is 0 to 100"),
        (
            "max_drawdown_target: 1500",
            "1: max_drawdown_target: 1500 is out of range; accepted is 0 or less, as -1500",
        ),
        (
            "alerts:\n  critical:\n    max_drawdown_target: 1",
            "3: alerts.critical.max_drawdown_target: 1 is out of range; accepted is 0 or less",
        ),
        (
            "alerts: 5",
            "1: alerts: not a mapping; accepted are the keys critical, min_trades, confidence, win",
        ),
        (
            "alerts:\n  critical: [1]",
            f"2: alerts.critical: not a mapping; accepted are the keys {SECTION_KEYS}",
        ),
        (
            "alerts:\n  windows: daily",
            "2: alerts.windows: not a mapping; accepted are the keys daily, weekly, monthly, rol",
        ),
        (
            "alerts:\n  min_trades: 0",
            "2: alerts.min_trades: 0 is out of range; accepted is a whole number from 1",
        ),
        (
            "alerts:\n  windows:\n    daily:\n      min_trades: 2.5",
            "4: alerts.windows.daily.min_trades: 2.5 is out of range; accepted is a whole number",
        ),
        *(
            (
                f"alerts:\n  confidence: {written}",
                f"2: alerts.confidence: {wrong}; accepted is above 0 and below 1, as 0.95",
            )
            for written, wrong in (
                ("0", "0 is out of range"),
                ("1", "1 is out of range"),
                ("95", "95 is out of range"),
                ("-0.5", "-0.5 is out of range"),
                ("true", "true or false"),
                ("'0.95'", "text in quotes, not a number"),
                ("high", "not a number in plain digits"),
                (".nan", "not a number in plain digits"),
                ("[0.95]", "a list"),
                ("2025-01-01", "a date"),
            )
        ),
        (
            "alerts:\n  windows:\n    rolling:\n      confidence: 1.5",
            "4: alerts.windows.rolling.confidence: 1.5 is out of range; accepted is above 0",
        ),
        (
            "alerts:\n  confidence: 0.9\n  confidence: 0.8",
            "3: alerts.confidence: a key twice, first on line 2; accepted is once",
        ),
        (
            "alerts:\n  <<: {min_trades: 2}",
            "2: alerts.<<: a merge; accepted are the keys themselves",
        ),
    ],
)
def test_an_error_names_file_line_key_and_what_is_accepted(text: str, error: str) -> None:
    file = parsed(text)
    assert file.targets is None
    assert len(file.errors) == 1
    assert file.errors[0].startswith(f"t.yaml:{error}")


def test_every_error_is_reported_at_once_in_the_order_of_lines() -> None:
    file = parsed("win_rate_target: x\nalerts:\n  min_trades: no\ndaily_pl_target: '1'\n")
    assert [error.split(": ")[:2] for error in file.errors] == [
        ["t.yaml:1", "win_rate_target"],
        ["t.yaml:3", "alerts.min_trades"],
        ["t.yaml:4", "daily_pl_target"],
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        # Equal is wrong too: two lines in one place are one line too many.
        (
            "win_rate_target: 60\nalerts: {critical: {win_rate_target: 60}}",
            "2: alerts.critical.win_rate_target: critical (line 2) is on the wrong side of "
            "its target (line 1); accepted is below it",
        ),
        (
            "max_drawdown_target: -9\nalerts:\n  critical: {max_drawdown_target: -8}",
            "3: alerts.crit",
        ),
        (
            "daily_pl_target: 9\nalerts:\n  critical: {daily_pl_target: 8}\n"
            "  windows:\n    daily: {daily_pl_target: 7}",
            "5: alerts.windows.daily.daily_pl_target: critical (line 3)",
        ),
        (
            "daily_pl_target: 9\nalerts:\n  windows:\n"
            "    weekly: {critical: {daily_pl_target: 10}}",
            "4: alerts.windows.weekly.critical.daily_pl_target: critical (line 4)",
        ),
        # The day overrides both lines, and still they stand on the wrong sides of each other.
        (
            "max_drawdown_target: -9\nalerts:\n  critical: {max_drawdown_target: -8}\n  windows:\n"
            "    daily: {max_drawdown_target: -1, critical: {max_drawdown_target: -2}}",
            "3: alerts.critical.max_drawdown_target: critical (line 3)",
        ),
        (
            "alerts:\n  windows:\n    rolling:\n      max_drawdown_target: -5\n"
            "      critical:\n        max_drawdown_target: -4",
            "6: alerts.windows.rolling.critical.max_drawdown_target: critical (line 6)",
        ),
    ],
)
def test_a_critical_line_that_is_not_below_its_target_is_an_error(text: str, where: str) -> None:
    file = parsed(text)
    assert file.targets is None
    assert len(file.errors) == 1
    assert file.errors[0].startswith(f"t.yaml:{where}")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "win_rat_target: 5",
            "1: win_rat_target: unknown key, ignored; the nearest known key is win_rate_target",
        ),
        (
            "alerts:\n  windows:\n    dayly: {}",
            "3: alerts.windows.dayly: unknown key, ignored; the nearest known key is daily",
        ),
        (
            "alerts:\n  critical:\n    daily_pnl_target: 'x'",
            "3: alerts.critical.daily_pnl_target: unknown key, ignored; the nearest known key is "
            "daily_pl_target",
        ),
        (
            "critical: {win_rate_target: 5}",
            "1: critical: unknown key, ignored; the nearest known key is critical, under alerts",
        ),
        (
            "alerts: {win_rate_target: 5}",
            "1: alerts.win_rate_target: unknown key, ignored; the nearest known key is "
            "win_rate_target, at the top level",
        ),
        (
            "alerts: {confidenc: 0.95}",
            "1: alerts.confidenc: unknown key, ignored; the nearest known key is confidence",
        ),
        (
            "confidence: 0.95",
            "1: confidence: unknown key, ignored; the nearest known key is confidence, under "
            "alerts",
        ),
        (
            '"a\\nb": &a [*a]',
            "1: 'a\\nb': unknown key, ignored; the nearest known key is daily, "
            "under alerts.windows",
        ),
    ],
)
def test_an_unknown_key_is_ignored_with_its_line_and_the_nearest_known_key(
    text: str, warning: str
) -> None:
    file = parse_targets(text, "t.yaml")
    assert file.errors == ()
    assert file.warnings[0] == f"t.yaml:{warning}"


def test_targets_that_are_absent_or_null_are_named_in_one_line() -> None:
    file = parsed("win_rate_target: 5\ndaily_pl_target: 5\nmax_drawdown_target: null\n")
    assert file.warnings == (
        "t.yaml: not set, so checked only where alerts.windows sets it: "
        "avg_risk_reward_target, trades_per_day_target, max_drawdown_target",
    )


def test_an_alias_stands_for_the_number_or_section_it_names() -> None:
    text = (
        "win_rate_target: &w 60\nalerts: {windows: {daily: &d {daily_pl_target: *w}, weekly: *d}}"
    )
    assert lines(text, Window.WEEKLY)["avg_daily_pnl"] == (Decimal(60), None)


@examples(80)
@given(NUMBERS)
def test_no_digit_of_a_target_is_lost(number: Decimal) -> None:
    target, _ = lines(f"daily_pl_target: {number}", Window.DAILY)["realized_pnl"]
    assert Fraction(target) == Fraction(number)


WORDS = ["alerts", "critical", "windows", "daily", "min_trades", "null", "60", "-5", "'1'", '"\\U']

ODD = ["*a", "&a ", "!x ", "<<"]

MARKS = [": ", ": ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ", ", "- ", "? ", "\t", "---"]

FRAGMENTS = st.sampled_from([*KEYS, *WORDS, *ODD, *MARKS])


@examples(80)
@given(st.text(max_size=40) | st.lists(FRAGMENTS, max_size=25).map("".join))
def test_no_text_whatever_makes_parsing_fail(text: str) -> None:
    file = parse_targets(text, "t.yaml")
    assert (file.targets is None) == bool(file.errors)
    assert all("\n" not in message for message in file.errors + file.warnings)
    assert all(message.startswith("t.yaml:") for message in file.errors + file.warnings)


# --- edge, room and strategies --------------------------------------------------------------------


def test_edge_room_and_strategies_are_read() -> None:
    read = targets(
        """\
        peak_drawdown_target: -5000
        alerts:
          critical: {peak_drawdown_target: -8000}
          edge: {win_rate: 60, false_alarm_trades: 2000}
          strategies:
            mean reversion: {win_rate_target: 55, critical: {win_rate_target: 40}}
            "123": {max_drawdown_target: -100}
            off: null
        """
    )
    assert read.edge == EdgeWatch(Decimal("0.6"), Decimal(2000))
    assert read.strategies == ("mean reversion", "123", "off")
    rolling = {(line.strategy, line.metric): line for line in read.for_window(Window.ROLLING)}
    peak = rolling["", "peak_drawdown"]
    assert (peak.target, peak.critical) == (Decimal(-5000), Decimal(-8000))
    assert rolling["", "edge"].target == 2000
    own = rolling["mean reversion", "win_rate"]
    assert (own.target, own.critical) == (Decimal("0.55"), Decimal("0.4"))
    assert ("123", "max_drawdown") not in rolling
    daily = {(line.strategy, line.metric) for line in read.for_window(Window.DAILY)}
    assert daily == {("mean reversion", "win_rate"), ("123", "max_drawdown")}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "peak_drawdown_target: 0",
            "1: peak_drawdown_target: 0 is out of range; accepted is below 0, as -5000",
        ),
        (
            "peak_drawdown_target: -5\nalerts:\n  critical: {peak_drawdown_target: -4}",
            "3: alerts.critical.peak_drawdown_target: critical (line 3) is on the wrong side of its"
            " target (line 1); accepted is below it",
        ),
        (
            "alerts:\n  edge: 5",
            "2: alerts.edge: not a mapping; accepted are the keys win_rate, false_alarm_trades",
        ),
        (
            "alerts:\n  edge:\n    win_rate: 60",
            "3: alerts.edge.win_rate: stands alone; accepted is with false_alarm_trades beside it",
        ),
        (
            "alerts: {edge: {win_rate: 100, false_alarm_trades: 5}}",
            "1: alerts.edge.win_rate: 100 is out of range; accepted is above 0 and below 100, in"
            " percent",
        ),
        (
            "alerts: {edge: {win_rate: 60, false_alarm_trades: 2.5}}",
            "1: alerts.edge.false_alarm_trades: 2.5 is out of range; accepted is a whole number"
            " from 1, as 2000",
        ),
        ("alerts:\n  strategies: [a]", "2: alerts.strategies: not a mapping; accepted are names"),
        (
            "alerts:\n  strategies:\n    a: 60",
            "3: alerts.strategies.a: not a mapping; accepted are the keys win_rate_target,",
        ),
        (
            "alerts:\n  strategies:\n    a: {win_rate_target: 40}\n    a: {win_rate_target: 50}",
            "4: alerts.strategies.a: a key twice, first on line 3; accepted is once",
        ),
        (
            "alerts: {strategies: {a: {win_rate_target: 40, critical: {win_rate_target: 50}}}}",
            "1: alerts.strategies.a.critical.win_rate_target: critical (line 1) is on the wrong",
        ),
        (
            "alerts: {strategies: {'': {win_rate_target: 40}}}",
            "1: alerts.strategies: a key without a name; accepted is a name",
        ),
        (
            "alerts:\n  strategies:\n    <<: {win_rate_target: 40}",
            "3: alerts.strategies.<<: a merge; accepted are the keys themselves",
        ),
    ],
)
def test_a_mistake_in_edge_room_or_strategies_names_line_and_key(text: str, error: str) -> None:
    [found] = parsed(text).errors
    assert found.startswith(f"t.yaml:{error}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("alerts: {windows: {rolling: {peak_drawdown_target: -5}}}", "at the top level"),
        ("alerts: {false_alarm_trades: 5}", "under alerts.edge"),
        ("strategies: {}", "under alerts"),
        ("alerts: {strategies: {a: {edge: {}}}}", "under alerts"),
    ],
)
def test_a_key_that_stands_elsewhere_is_told_where_it_belongs(text: str, place: str) -> None:
    warning = parsed(text).warnings[0]
    assert "unknown key, ignored; the nearest known key is" in warning
    assert warning.endswith(place)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"momentum", "breakout"}, "; the nearest is momentum"),
        ({""}, "; they hold none with a name yet"),
    ],
)
def test_a_strategy_that_no_trade_belongs_to_is_warned_of(seen: set[str], said: str) -> None:
    file = parsed("alerts:\n  strategies:\n    momentom: {win_rate_target: 40}")
    assert unknown_strategies(file, seen) == [
        "t.yaml:3: alerts.strategies.momentom: no closed trade in the logs is of this strategy"
        + said
    ]
    assert unknown_strategies(file, {"momentom"}) == []
