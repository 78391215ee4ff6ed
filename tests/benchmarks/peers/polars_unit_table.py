"""The unit table in Polars: polars_unit_table.py SPEC OUT. SPEC is JSON: root, start, end, through, facts."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl

spec = json.loads(Path(sys.argv[1]).read_text())
start, end, through = (date.fromisoformat(spec[day]) for day in ("start", "end", "through"))


def table(name: str) -> pl.LazyFrame:
    frame = pl.scan_parquet(f"{spec['root']}/{name}/**/*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
    return frame.with_columns(pl.col("dt").cast(pl.String).str.to_date())


def between(first: date, last: date) -> pl.Expr:
    return pl.col("dt").is_between(pl.lit(first), pl.lit(last))


unit = (
    table("exposures")
    .filter(between(start, end) & pl.col("user_id").is_not_null())
    .group_by("user_id")
    .agg(arm=pl.col("variant").min(), other=pl.col("variant").max(), first_exposure=pl.col("exposed_at").min())
    .filter(pl.col("arm") == pl.col("other"))
    .drop("other")
    .with_columns(exposure_day=pl.col("first_exposure").dt.date())
)

result = unit
for fact in spec["facts"]:
    event = table(fact["name"]).filter(between(start, through) & (pl.col("status") == "valid"))
    keys = [fact["key"]] if fact["delivers_twice"] else []
    event = event.select(*keys, "user_id", at=fact["time"], value=fact["value"])
    event = event.unique() if keys else event
    since = pl.col("at") - pl.col("first_exposure")
    of_unit = (
        event.join(unit.select("user_id", "first_exposure"), on="user_id")
        .filter((since >= timedelta(0)) & (since < timedelta(days=spec["window_days"])))
        .group_by("user_id")
        .agg(**{fact["count"]: pl.len().cast(pl.Int64), fact["sum"]: pl.col("value").sum()})
        .with_columns(pl.lit(1, pl.Int64).alias(fact["any"]))
        .select("user_id", fact["count"], fact["any"], fact["sum"])
    )
    result = result.join(of_unit, on="user_id", how="left").with_columns(
        pl.col(fact["count"], fact["any"], fact["sum"]).fill_null(0)
    )

snapshot = table("snapshots")
snapshot_day = (
    snapshot.select("user_id", "dt")
    .join(unit.select("user_id", "exposure_day"), on="user_id")
    .filter((pl.col("dt") < pl.col("exposure_day")) & (pl.col("dt") >= pl.col("exposure_day") - timedelta(days=7)))
    .group_by("user_id")
    .agg(pl.col("dt").max())
)
known_before = snapshot.join(snapshot_day, on=["user_id", "dt"]).drop("dt")
result = result.join(known_before, on="user_id", how="left").drop("exposure_day").rename({"user_id": "unit"})
result.sink_parquet(sys.argv[2], compression="zstd", engine="streaming")
