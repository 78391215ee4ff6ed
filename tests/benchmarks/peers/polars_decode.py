"""Decodes columns in Polars and adds them up: polars_decode.py ROOT TABLES, where TABLES is JSON: table to columns or null."""

import json
import sys

import polars as pl


def total(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if kind == pl.String:
        return column.str.len_bytes().cast(pl.Int64).sum()
    if kind.is_temporal():
        return column.to_physical().sum()
    return column.sum()


for table, columns in json.loads(sys.argv[2]).items():
    frame = pl.scan_parquet(f"{sys.argv[1]}/{table}/**/*.parquet", hive_partitioning=False)
    schema = frame.collect_schema()
    totals = [total(name, schema[name]).alias(name) for name in columns or schema.names()]
    print(frame.select(totals).collect(engine="streaming").row(0))
