"""The formats that can be imported: one line here, one module beside it."""

from typing import Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.sources.alpaca import ALPACA
from performance_pipeline.sources.any_csv import CSV
from performance_pipeline.sources.ccxt import CCXT
from performance_pipeline.sources.freqtrade import FREQTRADE
from performance_pipeline.sources.ibkr_flex import IBKR_FLEX
from performance_pipeline.sources.records import Format

FORMATS: Final[dict[str, Format]] = {
    one.name: one for one in (FREQTRADE, ALPACA, IBKR_FLEX, CCXT, CSV)
}


def format_called(name: str) -> Format:
    """The format of that name; raises PipelineError naming those there are."""
    if name not in FORMATS:
        raise PipelineError(f"no format {name!r}; accepted is one of {', '.join(FORMATS)}")
    return FORMATS[name]
