"""Decodes columns in DuckDB and adds them up: duckdb_decode.py ROOT TABLES THREADS, where TABLES is JSON: table to columns or null.

Counts would be answered from footers, without decoding anything; sums need every value.
"""

import json
import sys

import duckdb

root, tables, threads = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
database = duckdb.connect()
database.execute(f"set threads = {threads}")


def total(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f'sum(strlen("{name}"))'
    return f'sum(epoch_us("{name}"))' if kind.startswith("TIMESTAMP") else f'sum("{name}")'


for table, columns in tables.items():
    files = f"read_parquet('{root}/{table}/*/*.parquet', hive_partitioning = false)"
    kinds = {name: kind for name, kind, *_ in database.execute(f"describe select * from {files}").fetchall()}
    totals = ", ".join(total(name, kinds[name]) for name in columns or kinds)
    print(database.execute(f"select {totals} from {files}").fetchone())
