"""Messages about alerts: plain text, whatever a name holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from performance_pipeline.reports.alert_message import alert_message, plain_words
from performance_pipeline_tests.support.alerts import alert

MARKUP = re.compile(r"[*`\[\]<>@#|~\\^!${}\x00-\x1f\x7f]|(?<!\w)[_/]|[_/](?!\w)|://")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("momentum", "momentum"),
        ("win_rate 0.4 below its target 0.5 (WARN)", "win_rate 0.4 below its target 0.5 (WARN)"),
        ("-1,509.15 %", "-1,509.15 %"),
        ("ES/NQ 1/2", "ES/NQ 1/2"),
        ("P&L", "P&L"),
        ("&lt;b&gt; &#64;here", "&lt;b&gt; &＃64;here"),  # noqa: RUF001
        ("*bold* _it_ __b__ ~no~ `code`", "＊bold＊ ＿it＿ ＿＿b＿＿ ～no～ ｀code｀"),  # noqa: RUF001
        ("<script>alert(1)</script>", "＜script＞alert(1)＜／script＞"),  # noqa: RUF001
        ("@everyone <!channel>", "＠everyone ＜！channel＞"),  # noqa: RUF001
        ("[text](https://example.com)", "［text］(https:／／example.com)"),  # noqa: RUF001
        ("/start #tag :smile:", "／start ＃tag ：smile:"),  # noqa: RUF001
        ("a\nb\r\n\tc\x1b[31m", "a b c ［31m"),  # noqa: RUF001
        ("a\u202eb\u200bc\u2028d", "a b c d"),
    ],
)
def test_markup_is_shown_as_text_in_every_chat(name: str, shown: str) -> None:
    assert plain_words(name) == shown


@given(st.text())
def test_no_name_holds_markup_or_a_line_of_its_own(name: str) -> None:
    assert MARKUP.search(plain_words(name)) is None


def test_names_in_a_message_and_in_its_key_are_plain() -> None:
    name = "*_[x]<script>@everyone"
    message = alert_message(alert(message=f"win_rate of {name}\nid: forged"), f"id-{name} (raised)")

    assert message.body.splitlines() == [
        "win_rate of ＊＿［x］＜script＞＠everyone id: forged",  # noqa: RUF001
        "Raised 2025-07-20 12:00 UTC",
        "id: id-＊＿［x］＜script＞＠everyone (raised)",  # noqa: RUF001
    ]


def test_an_alert_of_a_strategy_names_it_in_the_title() -> None:
    message = alert_message(alert(metric="win_rate", strategy="*mean* reversion"), "key")

    assert message.title == "WARN raised: daily win rate of ＊mean＊ reversion"  # noqa: RUF001


def test_a_message_of_any_length_is_cut_to_what_chats_take() -> None:
    message = alert_message(alert(message="x" * 10_000), "k" * 10_000)

    assert len(message.body) < 2000
