"""What a page says of why an alert was raised: a few sentences, and the trades that cost most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from performance_pipeline.domain.explanation import Cause, ExplainedTrade, Explanation
from performance_pipeline.reports.explanation_wording import (
    AGAINST_TARGET,
    asked_sentence,
    costing,
    found_sentences,
    most_costly,
    since_sentence,
    unread_sentences,
    worth,
)
from performance_pipeline.reports.number_format import counted, grouped_number

_TRADES_SHOWN: Final = 10
_CAUSES_SHOWN: Final = 3
_NAME_CUT: Final = 40


@dataclass(frozen=True)
class Why:
    """One explanation as the page shows it: `trades` in the order of time, and how many `more`."""

    sentences: tuple[str, ...]
    costs: tuple[tuple[str, str], ...]
    """What cost most, by what, in words."""
    trades: tuple[ExplainedTrade, ...]
    more: int


def why(explanation: Explanation) -> Why:
    """What of `explanation` there is room for."""
    causing, against = explanation.causing, AGAINST_TARGET.get(explanation.asked.metric)
    unit = f", {against}" if against else ""
    shown = most_costly(causing, _TRADES_SHOWN)
    return Why(
        sentences=(
            f"Asked: {asked_sentence(explanation)}",
            f"Found: {' '.join(found_sentences(explanation))}",
            f"Since: {since_sentence(explanation)}",
            *unread_sentences(explanation),
        ),
        costs=tuple(
            (f"{title}{unit}", told)
            for title, causes in (
                ("By strategy", explanation.by_strategy),
                ("By symbol", explanation.by_symbol),
                ("By hour", explanation.by_hour),
                ("By day", explanation.by_day),
            )
            if (told := _costs(causes, explanation.asked.metric))
        ),
        trades=tuple(shown),
        more=len(causing) - len(shown),
    )


def cut(name: str) -> str:
    """A name as it is repeated here, trade by trade: the log may hold one of any length."""
    return name if len(name) <= _NAME_CUT else f"{name[: _NAME_CUT - 1]}…"


def _costs(causes: Sequence[Cause], metric: str) -> str:
    """`momentum -1,186.94 (72 trades), ...`; "" where nothing cost, or nothing can be told."""
    if metric in AGAINST_TARGET and all(cause.effect is None for cause in causes):
        return ""
    return ", ".join(
        f"{cut(cause.name) or '(none)'} {grouped_number(worth(cause))}"
        f" ({counted(cause.total_trades, 'trade')})"
        for cause in costing(causes)[:_CAUSES_SHOWN]
    )
