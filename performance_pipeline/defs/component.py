"""`BotPerformance`, the component by which other people's Dagster projects hold bots."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Self
from weakref import WeakKeyDictionary

import dagster as dg
from pydantic import BaseModel, Field

from performance_pipeline.defs.build import build_definitions
from performance_pipeline.defs.runtime import Runtime
from performance_pipeline.errors import PipelineError
from performance_pipeline.pipeline.bots import TARGETS_NAME, BotError, Claims, bot_settings
from performance_pipeline.settings import Settings

# Of each project that is loaded: a component sees no other, and two may name one folder.
_CLAIMS: Final[WeakKeyDictionary[object, Claims]] = WeakKeyDictionary()


class ScaffoldOptions(BaseModel):
    """What `dg scaffold defs` may be told."""

    bot: str | None = Field(None, description="The bot's name; by default that of the folder.")
    log_dir: str = Field("logs", description="Folder of the bot's trade logs.")


class BotScaffolder(dg.Scaffolder[ScaffoldOptions]):
    """Writes a file that can be used as it is: it says who the bot is, and where its logs are."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldOptions]:
        return ScaffoldOptions

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldOptions]) -> None:
        said = request.params
        bot = said.bot or request.target_path.name
        dg.scaffold_component(request, {"bot": bot, "log_dir": said.log_dir})


@dg.scaffold_with(BotScaffolder)
class BotPerformance(dg.Component, dg.Resolvable, dg.Model):
    """Exact trade performance of one trading bot, from its daily JSONL logs.

    Assets by day, week, month and rolling window with their checks, the sensors that keep them and
    the alert log true to the logs, and an HTML report; all of them begin with the bot's name.
    Relative paths are below the folder of this file. What is not given is as the environment's
    PERFORMANCE_ variables have it, but for the bot's own folders.
    """

    bot: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9_-]+$", description="The bot's name: letters, digits, - and _."),
    ]
    log_dir: Annotated[str, Field(description="Folder of the bot's trade logs, or its URL.")]
    output_dir: Annotated[
        str | None,
        Field(
            description="Everything that is written but the alert log; `performance` in log_dir."
        ),
    ] = None
    alert_log: Annotated[
        str | None,
        Field(description="The alert log; `performance-alerts.jsonl` in log_dir."),
    ] = None
    targets_file: Annotated[
        str | None, Field(description=f"The targets; `{TARGETS_NAME}` beside this file.")
    ] = None
    timezone: Annotated[
        str | None,
        Field(description="IANA zone of the trading day, as America/New_York; UTC."),
    ] = None
    summary_timezone: Annotated[
        str | None, Field(description="The same as timezone, by the name of its variable.")
    ] = None
    alert_rolling_window: Annotated[
        int | None, Field(description="How many closed trades the rolling window holds; 20.")
    ] = None
    alert_lookback_days: Annotated[
        int | None,
        Field(description="Only windows over for at most so many days raise alerts; no limit."),
    ] = None
    market_calendar: Annotated[
        str | None,
        Field(description="Exchange calendar that tells a missing log from a holiday; XNYS."),
    ] = None
    refresh_seconds: Annotated[
        int | None,
        Field(description="A log that keeps growing is taken up at most this often; 5."),
    ] = None
    execution_mode: Annotated[
        str | None, Field(description="ALL, LIVE or PAPER: which records count; ALL.")
    ] = None
    account: Annotated[
        str | None, Field(description="Only records of this account_id count, in quotes; all.")
    ] = None
    start_date: Annotated[
        str | None, Field(description="First daily partition, YYYY-MM-DD; 2025-01-01.")
    ] = None
    pairing: Annotated[
        str | None, Field(description="none, fifo or lifo: how fills become trades; none.")
    ] = None
    trade: Annotated[
        str | None, Field(description="exit or flat: what one closed trade is, of fills; exit.")
    ] = None
    short_selling: Annotated[
        bool | str | None,
        Field(description="yes: a sale beyond the long position opens a short one; no."),
    ] = None
    keep_runs_days: Annotated[
        int | None,
        Field(description="Days that Dagster keeps the whole history of the bot; 14, 0 for ever."),
    ] = None
    sources: Annotated[
        str | None, Field(description="The file that lists what is imported by itself.")
    ] = None
    notify: Annotated[
        str | None,
        Field(
            description=(
                "Apprise URLs that alerts are sent to, with spaces between them. They hold"
                " passwords: give them as {{ env.NAME }}."
            )
        ),
    ] = None

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        return dg.ComponentTypeSpec(
            tags=["trading"], produces=["asset", "asset_check", "schedule", "sensor"]
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """From YAML; raises PipelineError naming file and line for what cannot be used."""
        loaded = super().load(attributes, context)
        try:
            claims = _CLAIMS.setdefault(context.component_tree.state_tracker, Claims())
            claims.take(loaded.settings(context), f"of {_place(context, [])}")
        except BotError as error:
            raise PipelineError(_located(context, error)) from None
        return loaded

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The bot's definitions; raises BotError and SettingsError for what cannot be used."""
        # How runs are executed is for the project to say.
        return build_definitions(Runtime(self.settings(context)), executor=None)

    def settings(self, context: dg.ComponentLoadContext) -> Settings:
        """The bot's settings; raises BotError, and SettingsError naming file and line."""
        return bot_settings(
            self._said(), Path(context.path), place_of=partial(_attribute_place, context)
        )

    def _said(self) -> Mapping[str, str]:
        said: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, bool):
                value = "yes" if value else "no"
            if value is not None:
                said[name] = str(value)
        return said


def _located(context: dg.ComponentLoadContext, error: BotError) -> str:
    """The error with the file and line that say the attribute, where they are known."""
    return f"{_attribute_place(context, error.attribute)}: {error.what}"


def _attribute_place(context: dg.ComponentLoadContext, attribute: str) -> str:
    """File, line and name of an attribute; of one made in Python the name alone."""
    if context.resolution_context.source_position_tree is None:
        return attribute
    return f"{_place(context, ['attributes', attribute])}: {attribute}"


def _place(context: dg.ComponentLoadContext, path: list[str | int]) -> str:
    """File and line of what stands at `path` in the YAML of a component."""
    positions = context.resolution_context.source_position_tree
    if positions is None:
        return str(context.path)
    place = positions.source_error(path, "", value_error=True)
    return f"{place.file_name}:{place.start_line_no}"
