"""A replay of targets as rich tables: what `targets replay` shows on a terminal and in a pipe."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from performance_pipeline.domain.replay import Replay, ReplayedAlert
from performance_pipeline.reports.fitted_table import Column, columns, fitted_table, safe
from performance_pipeline.reports.number_format import compared, counted
from performance_pipeline.reports.wording import judged_name

_LISTED: Final = 40


def replay_view(replay: Replay, width: int) -> RenderableType:
    """Both files side by side, and the alerts that only one of them raises."""
    return Group(*_counts(replay, width), *_differences(replay, width))


def _counts(replay: Replay, width: int) -> Iterator[RenderableType]:
    yield Text(f"Alerts from {replay.start_date} to {replay.end_date}", "bold")
    yield Text(f"{counted(replay.periods, 'period')} judged, each as if it were just over", "dim")
    yield Text(f"in force: {safe(replay.targets_in_force)}")
    both = replay.given is not None
    if replay.targets_given is not None:
        yield Text(f"given: {safe(replay.targets_given)}")
    rows = [
        (count.window.value, judged_name(count.metric, count.strategy), count.in_force, count.given)
        for count in replay.counts
    ]
    rows.append(("all", "", len(replay.in_force), len(replay.given or ())))
    yield fitted_table(
        columns("Window", "Metric", ">In force", *([">Given", ">More"] if both else [])),
        (
            (
                Text(window),
                Text(safe(metric)),
                Text(str(ours)),
                *((Text(str(theirs)), Text(f"{(theirs or 0) - ours:+}")) if both else ()),
            )
            for window, metric, ours, theirs in rows
        ),
        width,
    )


def _differences(replay: Replay, width: int) -> Iterator[RenderableType]:
    if replay.given is None:
        yield from _alerts("Raised by the targets in force", replay.in_force, width)
        return
    for title, ids, alerts in (
        ("Only by the targets in force", replay.only_in_force, replay.in_force),
        ("Only by the targets given", replay.only_given, replay.given),
    ):
        wanted = {*ids}
        yield from _alerts(title, [alert for alert in alerts if alert.id in wanted], width)
    if replay.severity_differs:
        yield Text("\nBy both, not as hard", "bold")
        yield fitted_table(
            [Column("Alert", whole=True), *columns("In force", "Given")],
            (
                (Text(safe(change.id)), Text(change.in_force), Text(change.given))
                for change in replay.severity_differs[:_LISTED]
            ),
            width,
        )
        yield from _more(len(replay.severity_differs))


def _alerts(title: str, alerts: Sequence[ReplayedAlert], width: int) -> Iterator[RenderableType]:
    yield Text(f"\n{title}: {len(alerts)}", "bold")
    if not alerts:
        return
    yield fitted_table(
        [
            Column("Alert", whole=True),
            Column("Severity"),
            Column("Actual", right=True, whole=True),
            Column("Target", right=True, whole=True),
        ],
        (_alert_row(alert) for alert in alerts[-_LISTED:]),
        width,
    )
    yield from _more(len(alerts))


def _more(count: int) -> Iterator[RenderableType]:
    if count > _LISTED:
        yield Text(f"and {count - _LISTED} more; --json holds all", "dim")


def _alert_row(alert: ReplayedAlert) -> Sequence[Text]:
    actual, target, _ = compared(alert.metric, alert.actual, alert.target)
    return (Text(safe(alert.id)), Text(alert.severity), Text(actual), Text(target))
