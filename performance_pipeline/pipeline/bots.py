"""Several bots in one Dagster instance: their settings, from a file that lists them or from what a
component says of one.

What is not said of a bot is as the environment has it, but for the places that only one bot can
have. Relative paths are below the folder of the file that names them.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from performance_pipeline.errors import PipelineError
from performance_pipeline.places import Place
from performance_pipeline.setting_values import Origins
from performance_pipeline.settings import BOTS_VARIABLE, PREFIX, Settings, setting_names

if TYPE_CHECKING:
    from performance_pipeline.sources.yaml_file import Value

BOTS_FILE: Final = Path("config/bots.yaml")
TARGETS_NAME: Final = "dashboard-targets.yaml"

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_NAME_ACCEPTED: Final = "letters, digits, - and _"
_PATHS: Final = ("log_dir", "output_dir", "alert_log", "targets_file", "sources")
_ABSOLUTE: Final = re.compile(r"~|[a-zA-Z][a-zA-Z0-9+.-]*://")
_OF_THE_ONLY_BOT: Final = frozenset(
    f"{PREFIX}{name}" for name in ("LOG_DIR", "OUTPUT_DIR", "ALERT_LOG", "SOURCES")
)
_SHORT: Final = {"timezone": "summary_timezone"}


class BotError(PipelineError):
    """What cannot be used of what is said of one bot, and which attribute says it."""

    def __init__(self, attribute: str, what: str) -> None:
        self.attribute = attribute
        self.what = what
        super().__init__(f"{attribute}: {what}")


class Claims:
    """What no two bots may have, and where it is said whose it is."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], str] = {}

    def take(self, bot: Settings, where: str) -> None:
        """Add what `bot` has, which the place `where` says; raises BotError for what is taken."""
        # Said once more, it may be something else.
        for claim in [claim for claim, owner in self._owners.items() if owner == where]:
            del self._owners[claim]
        owned = {
            "bot": (dagster_name(bot.bot), bot.bot),
            "output_dir": (_whole(bot.output_dir), str(bot.output_dir)),
            "alert_log": (_whole(bot.alert_log), str(bot.alert_log)),
        }
        for attribute, (value, shown) in owned.items():
            other = self._owners.setdefault((attribute, value), where)
            if other != where:
                raise BotError(attribute, f"{shown} is that of another bot, {other}")


def dagster_name(bot: str) -> str:
    """A bot's name where Dagster takes no hyphen: in the names of groups, sensors and schedules."""
    return bot.replace("-", "_")


def attribute_names() -> list[str]:
    """What may be said of a bot: its name, and every setting in lower case without its prefix."""
    names = [name.removeprefix(PREFIX).lower() for name in setting_names()]
    return ["bot", *_SHORT, *names]


def bot_settings(
    attributes: Mapping[str, str],
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    place_of: Callable[[str], str] = str,
) -> Settings:
    """The settings of the bot that `attributes`, said in a file in `folder`, describe.

    One that is empty has its default, whatever the environment says. `place_of` gives the file,
    line and key that say an attribute, or would. Raises BotError, and SettingsError naming the
    place, or the variable where the environment says it.
    """
    bot = attributes.get("bot", "")
    if not bot:
        raise BotError("bot", f"a bot without a name; accepted are {_NAME_ACCEPTED}")
    if not _NAME.fullmatch(bot):
        raise BotError("bot", f"{bot!r} cannot be used: accepted are {_NAME_ACCEPTED}")
    if not attributes.get("log_dir"):
        raise BotError("bot", f"{bot} has no log_dir, the folder of its trade logs")
    given: dict[str, str] = {}
    said_by: dict[str, str] = {}
    for attribute, text in attributes.items():
        if attribute == "bot":
            continue
        variable = f"{PREFIX}{_SHORT.get(attribute, attribute).upper()}"
        if variable in given:
            raise BotError(attribute, f"the same setting as {said_by[variable]}; give one of them")
        given[variable] = _below(folder, text) if attribute in _PATHS else text
        said_by[variable] = attribute
    defaults = {f"{PREFIX}TARGETS_FILE": str(folder / TARGETS_NAME)}
    inherited = {
        name: text for name, text in environment.items() if text and name not in _OF_THE_ONLY_BOT
    }
    # What nobody says would be said of the bot.
    places = {
        name: place_of(said_by.get(name, name.removeprefix(PREFIX).lower()))
        for name in setting_names()
        if name in given or name not in inherited
    }
    settings = Settings.from_env({**defaults, **inherited, **given}, Origins(places))
    return replace(settings, bot=bot)


def bots_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The file that lists bots: the one that `PERFORMANCE_BOTS` names, else `config/bots.yaml`
    where it is there.
    """
    if named := environment.get(BOTS_VARIABLE):
        return Path(named).expanduser()
    return BOTS_FILE if BOTS_FILE.is_file() else None


def listed_bots(path: Path, environment: Mapping[str, str] = os.environ) -> list[Settings]:
    """The settings of every bot that the file at `path` lists, in its order.

    Raises PipelineError naming file and line.
    """
    # Imported here because who has one bot need not wait for it.
    from performance_pipeline.sources.yaml_file import read_yaml

    whole = read_yaml(path)
    section = whole.section(["bots"])
    if "bots" not in section:
        raise whole.error("no bots; needed is `bots:`, a list")
    items = section["bots"].items
    if not items:
        raise section["bots"].error("an empty list; needed is a bot, `- bot: NAME`")
    home = _home(path, environment)
    claims = Claims()
    bots: list[Settings] = []
    for item in items:
        said = item.section(attribute_names())
        texts = {key: "" if one.is_empty else " ".join(one.texts) for key, one in said.items()}
        try:
            bot = bot_settings(texts, path.parent, environment, partial(_place, item, said))
            claims.take(bot, f"on line {item.line}")
        except BotError as error:
            raise said.get(error.attribute, item).error(error.what) from None
        bots.append(replace(bot, home=home))
    return bots


def chosen_bot(name: str | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the bot called `name`; without a name, those of the only one.

    Raises PipelineError where that leaves a choice, or none is called so.
    """
    path = bots_file(environment)
    if path is None:
        if name is None:
            return Settings.from_env(environment)
        raise PipelineError(
            f"--bot {name}: no bots are listed; {BOTS_FILE}, or what {BOTS_VARIABLE} names, lists"
            " them"
        )
    bots = {bot.bot: bot for bot in listed_bots(path, environment)}
    if name is None and len(bots) > 1:
        raise PipelineError(f"--bot NAME is needed: {path} lists {', '.join(bots)}")
    if name is not None and name not in bots:
        nearest = get_close_matches(name, bots, n=1, cutoff=0)[0]
        raise PipelineError(f"--bot {name}: {path} lists no such bot; the nearest is {nearest}")
    return bots[name] if name is not None else next(iter(bots.values()))


def all_bots(environment: Mapping[str, str] = os.environ) -> list[Settings]:
    """The settings of all bots that are listed, or of the only one where none are."""
    path = bots_file(environment)
    return [Settings.from_env(environment)] if path is None else listed_bots(path, environment)


def _place(item: "Value", said: Mapping[str, "Value"], attribute: str) -> str:
    """File, line and key of an attribute; where it is not said, of the bot it would be said of."""
    return said[attribute].place if attribute in said else f"{item.place}.{attribute}"


def _whole(place: Place) -> str:
    return str(place.resolve() if isinstance(place, Path) else place)


def _below(folder: Path, text: str) -> str:
    """A path in `folder`, unless it says by itself where it is."""
    if not text or _ABSOLUTE.match(text):
        return text
    return os.path.normpath(folder / text)


def _home(path: Path, environment: Mapping[str, str]) -> Path:
    if environment.get(f"{PREFIX}OUTPUT_DIR"):
        return Settings.from_env(environment).default_home
    return path.parent / "performance" / "dagster"
