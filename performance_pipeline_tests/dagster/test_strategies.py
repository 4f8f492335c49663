"""Two strategies, one failing, through Dagster: one alert, carrying its name, and the whole met."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import pytest

from performance_pipeline.defs.metadata import VERDICTS
from performance_pipeline.domain.windows import Window, end_of_day
from performance_pipeline.pipeline.explaining import Explainer, history_of
from performance_pipeline_tests.support.alert_service import AlertService, service_in
from performance_pipeline_tests.support.lines import DAY, log, session
from performance_pipeline_tests.support.runs import evaluations, shown

TARGETS: Final = """\
win_rate_target: 50
peak_drawdown_target: -500
alerts:
  edge: {win_rate: 60, false_alarm_trades: 1000000}
  strategies:
    solid: {win_rate_target: 50}
    failing: {win_rate_target: 50}
"""
SOLID: Final = ("5",) * 14 + ("-5",) * 2
FAILING: Final = ("5",) + ("-5",) * 7
MEETS_TARGETS: Final = dg.AssetCheckKey(dg.AssetKey("daily_summary"), "meets_targets")
STEM: Final = f"daily-{DAY}-win_rate-failing"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[AlertService]:
    with service_in(tmp_path) as service:
        service.targets(TARGETS)
        content = log(
            *session(*SOLID, strategy_name="solid"),
            *session(*FAILING, hour=16, strategy_name="failing"),
        )
        service.here.write_bytes(DAY, content)
        service.now = end_of_day(DAY, service.here.settings.timezone) + timedelta(minutes=1)
        yield service


def test_two_strategies_one_failing_raise_one_alert_that_carries_its_name(
    service: AlertService,
) -> None:
    service.materialize(Window.DAILY)
    tick = service.tick()
    assert tick.lines == [(f"{STEM}-1", "raised")]
    [raised] = service.log.events()
    assert (raised.strategy, raised.metric, str(raised.actual)) == ("failing", "win_rate", "0.125")

    [evaluation] = evaluations(service.instance, MEETS_TARGETS)
    assert evaluation.description == "Breached: win_rate of failing."
    verdicts = shown(evaluation.metadata)[VERDICTS]["targets"]
    assert [(one["strategy"], one["metric"], one["status"]) for one in verdicts] == [
        ("", "win_rate", "met"),
        ("solid", "win_rate", "met"),
        ("failing", "win_rate", "breached"),
    ]

    explanation = Explainer(service.here.tracker(service.now)).explain(
        history_of(service.log.events(), raised.id)
    )
    assert explanation.complete
    assert {trade.strategy for trade in explanation.trades} == {"failing"}
    assert explanation.found.actual == raised.actual
    assert explanation.missing.wins == 3

    # Once it wins again the alert goes.
    won = log(*session(*["5"] * 6, hour=20, strategy_name="failing"))
    service.here.write_bytes(DAY, service.here.path(DAY).read_bytes() + won)
    service.materialize(Window.DAILY)
    assert service.tick().lines == [(f"{STEM}-1", "resolved")]
