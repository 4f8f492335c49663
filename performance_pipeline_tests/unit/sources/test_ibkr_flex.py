"""Interactive Brokers' Flex reports as trade logs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from performance_pipeline.domain.windows import Window
from performance_pipeline.pipeline.import_result import Import
from performance_pipeline.sources.records import ImportOptions
from performance_pipeline_tests.support.flex_reports import (
    ACCOUNT,
    Row,
    csv_report,
    element,
    trade,
    xml_report,
)
from performance_pipeline_tests.support.imports import (
    counts,
    imported,
    records_in,
    source_of,
)
from performance_pipeline_tests.support.lines import Place

NEW_YORK: Final = ImportOptions(zone=ZoneInfo("America/New_York"))


def imported_report(
    folder: Path, report: str, options: ImportOptions = NEW_YORK, *, replace: bool = False
) -> Import:
    path = source_of(folder, "report", report)
    return imported("ibkr-flex", path, folder / "logs", options, replace=replace)


def only_line(folder: Path, row: Row) -> dict[str, object]:
    assert counts(imported_report(folder, xml_report([row]))) == (1, 1, 0, 0, 0, 0)
    (record,) = records_in(folder / "logs")
    return record


def test_an_execution_is_a_fill(tmp_path: Path) -> None:
    assert only_line(tmp_path, trade(1, "-1,200", "150.2500", ibCommission="-1.10")) == {
        "timestamp": "2025-11-03T15:00:01Z",
        "symbol": "AAPL",
        "action": "SELL",
        "quantity": "1200",
        "price": "150.2500",
        "total_value": "180300",
        "outcome": "open",
        "source": "ibkr-flex",
        "source_id": "5000000001",
        "order_id": "90001",
        "account_id": ACCOUNT,
        "commission": "1.10",
    }


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"ibCommission": "0.35"}, "commission", "-0.35"),
        ({"ibCommission": "0"}, "commission", "0"),
        ({"ibCommission": ""}, "commission", None),
        ({"ibCommission": "-1", "taxes": "-0.25"}, "commission", "1.25"),
        ({"ibCommissionCurrency": "EUR"}, "commission", None),
        ({"multiplier": "100", "assetCategory": "OPT"}, "multiplier", "100"),
        ({"assetCategory": "BOND", "proceeds": "-985"}, "multiplier", "0.01"),
        ({"dateTime": "2025-11-03;14:31:00"}, "timestamp", "2025-11-03T19:31:00Z"),
        ({"dateTime": "2025-11-03, 14:31:00"}, "timestamp", "2025-11-03T19:31:00Z"),
        ({"dateTime": "20251103143100"}, "timestamp", "2025-11-03T19:31:00Z"),
        ({"dateTime": "03-Nov-25 14:31:00"}, "timestamp", "2025-11-03T19:31:00Z"),
        ({"dateTime": "20251103;143100 EST"}, "timestamp", "2025-11-03T19:31:00Z"),
        ({"dateTime": "20251103;143100 UTC"}, "timestamp", "2025-11-03T14:31:00Z"),
        ({"dateTime": "20251031;143100"}, "timestamp", "2025-10-31T18:31:00Z"),
        ({"dateTime": "20251103"}, "timestamp", "2025-11-04T04:59:59Z"),
        ({"transactionID": ""}, "source_id", "trade:700001"),
        ({"transactionID": "", "tradeID": ""}, "source_id", "exec:0000de6f.00000001.01.01"),
        ({"buySell": ""}, "action", "BUY"),
    ],
)
def test_fields_are_read_as_ibkr_writes_them(
    tmp_path: Path, changes: dict[str, str], field: str, said: str | None
) -> None:
    quantity, price = ("1000", "98.5") if "proceeds" in changes else ("1", "98.5")
    assert only_line(tmp_path, trade(1, quantity, price, **changes)).get(field) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"symbol": ""}, "symbol: missing"),
        ({"quantity": ""}, "quantity: missing"),
        ({"quantity": "0"}, "quantity: not above 0"),
        ({"tradePrice": "1,5"}, "tradePrice: not a number"),
        ({"ibCommission": "free"}, "ibCommission: not a number"),
        ({"multiplier": "many"}, "multiplier: not a number"),
        ({"buySell": "HOLD"}, "buySell: not BUY or SELL"),
        ({"dateTime": "11/03/2025;143100"}, "dateTime: not a date like 20251103"),
        ({"dateTime": "20251341;143100"}, "dateTime: no such time"),
        ({"dateTime": "20251103;143100 JST"}, "dateTime: in a time zone other than"),
        ({"dateTime": "20250309;023000"}, "dateTime: a time that clocks in America/New_York"),
        ({"assetCategory": "BOND", "proceeds": "-5"}, "proceeds: not quantity x tradePrice"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_costs_no_other(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    rows = [trade(1, "10", "1"), {**trade(2, "10", "1"), **changes}, trade(3, "10", "1")]
    found = imported_report(tmp_path, xml_report(rows))
    assert counts(found) == (3, 2, 0, 0, 0, 1)
    # The trades begin on line 5, so the second one is on line 6.
    assert found.rejected[0].startswith(f"{tmp_path / 'report'}: line 6: {said}")


def test_an_hour_that_comes_twice_is_taken_for_the_first_and_said(tmp_path: Path) -> None:
    found = imported_report(tmp_path, xml_report([trade(1, "1", "1", dateTime="20251102;013000")]))
    (record,) = records_in(tmp_path / "logs")
    assert record["timestamp"] == "2025-11-02T05:30:00Z"
    (note,) = found.notes
    assert "comes twice" in note


def test_without_a_time_zone_nothing_is_imported(tmp_path: Path) -> None:
    found = imported_report(tmp_path, xml_report([trade(1, "1", "1")]), ImportOptions())
    assert "--timezone" in found.unreadable[0]
    assert counts(found) == (0, 0, 0, 0, 0, 0)


def test_rows_that_repeat_the_same_money_are_left_out(tmp_path: Path) -> None:
    rows = [
        trade(1, "10", "150"),
        trade(1, "10", "150", levelOfDetail="ORDER", transactionID="", tradeID="", ibExecID=""),
        trade(1, "10", "150", levelOfDetail="CLOSED_LOT", ibExecID=""),
        trade(1, "10", "150", levelOfDetail="SYMBOL_SUMMARY", transactionID=""),
    ]
    others = element("Order", rows[1]) + element("Lot", rows[2])
    found = imported_report(tmp_path, xml_report(rows, others))
    assert counts(found) == (6, 1, 0, 0, 5, 0)
    assert all(not tally.sums for tally in found.left_out.values())


def test_what_moves_money_or_positions_without_a_trade_is_counted_with_its_sum(
    tmp_path: Path,
) -> None:
    cash = {"accountId": ACCOUNT, "type": "Dividends", "currency": "USD", "levelOfDetail": "DETAIL"}
    found = imported_report(
        tmp_path,
        xml_report(
            [],
            element("CashTransaction", {**cash, "amount": "12.34"}),
            element("CashTransaction", {**cash, "amount": "1,000.10"}),
            element("CashTransaction", {**cash, "amount": "5", "currency": "EUR"}),
            element("CashTransaction", {**cash, "amount": "17.34", "levelOfDetail": "SUMMARY"}),
            element("CorporateAction", {"symbol": "AAPL", "type": "FS", "quantity": "30"}),
            element("Transfer", {"symbol": "TSLA", "type": "INTERNAL", "quantity": "-3"}),
        ),
    )
    said = {kind: (tally.count, tally.sums) for kind, tally in found.left_out.items()}
    assert said == {
        "CashTransaction Dividends": (3, {"USD": Decimal("1012.44"), "EUR": Decimal(5)}),
        "CashTransaction Dividends SUMMARY row, which repeats its details": (1, {}),
        "CorporateAction FS": (1, {"AAPL": Decimal(30)}),
        "Transfer INTERNAL": (1, {"TSLA": Decimal(-3)}),
    }


def cancelled(**changes: str) -> list[dict[str, str]]:
    """A trade of 10 shares, taken back, and booked again as one of 6 under the same trade id."""
    original = trade(1, "10", "150")
    taken_back = trade(
        2, "-10", "150", buySell="BUY (Ca.)", notes="Ca", tradeID="", origTradeID="700001"
    )
    again = trade(3, "6", "150", tradeID="700001")
    return [original, {**taken_back, **changes}, again]


@pytest.mark.parametrize("changes", [{}, {"origTransactionID": "5000000001"}])
def test_a_cancelled_trade_is_left_out_with_the_row_that_cancels_it(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    found = imported_report(tmp_path, xml_report(cancelled(**changes)))
    assert counts(found) == (3, 1, 0, 0, 2, 0)
    assert [record["quantity"] for record in records_in(tmp_path / "logs")] == ["6"]


def test_a_trade_that_is_cancelled_after_its_import_is_reported_and_taken_out_on_request(
    tmp_path: Path,
) -> None:
    rows = cancelled()
    imported_report(tmp_path, xml_report(rows[:1]))
    found = imported_report(tmp_path, xml_report(rows))
    assert counts(found) == (3, 1, 0, 1, 1, 0)
    assert "cancels a line in 2025-11-03.jsonl" in found.changed[0]
    assert [record["quantity"] for record in records_in(tmp_path / "logs")] == ["10", "6"]
    assert imported_report(tmp_path, xml_report(rows), replace=True).succeeded
    assert [record["quantity"] for record in records_in(tmp_path / "logs")] == ["6"]
    assert counts(imported_report(tmp_path, xml_report(rows))) == (3, 0, 1, 0, 2, 0)


def test_a_cancelling_row_whose_trade_is_unknown_is_rejected(tmp_path: Path) -> None:
    found = imported_report(tmp_path, xml_report(cancelled()[1:]))
    assert counts(found) == (2, 1, 0, 0, 0, 1)
    assert "origTransactionID: missing" in found.rejected[0]


@pytest.mark.parametrize("marked", [False, True])
def test_csv_says_the_same_as_xml(tmp_path: Path, marked: bool) -> None:
    rows = [trade(1, "1,000", "150.25"), trade(2, "-10", "151"), *cancelled()[1:]]
    imported_report(tmp_path, xml_report(rows))
    found = imported_report(tmp_path, csv_report(rows, marked=marked))
    assert counts(found)[:4] == (4, 0, 3, 0)


def test_several_sections_stand_in_one_csv(tmp_path: Path) -> None:
    cash = '"ClientAccountID","CurrencyPrimary","Amount","Type"\n"U1","USD","-10","Other Fees"\n'
    nav = '"ClientAccountID","CurrencyPrimary","Total","ReportDate"\n"U1","USD","7","20251103"\n'
    report = csv_report([trade(1, "10", "150")]) + cash + nav
    found = imported_report(tmp_path, report)
    assert counts(found) == (3, 1, 0, 0, 2, 0)
    assert found.left_out["CashTransaction Other Fees"].sums == {"USD": Decimal(-10)}


EXPANDING = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<FlexQueryResponse><x>&b;</x></FlexQueryResponse>"
)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("", "empty"),
        (EXPANDING, "it declares a document type"),
        ("<FlexStatementResponse><Status>Fail</Status></FlexStatementResponse>", "FlexQueryRespon"),
        ("<FlexQueryResponse><Trades>", "line 1 is not XML: no element found"),
        ("some,other\nfile,1\n", "neither XML nor the header of a Flex report"),
        (b"Symbol,Quantity,TradePrice\n\xff,1,1\n".decode("latin-1"), "byte 27 is"),
    ],
)
def test_what_is_no_report_is_not_imported_at_all(tmp_path: Path, report: str, said: str) -> None:
    path = source_of(tmp_path, "report", report.encode("latin-1"))
    found = imported("ibkr-flex", path, tmp_path / "logs", NEW_YORK)
    assert len(found.unreadable) == 1
    assert said in found.unreadable[0]
    assert records_in(tmp_path / "logs") == []


def test_a_report_that_was_cut_off_is_not_imported_at_all(tmp_path: Path) -> None:
    rows = [trade(number, "10", "150") for number in range(1, 50)]
    found = imported_report(tmp_path, xml_report(rows)[:-200])
    assert len(found.unreadable) == 1
    assert records_in(tmp_path / "logs") == []


@pytest.mark.parametrize("report", [xml_report([]), csv_report([]), csv_report([], marked=True)])
def test_an_empty_report_is_no_trades(tmp_path: Path, report: str) -> None:
    found = imported_report(tmp_path, report)
    assert counts(found) == (0, 0, 0, 0, 0, 0)
    assert found.succeeded


# fifoPnlRealized as IBKR states it: net of the commissions of both legs, those of the opening one
# by share of the quantity that is closed.
STATED: Final[Sequence[Row]] = (
    trade(1, "100", "10", ibCommission="-1"),
    trade(2, "100", "12", ibCommission="-2"),
    # Closes 100 bought at 10 and 50 at 12: 150 x 13 - 1000 - 600 - 1 - 1 - 1.5.
    trade(3, "-150", "13", ibCommission="-1.5", fifoPnlRealized="346.5"),
    # A flip (C;O): closes 50 at 12, opens 70 short; a third of its commission closes.
    trade(4, "-120", "11", ibCommission="-2.4", fifoPnlRealized="-52", openCloseIndicator="C;O"),
    # Covers 70 short at 11, of which 1.4 was paid to open; a rebate.
    trade(5, "70", "10.5", ibCommission="0.35", fifoPnlRealized="33.95"),
    # An option on 100 shares that expires worthless.
    trade(6, "-2", "1.25", symbol="AAPL  251103C00300000", multiplier="100", ibCommission="-1.3"),
    trade(
        7,
        "2",
        "0",
        symbol="AAPL  251103C00300000",
        multiplier="100",
        ibCommission="0",
        notes="Ep",
        fifoPnlRealized="248.7",
    ),
    # A future, partly closed.
    trade(8, "3", "5000.25", symbol="ESZ5", multiplier="50", ibCommission="-6.6"),
    trade(
        9,
        "-1",
        "5010",
        symbol="ESZ5",
        multiplier="50",
        ibCommission="-2.2",
        fifoPnlRealized="483.1",
    ),
)


def test_paired_fills_earn_what_ibkr_states(tmp_path: Path) -> None:
    assert imported_report(tmp_path, xml_report(STATED)).succeeded
    stated = sum(Decimal(row["fifoPnlRealized"]) for row in STATED)
    logs = Place(
        tmp_path / "logs",
        {
            "PERFORMANCE_LOG_DIR": str(tmp_path / "logs"),
            "PERFORMANCE_PAIRING": "fifo",
            "PERFORMANCE_SHORT_SELLING": "yes",
            "PERFORMANCE_MARKET_CALENDAR": "none",
        },
    )
    summary = logs.summary(Window.DAILY, date(2025, 11, 3), datetime(2025, 11, 5, tzinfo=UTC))
    assert summary.realized_pnl == stated
    assert summary.total_trades == sum(row["fifoPnlRealized"] != "0" for row in STATED)
