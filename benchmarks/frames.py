"""Contenders that read whole logs as tables: pandas, polars and DuckDB, each as its users would.

None of them can say which line was bad and why, or find a line written twice.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Bucket, Figures

if TYPE_CHECKING:
    import pandas as pd

_MONEY = ("net_profit_loss", "commission", "slippage", "price", "stop_loss", "target")
_TEXTS = ("timestamp", "exit_timestamp", "symbol", "strategy_name", "order_id", "outcome")
_FIELDS = (*_TEXTS, *_MONEY, "quantity", "hold_duration_seconds")
_CENT = Decimal("0.01")


def with_pandas(paths: Sequence[Path]) -> list[Figures]:
    """float64 throughout; rounded to cents at the end so that it can be compared at all."""
    import pandas as pd

    return [_pandas_figures(pd.read_json(path, lines=True, dtype=False)) for path in paths]


def _pandas_figures(table: "pd.DataFrame") -> Figures:
    import pandas as pd

    numbers = [*_MONEY, "hold_duration_seconds"]
    table[numbers] = table[numbers].apply(pd.to_numeric)
    table["instant"] = pd.to_datetime(
        table["exit_timestamp"].fillna(table["timestamp"]), utc=True, format="ISO8601"
    )
    table = table.sort_values("instant", kind="stable")
    closed = table[table["outcome"] != "open"]
    opened = table[table["outcome"] == "open"]
    pnl = closed["net_profit_loss"]
    total = pnl.cumsum()
    runs = (closed["outcome"] != closed["outcome"].shift()).cumsum()
    lengths = closed.groupby(runs)["outcome"].agg(["first", "size"])
    longest = lengths.groupby("first")["size"].max()
    counts = closed["outcome"].value_counts()
    ratio = (closed["target"] - closed["price"]) / (closed["price"] - closed["stop_loss"])
    return Figures(
        lines=len(table),
        wins=int(counts.get("win", 0)),
        losses=int(counts.get("loss", 0)),
        breakevens=int(counts.get("breakeven", 0)),
        open_trades=int((~opened["order_id"].isin(closed["order_id"])).sum()),
        realized_pnl=_cents(pnl.sum()),
        gross_profit=_cents(pnl[closed["outcome"] == "win"].sum()),
        gross_loss=_cents(pnl[closed["outcome"] == "loss"].sum()),
        commission=_cents(closed["commission"].sum()),
        slippage=_cents(closed["slippage"].sum()),
        hold_seconds=_cents(closed["hold_duration_seconds"].sum()),
        planned_ratio=Decimal(float(ratio[ratio > 0].round(9).sum())),
        best=_cents(pnl.max()),
        worst=_cents(pnl.min()),
        max_drawdown=_cents((total - total.cummax().clip(lower=0)).min()),
        longest_wins=int(longest.get("win", 0)),
        longest_losses=int(longest.get("loss", 0)),
        by_symbol=_pandas_buckets(closed, "symbol"),
        by_strategy=_pandas_buckets(closed, "strategy_name"),
    )


def _pandas_buckets(closed: "pd.DataFrame", name: str) -> dict[str, Bucket]:
    import pandas as pd

    table = pd.DataFrame(
        {
            "won": closed["outcome"] == "win",
            "lost": closed["outcome"] == "loss",
            "pnl": closed["net_profit_loss"],
        }
    ).groupby(closed[name])
    sums = table.sum()
    return {
        str(key): (int(count), int(won), int(lost), _cents(pnl))
        for key, count, won, lost, pnl in zip(
            sums.index, table.size(), sums["won"], sums["lost"], sums["pnl"], strict=True
        )
    }


def _cents(value: float) -> Decimal:
    return Decimal(float(value)).quantize(_CENT)


def with_polars(paths: Sequence[Path]) -> list[Figures]:
    """One lazy query over all logs; decimals of 6 places, exact within them."""
    import polars as pl

    money = pl.Decimal(38, 6)
    schema = dict.fromkeys((*_TEXTS, *_MONEY, "quantity"), pl.String)
    instant = pl.coalesce("exit_timestamp", "timestamp").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us"
    )
    table = (
        pl.scan_ndjson(
            [str(path) for path in paths],
            schema={**schema, "hold_duration_seconds": pl.Int64},
            include_file_paths="file",
        )
        .with_columns(instant.alias("instant"), pl.col(*_MONEY).cast(money))
        .sort("file", "instant", maintain_order=True)
        .collect()
    )
    closed = table.filter(pl.col("outcome") != "open").with_columns(
        pl.col("net_profit_loss").cum_sum().over("file").alias("total"),
        pl.col("outcome").rle_id().over("file").alias("run"),
        (
            (pl.col("target") - pl.col("price")).cast(pl.Float64)
            / (pl.col("price") - pl.col("stop_loss")).cast(pl.Float64)
        ).alias("ratio"),
    )
    peak = pl.max_horizontal(pl.col("total").cum_max().over("file"), pl.lit(0).cast(money))
    closed = closed.with_columns((pl.col("total") - peak).alias("fall"))
    won, lost = pl.col("outcome") == "win", pl.col("outcome") == "loss"
    pnl = pl.col("net_profit_loss")
    days = closed.group_by("file").agg(
        won.sum().alias("wins"),
        lost.sum().alias("losses"),
        (pl.col("outcome") == "breakeven").sum().alias("breakevens"),
        pnl.sum().alias("realized_pnl"),
        pnl.filter(won).sum().alias("gross_profit"),
        pnl.filter(lost).sum().alias("gross_loss"),
        pl.col("commission").sum(),
        pl.col("slippage").sum(),
        pl.col("hold_duration_seconds").sum().alias("hold_seconds"),
        pl.col("ratio").filter(pl.col("ratio") > 0).round(9).sum().alias("planned_ratio"),
        pnl.max().alias("best"),
        pnl.min().alias("worst"),
        pl.min_horizontal(pl.col("fall").min(), pl.lit(0).cast(money)).alias("max_drawdown"),
    )
    runs = (
        closed.group_by("file", "run")
        .agg(pl.col("outcome").first(), pl.len())
        .group_by("file")
        .agg(
            pl.col("len").filter(won).max().fill_null(0).alias("longest_wins"),
            pl.col("len").filter(lost).max().fill_null(0).alias("longest_losses"),
        )
    )
    opened = (
        table.filter(pl.col("outcome") == "open")
        .join(closed, on=["file", "order_id"], how="anti")
        .group_by("file")
        .agg(pl.len().alias("open_trades"))
    )
    lines = table.group_by("file").agg(pl.len().alias("lines"))
    for other in (runs, lines):
        days = days.join(other, on="file")
    days = days.join(opened, on="file", how="left").with_columns(pl.col("open_trades").fill_null(0))
    named = {
        name: closed.group_by("file", name)
        .agg(pl.len(), won.sum().alias("won"), lost.sum().alias("lost"), pnl.sum())
        .rows()
        for name in ("symbol", "strategy_name")
    }
    return _rows_figures(days.sort("file").rows(named=True), named)


_DUCKDB_DAYS = """
with ordered as (
    select *, row_number() over (partition by filename order by instant) as place,
        sum(net_profit_loss) over (partition by filename order by instant
            rows unbounded preceding) as total,
        lag(outcome) over (partition by filename order by instant) is distinct from outcome
            as starts
    from closed
), falls as (
    select *, total - greatest(0, max(total) over (partition by filename order by place)) as fall,
        sum(starts::int) over (partition by filename order by place) as run,
        (target - price)::double / (price - stop_loss)::double as ratio
    from ordered
), runs as (
    select filename, max(length) filter (outcome = 'win') as wins,
        max(length) filter (outcome = 'loss') as losses
    from (select filename, outcome, count(*) as length from falls group by filename, run, outcome)
    group by filename
), opened as (
    select filename, count(*) as open_trades
    from lines anti join closed using (filename, order_id) where outcome = 'open' group by filename
), counted as (select filename, count(*) as lines from lines group by filename)
select filename as file, any_value(lines) as lines,
    count(*) filter (outcome = 'win') as wins, count(*) filter (outcome = 'loss') as losses,
    count(*) filter (outcome = 'breakeven') as breakevens,
    coalesce(any_value(open_trades), 0) as open_trades,
    sum(net_profit_loss) as realized_pnl,
    sum(net_profit_loss) filter (outcome = 'win') as gross_profit,
    sum(net_profit_loss) filter (outcome = 'loss') as gross_loss,
    sum(commission) as commission, sum(slippage) as slippage,
    sum(hold_duration_seconds) as hold_seconds,
    sum(round(ratio, 9)) filter (ratio > 0) as planned_ratio,
    max(net_profit_loss) as best, min(net_profit_loss) as worst,
    least(0, min(fall)) as max_drawdown,
    coalesce(any_value(runs.wins), 0) as longest_wins,
    coalesce(any_value(runs.losses), 0) as longest_losses
from falls join counted using (filename) join runs using (filename)
    left join opened using (filename)
group by filename order by filename
"""


def with_duckdb(paths: Sequence[Path]) -> list[Figures]:
    """SQL over all logs; decimals of 6 places, exact within them."""
    import duckdb

    kinds = {
        **dict.fromkeys(_TEXTS, "VARCHAR"),
        **dict.fromkeys((*_MONEY, "quantity"), "DECIMAL(28, 6)"),
        "hold_duration_seconds": "BIGINT",
    }
    with duckdb.connect() as database:
        database.execute(
            "create temp table lines as select *,"
            " coalesce(exit_timestamp, timestamp)::timestamptz as instant"
            " from read_json($files, format='newline_delimited', filename=true,"
            f" columns={{{', '.join(f'{name}: {kind!r}' for name, kind in kinds.items())}}})",
            {"files": [str(path) for path in paths]},
        )
        database.execute("create temp view closed as select * from lines where outcome <> 'open'")
        answer = database.execute(_DUCKDB_DAYS)
        columns = [column[0] for column in answer.description or ()]
        days = [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
        named = {
            name: database.execute(
                f"select filename, {name}, count(*), count(*) filter (outcome = 'win'),"
                " count(*) filter (outcome = 'loss'), sum(net_profit_loss)"
                " from closed group by all"
            ).fetchall()
            for name in ("symbol", "strategy_name")
        }
    return _rows_figures(days, named)


def _rows_figures(
    days: Sequence[Mapping[str, Any]], named: Mapping[str, Sequence[tuple[Any, ...]]]
) -> list[Figures]:
    """Figures from a row a log, and a row a log and name."""
    buckets: dict[str, dict[str, dict[str, Bucket]]] = {name: {} for name in named}
    for name, rows in named.items():
        for file, key, *numbers in rows:
            count, won, lost, pnl = numbers
            buckets[name].setdefault(file, {})[key] = (count, int(won), int(lost), pnl)
    return [
        Figures(
            **{name: value for name, value in day.items() if name not in ("file", "planned_ratio")},
            planned_ratio=Decimal(day["planned_ratio"]),
            by_symbol=buckets["symbol"][day["file"]],
            by_strategy=buckets["strategy_name"][day["file"]],
        )
        for day in days
    ]
