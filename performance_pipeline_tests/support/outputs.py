"""A summary in each form that people read."""

import io
import re
from collections.abc import Mapping

from rich.console import Console

from performance_pipeline.domain.windows import Period
from performance_pipeline.pipeline.report import load_report
from performance_pipeline.reports.markdown import summary_markdown
from performance_pipeline.reports.page.html import report_html
from performance_pipeline.reports.terminal import summary_view
from performance_pipeline_tests.support.lines import Place


def outputs(logs: Place, period: Period) -> Mapping[str, str]:
    """The summary of `period` in each form that people read, as text in single spaces."""
    tracker = logs.tracker()
    summary = tracker.summarize(period)
    console = Console(file=io.StringIO(), width=120, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(summary_view(summary, 120))
    page = re.sub(
        r"<style>.*?</style>|<script.*?</script>",
        "",
        report_html(load_report(tracker, period)),
        flags=re.DOTALL,
    )
    texts = {
        "markdown": summary_markdown(summary),
        "terminal": captured.get(),
        "report": re.sub(r"<[^>]*>", " ", page),
    }
    return {name: " ".join(text.split()) for name, text in texts.items()}
