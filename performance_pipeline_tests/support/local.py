"""Settings and alert logs that are on this machine, for tests that look at the files themselves."""

from pathlib import Path

from performance_pipeline.places import Place
from performance_pipeline.settings import Settings
from performance_pipeline.storage.alert_log import AlertLog


class LocalSettings(Settings):
    """Settings that name no object store."""

    log_dir: Path
    output_dir: Path
    alert_log: Path
    targets_file: Path


class LocalAlertLog(AlertLog):
    """An alert log that is a file."""

    path: Path


def on_this_machine(place: Place) -> Path:
    """`place`, which is a path here."""
    assert isinstance(place, Path)
    return place
