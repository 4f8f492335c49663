"""A second opinion as rich tables: our report, then the source's figures beside ours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.second_opinion import Figure, SecondOpinion, SecondOpinions
from performance_pipeline.reports.fitted_table import Column, columns, fitted_table, safe
from performance_pipeline.reports.number_format import compared, metric_value
from performance_pipeline.reports.terminal import summary_view

_LISTED: Final = 20
_OVERALL: Final = "overall"
# Groups of which only what differs is listed, after a line for the whole group.
_GROUPS: Final[Mapping[str, str]] = {
    "pair": "by pair",
    "day": "by day",
    "week": "by week",
    "month": "by month",
    "year": "by year",
    "weekday": "by weekday",
    "trade": "by trade",
}


def second_opinions_view(opinions: SecondOpinions, width: int) -> RenderableType:
    """Every account's report and figures, and what they come to."""
    parts: list[RenderableType] = []
    for opinion in opinions.opinions:
        parts += [
            Text(f"{safe(opinion.title)}, {opinions.kind} of freqtrade", "bold"),
            Text(),
            summary_view(opinion.summary, width),
            Text(),
            *_figures(opinion, width),
            *(Text(safe(note)) for note in opinion.notes),
            Text(),
        ]
    return Group(*parts, Text(conclusion(opinions), "bold"))


def conclusion(opinions: SecondOpinions) -> str:
    """What it all comes to, in a sentence."""
    every = opinions.agreed + opinions.explained + opinions.different
    if not every:
        return "The source states no figure that could be held against ours."
    agree = f"{opinions.agreed:,} of {every:,} figures agree"
    known = f"{opinions.explained:,} differ for a known reason"
    return f"{agree}, {known}, {opinions.different:,} without one."


def _figures(opinion: SecondOpinion, width: int) -> Iterator[RenderableType]:
    overall = [figure for figure in opinion.figures if figure.group == _OVERALL]
    if overall:
        yield Text("freqtrade's figures and ours", "bold")
        yield _table(overall, width, keyed=False)
    for group, title in _GROUPS.items():
        figures = [figure for figure in opinion.figures if figure.group == group]
        if not figures:
            continue
        apart = [figure for figure in figures if figure.status in ("explained", "different")]
        agreed = f"{len(figures) - len(apart):,} of {len(figures):,} figures agree"
        yield Text(f"{title[:1].upper()}{title[1:]}: {agreed}{_least(figures)}")
        if shown := list(_worth_showing(apart)):
            yield _table(shown[:_LISTED], width, keyed=True)
            if len(apart) > len(shown[:_LISTED]):
                more = len(apart) - len(shown[:_LISTED])
                yield Text(f"and {more:,} more that differ; --json holds all", "dim")


def _worth_showing(apart: Sequence[Figure]) -> Iterator[Figure]:
    """All that differs without a reason first; of what has one, one figure a pair or period."""
    yield from (figure for figure in apart if figure.status == "different")
    explained = sorted(
        (figure for figure in apart if figure.status == "explained"),
        key=lambda figure: figure.metric != "realized_pnl",
    )
    first = {figure.key: figure for figure in reversed(explained)}
    yield from (figure for figure in apart if first.get(figure.key) is figure)


def _least(figures: Sequence[Figure]) -> str:
    """To how many decimals those agree that are not equal digit by digit."""
    decimals = [figure.decimals for figure in figures if figure.decimals is not None]
    return f", to {min(decimals)} decimals or more" if decimals else ""


def _table(figures: Sequence[Figure], width: int, *, keyed: bool) -> RenderableType:
    titles = [Column("Of", whole=True)] if keyed else []
    return fitted_table(
        [*titles, Column("Figure", whole=True), *columns(">freqtrade", ">Ours", "Verdict")],
        ((*([Text(safe(figure.key))] if keyed else []), *_row(figure)) for figure in figures),
        width,
    )


def _row(figure: Figure) -> Sequence[Text]:
    stated, ours = _sides(figure)
    return (Text(safe(figure.name)), Text(stated), Text(ours), _verdict(figure))


def _sides(figure: Figure) -> tuple[str, str]:
    """Both figures as people read them: two that differ never read the same."""
    # `compared` knows one count, and a count of ours is always whole.
    count = figure.metric.startswith(("total_", "longest_"))
    metric = "total_trades" if count else figure.metric
    if figure.stated is None or figure.ours is None or figure.status == "rounded":
        return metric_value(metric, figure.stated), metric_value(metric, figure.ours)
    both = compared(metric, figure.stated, figure.ours)
    return both.actual, both.target


def _verdict(figure: Figure) -> Text:
    match figure.status:
        case "equal":
            return Text("equal", "green")
        case "rounded":
            return Text(f"equal to {figure.decimals} decimals", "green")
        case "explained":
            return Text(figure.reason, "yellow")
    return Text("DIFFERENT", "bold red")
