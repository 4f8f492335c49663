"""The exit statuses of commands, beside 0."""

from typing import Final

EXIT_ERROR: Final = 1
EXIT_DIFFERENT: Final = 2
"""All is done, and what was compared differs: a target is missed, a figure is not the other's."""
