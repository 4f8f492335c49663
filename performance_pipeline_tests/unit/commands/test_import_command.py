"""`import` as a person sees it: what it says, its exit status, and what it keeps to itself."""

import json
from pathlib import Path
from typing import Final

import pytest

from performance_pipeline_tests.support.command_line import Ran, run_here
from performance_pipeline_tests.support.flex_reports import ACCOUNT, element, trade, xml_report
from performance_pipeline_tests.support.imports import ccxt_trade, records_in, source_of
from performance_pipeline_tests.support.lines import Place, place

ZONE: Final = ("--timezone", "America/New_York")


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path / "logs")


def run(capsys: pytest.CaptureFixture[str], here: Place, *arguments: object) -> Ran:
    return run_here(capsys, here, "import", *map(str, arguments))


def test_it_ends_with_what_became_of_each_record(
    tmp_path: Path, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    fee = {"cost": 0.1, "currency": "BNB"}
    path = source_of(tmp_path, "t.json", json.dumps([ccxt_trade(1), ccxt_trade(2, fee=fee)]))
    ran = run(capsys, here, "ccxt", path)
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "2 open records added: where they are fills, PERFORMANCE_PAIRING=fifo makes closed"
        " trades of them",
        "read 2, added 2, already there 0, changed 0, left out 0, rejected 0",
    ]
    assert ran.err == (
        "warning: 1 fee in BNB, not the currency of the price: commission is null there\n"
    )
    assert len(records_in(here.log_dir)) == 2


def test_changed_records_are_an_error_until_they_are_written_over(
    tmp_path: Path, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, here, "ccxt", source_of(tmp_path, "t.json", json.dumps([ccxt_trade(1)])))
    path = source_of(tmp_path, "t.json", json.dumps([ccxt_trade(1, price=7)]))
    ran = run(capsys, here, "ccxt", path)
    assert ran.status == 1
    assert ran.out == "read 1, added 0, already there 0, changed 1, left out 0, rejected 0\n"
    assert ran.err.startswith(f"changed: {path}: record 1: not as in 2025-11-03.jsonl: price")
    dry = run(capsys, here, "ccxt", path, "--replace", "--dry-run")
    assert "Nothing was written" in dry.out
    assert run(capsys, here, "ccxt", path, "--replace").status == 0
    assert [record["price"] for record in records_in(here.log_dir)] == ["7"]


def test_an_account_number_stands_in_the_log_and_nowhere_else(
    tmp_path: Path, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [trade(1, "10", "150"), {**trade(2, "10", "1"), "quantity": "x"}]
    cash = {"accountId": ACCOUNT, "type": "Other Fees", "currency": "USD", "amount": "-10"}
    path = source_of(tmp_path, "r.xml", xml_report(rows, element("CashTransaction", cash)))
    said = [run(capsys, here, "ibkr-flex", path, *ZONE)]
    source_of(tmp_path, "r.xml", xml_report([{**rows[0], "accountId": "U0000001"}]))
    said.append(run(capsys, here, "ibkr-flex", path, *ZONE))
    assert [ran.status for ran in said] == [1, 1]
    assert "left out: 1 CashTransaction Other Fees, sum -10 USD" in said[0].out
    assert "not as in 2025-11-03.jsonl: account_id" in said[1].err
    assert all(ACCOUNT not in ran.out + ran.err for ran in said)
    assert [record["account_id"] for record in records_in(here.log_dir)] == [ACCOUNT]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mt5", "x"), "no format 'mt5'; accepted is one of freqtrade, alpaca, ibkr-flex"),
        (("csv", "t.json", "--map", "none.yaml"), "none.yaml: cannot be read: No such file"),
        (("ccxt",), "Missing argument 'SOURCE...'"),
        (("ccxt", "x", "--timezone", "Mars"), "'Mars' is no IANA time zone"),
        (("ccxt", "x", "--mode", "DEMO"), "'DEMO' is not one of 'LIVE', 'PAPER'"),
    ],
)
def test_a_usage_error_is_one_line(
    here: Place, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in run(capsys, here, *arguments).complaint


def test_a_source_that_cannot_be_read_is_an_error(
    here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, here, "ccxt", "none.json")
    assert ran.status == 1
    assert ran.err == "error: none.json: cannot be read: No such file or directory\n"
    assert ran.out == "read 0, added 0, already there 0, changed 0, left out 0, rejected 0\n"


def test_doctor_shows_the_listed_sources(
    tmp_path: Path, here: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    here.log_dir.mkdir(exist_ok=True)
    assert "Sources in" not in run_here(capsys, here, "doctor").out
    path = source_of(
        tmp_path, "s.yaml", "sources:\n  - {format: ccxt, path: t.json, account: A-1}\n"
    )
    said = run_here(capsys, here.under(SOURCES=str(path)), "doctor").out
    assert f"Sources in {path}\n  ccxt {tmp_path / 't.json'}: 1 file\n    not imported" in said
    path.write_text("sources: 1")
    assert (
        f"{path}:1: sources: needed"
        in run_here(capsys, here.under(SOURCES=str(path)), "doctor").out
    )
