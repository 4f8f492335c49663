"""The published JSON Schema of a summary, held against real summaries and against wrong ones."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from performance_pipeline.domain.windows import PARTITIONED_WINDOWS, Period, Window
from performance_pipeline.storage.summaries import encode_summary, summary_name
from performance_pipeline_tests.support.lines import (
    DAY,
    LATER,
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
from performance_pipeline_tests.support.schemas import schema, validator

SCHEMA: Final = schema("summary")
VALIDATOR: Final = validator("summary")
WHILE_RUNNING: Final = datetime(2025, 6, 11, 18, tzinfo=UTC)

Document = dict[str, Any]
Step = str | int


# --- logs of every kind -----------------------------------------------------------------------


def one_trade_of_each_kind(logs: Place) -> Place:
    logs.write(
        DAY,
        opened("12.50", at("09:00"), order_id="o-1", symbol="BTC/USD", strategy_name=None),
        opened(None, at("09:05"), order_id="o-2", execution_mode=None),
        win(
            "10.125", at("10:00"), commission="1.50", slippage="0.25", stop_loss="95", target="115"
        ),
        loss("-4", at("10:30"), hold_duration_seconds=61, symbol="BRK.B", execution_mode="PAPER"),
        breakeven(at("11:00"), strategy_name=None, execution_mode=None),
        win("1e-20", at("11:30"), symbol='</td>"|\\ \u00e9'),
        win("123456789012345.00000000000000000001", at("12:00"), quantity=Raw("0.5")),
    )
    logs.write(NEXT_DAY, *session("-7", "3", day=NEXT_DAY, strategy_name="reversal"))
    return logs


def no_logs(logs: Place) -> Place:
    return logs


def an_empty_log(logs: Place) -> Place:
    logs.write(DAY)
    return logs


def only_open_records(logs: Place) -> Place:
    logs.write(DAY, opened("5", order_id="o-1"), opened(None, order_id="o-2"))
    return logs


def only_losses(logs: Place) -> Place:
    logs.write(DAY, *session("-1", "-2", "-3"))
    return logs


def bad_lines_and_missing_days(logs: Place) -> Place:
    twice = win("3", at("15:00"))
    logs.write(
        DAY,
        *[line(price=f"12,5{number}") for number in range(25)],
        b"\xff",
        twice,
        twice,
        win("1", at("10:00", NEXT_DAY)),
        win("-1", at("16:00")),
    )
    logs.write(DAY + 3 * ONE_DAY, *session("1", day=DAY + 3 * ONE_DAY))
    logs.archive(DAY + 3 * ONE_DAY)
    logs.write(DAY + 3 * ONE_DAY, *session("2", day=DAY + 3 * ONE_DAY))
    return logs.under(MARKET_CALENDAR="24/7")


def one_account_and_mode_in_new_york(logs: Place) -> Place:
    logs.write(DAY, *session("1", "2", account_id="A-1"), *session("3", account_id="A-2"))
    return logs.under(ACCOUNT="A-1", EXECUTION_MODE="LIVE", SUMMARY_TIMEZONE="America/New_York")


def targets_of_every_status(logs: Place) -> Place:
    logs.settings.targets_file.write_text(
        """
win_rate_target: 55
avg_risk_reward_target: 1.5
daily_pl_target: 100.5
trades_per_day_target: 1
max_drawdown_target: -1
alerts:
  critical:
    max_drawdown_target: -5
  windows:
    weekly:
      max_drawdown_target: -1.25
"""
    )
    return one_trade_of_each_kind(logs)


def misses_that_may_be_luck(logs: Place) -> Place:
    logs.settings.targets_file.write_text(
        "win_rate_target: 55\ndaily_pl_target: 100\nalerts: {confidence: 0.95}\n"
    )
    logs.write(DAY, *session(*["9", "-9"] * 20, "1"))
    return logs


def targets_that_are_no_yaml(logs: Place) -> Place:
    logs.settings.targets_file.write_text("win_rate_target: [")
    return one_trade_of_each_kind(logs)


CASES: Final = [
    one_trade_of_each_kind,
    no_logs,
    an_empty_log,
    only_open_records,
    only_losses,
    bad_lines_and_missing_days,
    one_account_and_mode_in_new_york,
    targets_of_every_status,
    misses_that_may_be_luck,
    targets_that_are_no_yaml,
]
WINDOWS: Final = [*PARTITIONED_WINDOWS, Window.RANGE]


@pytest.fixture
def logs(tmp_path: Path) -> Place:
    return place(tmp_path / "logs", TARGETS_FILE=str(tmp_path / "targets.yaml"))


def period(window: Window, day: date = DAY) -> Period:
    if window is Window.RANGE:
        return Period.spanning(day, day + 9 * ONE_DAY)
    return Period.of(window, day)


def published(logs: Place, window: Window, now: datetime = LATER) -> Document:
    """The document as every reader gets it."""
    content = encode_summary(logs.tracker(now).summarize(period(window)))
    document: Document = json.loads(content)
    return document


def errors(document: Document) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


# --- real summaries ---------------------------------------------------------------------------


def test_the_schema_is_valid_itself() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("now", [LATER, WHILE_RUNNING], ids=["over", "running"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("case", CASES)
def test_every_summary_validates(
    logs: Place, case: Callable[[Place], Place], window: Window, now: datetime
) -> None:
    assert errors(published(case(logs), window, now)) == []


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_to_disk_validates(logs: Place, case: Callable[[Place], Place]) -> None:
    logs = case(logs)
    logs.materialize(DAY, NEXT_DAY)
    paths = [
        logs.output / summary_name(Period.of(window, day))
        for window in PARTITIONED_WINDOWS
        for day in (DAY, NEXT_DAY)
    ]
    assert [errors(json.loads(path.read_bytes())) for path in paths] == [[]] * len(paths)


@pytest.mark.parametrize("window", WINDOWS)
def test_keys_stand_in_the_order_of_the_schema(logs: Place, window: Window) -> None:
    document = published(targets_of_every_status(logs), window)
    described = list(SCHEMA["properties"])
    # Some are of other windows.
    elsewhere = {
        Window.DAILY: ("daily", "edge"),
        Window.ROLLING: ("daily",),
    }
    for key in elsewhere.get(window, ("peak_drawdown", "room", "edge")):
        described.remove(key)
    assert list(document) == described


def test_the_cases_hold_every_kind_of_thing_that_the_schema_describes(logs: Place) -> None:
    """Else the tests above could pass over lists that are empty and values that are null."""
    document = published(targets_of_every_status(logs), Window.WEEKLY, WHILE_RUNNING)
    assert {result["status"] for result in document["targets"]} == {"breached", "pending"}
    rolling = published(logs, Window.ROLLING)
    assert {result["status"] for result in rolling["targets"]} == {"insufficient_data"}
    daily = published(logs, Window.DAILY)
    assert {result["status"] for result in daily["targets"]} == {"met", "breached"}
    lucky = published(misses_that_may_be_luck(place(logs.log_dir / "lucky")), Window.DAILY)
    assert [(one["status"], one["p_value"]) for one in lucky["targets"]] == [
        ("unsure", "0.369298"),
        ("breached", "0.04293"),
    ]
    assert sorted(document["by_execution_mode"]) == ["", "LIVE", "PAPER"]
    assert len(document["by_symbol"]) == 3
    assert len(document["daily"]) == 2
    bad = bad_lines_and_missing_days(place(logs.log_dir / "bad"))
    quality = published(bad, Window.WEEKLY)["data_quality"]
    assert len(quality["rejected_lines"]) == 20
    assert quality["rejected"] == 26
    assert quality["missing_days"] == ["2025-06-11", "2025-06-12", "2025-06-14", "2025-06-15"]
    assert len(quality["warnings"]) == 1


# --- wrong summaries --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weekly(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("schema")
    logs = place(folder / "logs", TARGETS_FILE=str(folder / "targets.yaml"))
    document = published(targets_of_every_status(logs), Window.WEEKLY)
    bad = published(bad_lines_and_missing_days(place(folder / "bad")), Window.WEEKLY)
    document["data_quality"]["rejected_lines"] = bad["data_quality"]["rejected_lines"]
    assert errors(document) == []
    return document


def changed(document: Document, path: tuple[Step, ...], change: Callable[[Any], None]) -> Document:
    """A copy of `document` in which `change` was made to the value at `path`."""
    copied = copy.deepcopy(document)
    value: Any = copied
    change(reduce(lambda inner, step: inner[step], path, value))
    return copied


OBJECTS: Final[dict[str, tuple[Step, ...]]] = {
    "summary": (),
    "breakdown row": ("by_symbol", "AAPL"),
    "day": ("daily", 0),
    "target": ("targets", 0),
    "data quality": ("data_quality",),
    "rejected line": ("data_quality", "rejected_lines", 0),
    "settings": ("settings",),
}


def required_keys() -> Iterator[Any]:
    definitions = SCHEMA["properties"]
    schemas = {
        "summary": SCHEMA,
        "breakdown row": SCHEMA["$defs"]["breakdownRow"],
        "day": definitions["daily"]["items"],
        "target": SCHEMA["$defs"]["targetResult"],
        "data quality": definitions["data_quality"],
        "rejected line": definitions["data_quality"]["properties"]["rejected_lines"]["items"],
        "settings": definitions["settings"],
    }
    for name, path in OBJECTS.items():
        for key in schemas[name]["properties"]:
            if name != "summary" or key not in ("peak_drawdown", "room", "edge"):  # Not in a week.
                yield pytest.param(path, key, id=f"{name}: {key}")


@pytest.mark.parametrize("key", ["peak_drawdown", "room", "edge"])
def test_what_only_some_windows_have_is_needed_there_and_forbidden_elsewhere(
    logs: Place, weekly: Document, key: str
) -> None:
    rolling = published(logs, Window.ROLLING)
    assert errors(rolling) == []
    assert errors({name: value for name, value in rolling.items() if name != key})
    assert errors(weekly | {key: rolling[key]})


@pytest.mark.parametrize(("path", "key"), list(required_keys()))
def test_a_summary_without_one_of_its_fields_does_not_validate(
    weekly: Document, path: tuple[Step, ...], key: str
) -> None:
    assert errors(changed(weekly, path, lambda inner: inner.pop(key)))


@pytest.mark.parametrize("path", OBJECTS.values(), ids=OBJECTS)
def test_a_summary_with_one_field_more_does_not_validate(
    weekly: Document, path: tuple[Step, ...]
) -> None:
    assert errors(changed(weekly, path, lambda inner: inner.update(account_id="A-1")))


NO_DECIMALS: Final = [
    pytest.param(1.5, id="a float"),
    pytest.param(15, id="a number"),
    pytest.param(True, id="a boolean"),
    pytest.param("", id="nothing"),
    pytest.param("1e3", id="an exponent"),
    pytest.param("1.50", id="a trailing zero"),
    pytest.param("1.", id="a trailing point"),
    pytest.param(".5", id="no digit before the point"),
    pytest.param("007", id="leading zeros"),
    pytest.param("+1", id="a plus sign"),
    pytest.param("-0", id="minus zero"),
    pytest.param("-0.0", id="minus zero with a place"),
    pytest.param("1,000", id="a separator"),
    pytest.param("1 ", id="a space"),
    pytest.param("NaN", id="NaN"),
    pytest.param("Infinity", id="infinity"),
    pytest.param("\u0661", id="digits of another script"),
]
DECIMALS: Final[list[tuple[Step, ...]]] = [
    ("realized_pnl",),
    ("expectancy",),
    ("win_rate",),
    ("max_drawdown",),
    ("by_symbol", "AAPL", "realized_pnl"),
    ("daily", 0, "max_drawdown"),
    ("targets", 0, "target"),
]


@pytest.mark.parametrize("value", NO_DECIMALS)
@pytest.mark.parametrize("path", DECIMALS, ids=lambda path: ".".join(map(str, path)))
def test_a_decimal_is_a_string_in_plain_notation(
    weekly: Document, path: tuple[Step, ...], value: object
) -> None:
    *way, last = path
    assert errors(changed(weekly, tuple(way), lambda inner: inner.update({last: value})))


WRONG: Final[list[tuple[tuple[Step, ...], object]]] = [
    (("schema_version",), 1),
    (("schema_version",), "1"),
    (("window",), "hourly"),
    (("window",), None),
    (("window",), "daily"),  # which has no `daily`
    (("window",), "rolling"),
    (("daily",), None),
    (("daily", 0, "total_trades"), 0),
    (("start_date",), "2025-6-9"),
    (("start_date",), "20250609"),
    (("end_date",), "2025-02-30"),
    (("end_date",), "2025-06-15T00:00:00Z"),
    (("starts_at",), "2025-06-09T00:00:00"),
    (("starts_at",), "2025-06-09 00:00:00Z"),
    (("ends_at",), None),
    (("generated_at",), None),
    (("generated_at",), "now"),
    (("timezone",), ""),
    (("total_trades",), "7"),
    (("total_trades",), -1),
    (("total_trades",), 1.5),
    (("total_trades",), None),
    (("risk_reward_trades",), None),
    (("current_streak",), -2),
    (("streak_type",), "breakeven"),
    (("streak_type",), None),
    (("win_rate",), "60"),
    (("win_rate",), "-0.5"),
    (("win_rate",), "1.5"),
    (("win_rate",), "0.1234567"),
    (("max_drawdown",), "5"),
    (("max_drawdown",), None),
    (("realized_pnl",), None),
    (("gross_loss",), None),
    (("by_symbol",), []),
    (("by_symbol",), None),
    (("by_symbol", "AAPL"), "10"),
    (("by_symbol", "AAPL", "total_trades"), 0),
    (("targets",), None),
    (("targets", 0, "metric"), "sharpe"),
    (("targets", 0, "severity"), "INFO"),
    (("targets", 0, "status"), "ok"),
    (("targets", 0, "p_value"), "1.5"),
    (("targets", 0, "p_value"), "0.1234567"),
    (("squared_pnl_sum",), "-1"),
    (("squared_pnl_sum",), None),
    (("win_rate_low",), "-0.1"),
    (("win_rate_high",), "1.5"),
    (("targets", 0, "target"), None),
    (("alert_status",), "PENDING"),
    (("alert_status",), None),
    (("data_quality", "status"), "unknown"),
    (("data_quality", "missing_days"), ["yesterday"]),
    (("data_quality", "missing_days"), None),
    (("data_quality", "accepted"), -1),
    (("data_quality", "warnings"), [""]),
    (("data_quality", "rejected_lines", 0, "line"), 0),
    (("data_quality", "rejected_lines", 0, "file"), "2025-06-10.jsonl.gz"),
    (("data_quality", "rejected_lines", 0, "file"), "/home/bot/logs/2025-06-10.jsonl"),
    (("data_quality", "rejected_lines", 0, "reason"), ""),
    (
        ("data_quality", "rejected_lines"),
        [{"file": "2025-06-10.jsonl", "line": 1, "reason": "bad"}] * 21,
    ),
    (("settings", "execution_mode"), "live"),
    (("settings", "rolling_window"), 0),
]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(path, value, id=f"{'.'.join(map(str, path))}={value!r:.40}")
        for path, value in WRONG
    ],
)
def test_a_summary_with_a_wrong_value_does_not_validate(
    weekly: Document, path: tuple[Step, ...], value: object
) -> None:
    *way, last = path
    assert errors(changed(weekly, tuple(way), lambda inner: inner.__setitem__(last, value)))


def test_decimals_survive_a_reader_that_reads_strings_digit_by_digit(logs: Place) -> None:
    document = published(one_trade_of_each_kind(logs), Window.DAILY)
    assert Decimal(document["best_trade"]) == Decimal("123456789012345.00000000000000000001")
    assert document["gross_profit"] == "123456789012355.12500000000000000002"
