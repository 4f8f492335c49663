"""The text of RESULTS.md: a section a job, each replaced alone, and the environment they hold for.

A comment, which no reader of the page sees, begins each section. The environment is said once, at
the top; a section of another one says so itself.
"""

import re
from collections.abc import Sequence
from typing import Final

_INTRO: Final = """\
# Benchmarks

Written by `make bench`. Every number stands beside its peers, measured in the same run: contenders
take turns, and a ratio is the median of the rounds' ratios. A table that was made at another time,
or on another machine, says so. [What the tables say](NOTES.md) is a page of its own.
"""
_marker = re.compile(r"^<!-- ([a-z-]+) -->\n", re.MULTILINE)
_title = re.compile(r"^(## .*\n)\n", re.MULTILINE)
_own_environment = re.compile(r"^At another time: (.*)\n\n", re.MULTILINE)


class Results:
    """What RESULTS.md says, of jobs in their order, to be brought up to date job by job."""

    def __init__(self, text: str, jobs: Sequence[str], environment: str, *, whole: bool) -> None:
        """`text` is what it says so far; `environment` is that of what is measured from now on.

        With `whole` that becomes the one at the top.
        """
        head, *rest = _marker.split(text)
        top = head.strip().rpartition("\n")[2]
        self._jobs, self._environment = jobs, environment
        self._top = environment if whole or not top else top
        self._sections: dict[str, tuple[str, str]] = {}
        for job, section in zip(rest[::2], rest[1::2], strict=True):
            own = _own_environment.search(section)
            without = _own_environment.sub("", section)
            self._sections[job] = without, top if own is None else own[1]

    def put(self, job: str, section: str) -> None:
        """Take up what a job has just come to, in the place of what it came to before."""
        self._sections[job] = section, self._environment

    def text(self) -> str:
        """All of it; sections of jobs that are no more are gone."""
        parts = [f"{_INTRO}\n{self._top}\n"]
        for job in self._jobs:
            if job in self._sections:
                section, environment = self._sections[job]
                if environment != self._top:
                    section = _title.sub(rf"\1\nAt another time: {environment}\n\n", section)
                parts.append(f"<!-- {job} -->\n{section.strip()}\n")
        return "\n".join(parts)
