"""What the index remembers of a trading day, so that days after it need not load its aggregate.

Positions and the stream of all trades go on from day to day, and each live refresh needs what they
are by the end of today: a few bytes a day instead of its file.
"""

from decimal import Decimal

import msgspec


class DayEntry(msgspec.Struct, frozen=True, array_like=True):
    """What one trading day adds to those before it, as its `logs` say, by name and digest.

    Where fills are paired it takes positions from `opening` to `closing`, both digests.
    """

    logs: tuple[tuple[str, str], ...]
    opening: str
    closing: str
    pnl: Decimal
    """Realized on the day."""
    peak: Decimal
    """The highest point of its own path of P&L, from 0 on."""
    decided: bytes
    """Which of its decided trades won, as `domain/edge.py` packs it."""
    strategies: tuple[str, ...]
    """Names of the strategies with a closed trade on the day."""
