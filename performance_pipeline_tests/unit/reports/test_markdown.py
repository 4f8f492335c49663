"""Names from logs in Markdown: what a reader sees is the name, whatever characters it holds."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from performance_pipeline.reports.markdown import escape, summary_markdown
from performance_pipeline_tests.support.effort import examples
from performance_pipeline_tests.support.lines import DAY, place, win

ADDRESSES = [
    "https://evil.example/x",
    "HTTP://EVIL.EXAMPLE",
    "www.evil.example",
    "WWW.evil.example/a_b*c*?d=1&e=<2>",
    "(www.evil.example)",
    "ftp://evil.example/x",
    "somebody@evil.example",
    "mailto:somebody@evil.example",
    "xmpp:somebody@evil.example/x",
    "https://evil.example/|www.evil.example",
    "`www.evil.example`",
    "``https://evil.example/``x``",
    "`|`www.evil.example|`|",
    "https://evil.example/\\",
    "see https://evil.example/x and www.evil.example, or a@evil.example",
    "<https://evil.example/x>",
    "[text](https://evil.example/x)",
    "![image](https://evil.example/x.png)",
    "[text]: https://evil.example/x",
    "https&#58;//evil.example/x",
    "\u200bwww.evil.example",
]
NAMES = [
    *ADDRESSES,
    "BRK.B",
    "BTC/USD",
    "<script>alert(1)</script>",
    "*bold* _it_ ~~gone~~ `code` # no title",
    "a | b \\| c",
    "&amp; &lt;",
]

# What viewers of GitHub's Markdown make links of, by its specification, in text as it is shown.
AUTOLINKS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (r"www\.\S", r"(https?|ftp)://\S", r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
]

renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def inline_tokens(markdown: str) -> Iterator[Token]:
    for token in renderer.parse(markdown):
        yield from token.children or ()


def cells_of(name: str) -> list[list[Token]]:
    """How a row of a table that begins with `name` is understood."""
    table = f"| Name | Trades |\n| --- | --- |\n| {escape(name)} | 1 |\n"
    return [token.children or [] for token in renderer.parse(table) if token.type == "inline"]


def shown(tokens: list[Token]) -> str:
    return "".join(token.content for token in tokens)


def assert_shown_as_itself(name: str) -> None:
    one_line = " ".join(name.split())
    _, _, in_table, trades = cells_of(name)
    assert shown(trades) == "1"
    in_list = list(inline_tokens(f"- {escape(name)}"))
    for tokens in (in_table, in_list):
        assert shown(tokens) == one_line
        assert {token.type for token in tokens} <= {"text", "text_special", "code_inline"}
        for token in tokens:
            if token.type != "code_inline":
                assert not any(autolink.search(token.content) for autolink in AUTOLINKS)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_as_itself_and_never_as_markup_or_a_link(name: str) -> None:
    assert_shown_as_itself(name)


@examples(400)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([*NAMES, "www.", "://", "http", "@", "`", "``", "|", "\\", "&", "<"]),
            st.text("ab.`|\\*_<>&@:/ -[]()", max_size=6),
        ),
        min_size=1,
        max_size=6,
    ).map("".join)
)
def test_whatever_a_name_is_made_of_it_is_shown_as_itself(name: str) -> None:
    assert_shown_as_itself(f"x{name}x")


def test_the_names_in_a_summary_are_no_links(tmp_path: Path) -> None:
    logs = place(tmp_path / "logs")
    lines = [
        win("1", f"{DAY}T14:{minute:02}:00Z", symbol=name, strategy_name=name)
        for minute, name in enumerate(ADDRESSES)
    ]
    logs.write(DAY, *lines)
    markdown = summary_markdown(logs.summary())
    tokens = list(inline_tokens(markdown))
    assert not [token for token in tokens if token.type in ("link_open", "image", "html_inline")]
    code = {token.content for token in tokens if token.type == "code_inline"}
    assert {"https://evil.example/x", "www.evil.example", "somebody@evil.example"} <= code
