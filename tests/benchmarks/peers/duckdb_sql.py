"""Runs one SQL query in DuckDB and writes what it gives as Parquet: duckdb_sql.py STATEMENT OUT THREADS MEMORY SPILL
SPILL_LIMIT."""

import sys
from pathlib import Path

import duckdb

statement, out, threads, memory, spill, spill_limit = sys.argv[1:]
database = duckdb.connect()
database.execute(f"set threads = {threads}")
database.execute("set timezone = 'UTC'")
database.execute("set preserve_insertion_order = false")
database.execute(f"set temp_directory = '{spill}'")
if memory != "-":
    database.execute(f"set memory_limit = '{memory}'")
if spill_limit != "-":
    database.execute(f"set max_temp_directory_size = '{spill_limit}'")
database.execute(f"copy ({Path(statement).read_text()}) to '{out}' (format parquet, compression zstd)")
