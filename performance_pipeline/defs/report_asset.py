"""The report asset: the page over the last year, drawn once a day and on demand."""

import dagster as dg

from performance_pipeline.defs.automation import Condition
from performance_pipeline.defs.keys import (
    DAILY_AGGREGATE,
    GROUP,
    OWNERS,
    PERFORMANCE_ALERTS,
    PERFORMANCE_REPORT,
    summary_key,
)
from performance_pipeline.defs.metadata import report_metadata
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.domain.windows import Window
from performance_pipeline.pipeline.report import (
    REPORT_NAME,
    default_period,
    load_report,
    write_report,
)

_DAYS_DRAWN = (DAILY_AGGREGATE, summary_key(Window.WEEKLY), summary_key(Window.MONTHLY))


def performance_report_asset(runtime: Runtime, condition: Condition) -> dg.AssetsDefinition:
    @dg.asset(
        key=PERFORMANCE_REPORT,
        deps=[
            *(dg.AssetDep(key, partition_mapping=dg.AllPartitionMapping()) for key in _DAYS_DRAWN),
            PERFORMANCE_ALERTS,
        ],
        automation_condition=condition,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "html"},
        description=(
            "One HTML page over the last year: headline figures, equity, calendar, weeks and"
            " months against their targets, breakdowns, alerts and data quality. Opens offline."
        ),
    )
    def performance_report(context: dg.AssetExecutionContext) -> None:
        tracker = runtime.tracker()
        path = runtime.settings.output_dir / REPORT_NAME
        report = load_report(tracker, default_period(tracker))
        size = write_report(path, report)
        context.add_output_metadata(report_metadata(report, path, size))

    return performance_report
