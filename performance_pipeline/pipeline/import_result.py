"""What became of the records of an import, counted and named."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from performance_pipeline.domain.numbers import EXACT
from performance_pipeline.sources.fields import exact
from performance_pipeline.sources.records import LeftOut


@dataclass
class Tally:
    """How many records of one kind were left out, and what they come to, by currency or symbol."""

    count: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)

    def add(self, unit: str, amount: Decimal) -> None:
        self.sums[unit] = EXACT.add(self.sums.get(unit, Decimal(0)), amount)


@dataclass
class Import:
    """What became of every record of the sources; `read` is the sum of the other counts."""

    added: int = 0
    already_there: int = 0
    changed: list[str] = field(default_factory=list)
    """A sentence a record: where it stands in its source, and in which log with which fields."""
    rejected: list[str] = field(default_factory=list)
    """A sentence a record: where it stands, which field, and why."""
    left_out: dict[str, Tally] = field(default_factory=dict)
    """By kind."""
    unreadable: list[str] = field(default_factory=list)
    """A sentence a source of which nothing was imported."""
    notes: Counter[str] = field(default_factory=Counter)
    foreign_fees: Counter[str] = field(default_factory=Counter)
    """How many records paid a fee in a currency other than that of their price, by currency."""
    fills: int = 0
    """How many of those added are open: fills, or trades that are not over."""
    replaced: bool = False
    """Whether the changed ones were written over."""
    digest: str = ""
    """What tells what the sources said from anything else, where somebody asked for it."""

    @property
    def left_out_count(self) -> int:
        return sum(tally.count for tally in self.left_out.values())

    @property
    def read(self) -> int:
        return (
            self.added
            + self.already_there
            + len(self.changed)
            + self.left_out_count
            + len(self.rejected)
        )

    @property
    def trouble(self) -> list[str]:
        """A sentence for each source or record that is not in the logs as it should be."""
        return [*self.unreadable, *self.rejected, *([] if self.replaced else self.changed)]

    @property
    def summary_line(self) -> str:
        """What every import ends with."""
        return (
            f"read {self.read}, added {self.added}, already there {self.already_there},"
            f" changed {len(self.changed)}, left out {self.left_out_count},"
            f" rejected {len(self.rejected)}"
        )

    @property
    def succeeded(self) -> bool:
        """Whether every record is in the logs as its source has it."""
        return not self.trouble

    def leave_out(self, record: LeftOut) -> None:
        """Count a record that is no trade; raises RecordError where its amount is no number."""
        amount = None if record.amount is None else exact(record.amount, "amount")
        tally = self.left_out.setdefault(record.kind, Tally())
        tally.count += 1
        if amount is not None:
            tally.add(record.unit, amount)

    def join(self, other: "Import") -> None:
        """Take up what became of further records."""
        self.added += other.added
        self.fills += other.fills
        self.already_there += other.already_there
        self.changed += other.changed
        self.rejected += other.rejected
        self.notes += other.notes
        self.foreign_fees += other.foreign_fees
        for kind, tally in other.left_out.items():
            joined = self.left_out.setdefault(kind, Tally())
            joined.count += tally.count
            for unit, amount in tally.sums.items():
                joined.add(unit, amount)
