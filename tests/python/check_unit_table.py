#!/usr/bin/env python3
"""Compare a run's unit table with hand-written DuckDB SQL, row by row.

    check_unit_table.py whom-out/.../units.parquet tests/reference/duckdb_unit_table_hillstrom.sql

Ours has the columns unit, arm, first_exposure, bucket, fold, then metrics in their own units, then tags. The SQL gives the same without
bucket and fold, and with metrics as whole numbers on the grid that its `-- grid:` line names. Exit code 0: equal; 1: different, with the first
differences on standard output; 2: not comparable (no such file, no grid line).
"""

import argparse
import re
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
KEYS = ["unit", "arm", "first_exposure"]
LOGICAL = ["bucket", "fold"]
BUCKETS = 1_024


def grid_of(sql: str) -> dict[str, int]:
    """How many steps make one, for each metric."""
    line = re.search(r"^-- grid: (.*)$", sql, re.MULTILINE)
    if line is None:
        sys.exit("the SQL has no `-- grid:` line")
    steps = dict(entry.split(" = ") for entry in line.group(1).split(", "))
    return {metric: 2 ** int(step[3:]) if step.startswith("2^-") else round(1 / float(step)) for metric, step in steps.items()}


def comparable(column: str, kind: str, steps_in_one: dict[str, int]) -> str:
    """An expression that makes equal things identical, whatever type each side stores them in."""
    name = '"' + column.replace('"', '""') + '"'
    if column == "first_exposure":
        return f"epoch_us({name})"
    if column in steps_in_one:
        return f"cast(round_even({name} * {steps_in_one[column]}::double, 0) as hugeint)"
    if column in KEYS or kind.startswith(("VARCHAR", "ENUM")):
        return f"cast({name} as varchar)"
    return f"cast({name} as double)"


def prepare(ours: Path, sql: str, arms: list[str]) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """Tables `ours` and `theirs` with comparable columns, and the names of those columns."""
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    database.execute(f"set file_search_path = '{ROOT}'")
    database.execute(f"create table reference as {sql}")
    database.execute("create table run as select * from read_parquet(?)", [str(ours.resolve())])
    if arms:
        names = ", ".join("'" + arm.replace("'", "''") + "'" for arm in arms)
        database.execute(f"create or replace table run as select * replace ([{names}][arm + 1] as arm) from run")
    grid = grid_of(sql)
    kinds = {table: {row[0]: row[1] for row in database.execute(f"describe {table}").fetchall()} for table in ("run", "reference")}
    columns = list(kinds["reference"])
    if [column for column in kinds["run"] if column not in LOGICAL] != columns:
        print(f"columns differ\n  ours:    {list(kinds['run'])}\n  DuckDB:  {columns} and {LOGICAL}")
        sys.exit(1)
    already = dict.fromkeys(grid, 1)
    for name, table, scale in (("ours", "run", grid), ("theirs", "reference", already)):
        shown = ", ".join(f'{comparable(column, kinds[table][column], scale)} as "{column}"' for column in columns)
        database.execute(f"create table {name} as select {shown} from {table}")
    return database, columns


def logical_faults(database: duckdb.DuckDBPyConnection) -> list[str]:
    """A bucket outside its range, or a unit without fold or bucket."""
    present = {row[0] for row in database.execute("describe run").fetchall()}
    missing = [f"there is no column `{column}`" for column in LOGICAL if column not in present]
    if missing:
        return missing
    question = f"select count(*) from run where bucket is null or bucket < 0 or bucket >= {BUCKETS} or fold is null"
    count = database.execute(question).fetchone()[0]
    return [f"{count} units without a fold or with a bucket outside 0 to {BUCKETS - 1}"] if count else []


def differences(database: duckdb.DuckDBPyConnection, columns: list[str], shown: int) -> list[str]:
    """Every kind of difference, each with its count and its first few rows."""
    faults = []
    for table in ("ours", "theirs"):
        count = database.execute(f"select count(*) - count(distinct unit) from {table}").fetchone()[0]
        faults += [f"{count} rows of {table} repeat a unit or have none"] if count else []
    for here, there in (("ours", "theirs"), ("theirs", "ours")):
        only = database.execute(f"select unit, arm from {here} anti join {there} using (unit) order by unit").fetchall()
        if only:
            faults += [f"{len(only)} units only in {here}", *(f"  {unit} in {arm}" for unit, arm in only[:shown])]
    for column in columns:
        query = f"""
            select unit, ours."{column}", theirs."{column}"
            from ours join theirs using (unit)
            where ours."{column}" is distinct from theirs."{column}"
            order by unit
        """
        rows = database.execute(query).fetchall()
        if rows:
            faults += [f"`{column}` differs for {len(rows)} units"]
            faults += [f"  {unit}: ours {mine}, DuckDB {other}" for unit, mine, other in rows[:shown]]
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("units", type=Path, help="our units.parquet")
    parser.add_argument("sql", type=Path, help="the hand-written SQL")
    parser.add_argument("--arm", action="append", default=[], help="an arm's name, in the order of our codes, if ours are codes")
    parser.add_argument("--show", type=int, default=5, help="rows shown of each difference")
    arguments = parser.parse_args()
    for path in (arguments.units, arguments.sql):
        if not path.is_file():
            parser.error(f"`{path}` is not there")
    database, columns = prepare(arguments.units, arguments.sql.read_text(), arguments.arm)
    faults = logical_faults(database) + differences(database, columns, arguments.show)
    if faults:
        print("\n".join(faults))
        return 1
    count = database.execute("select count(*) from ours").fetchone()[0]
    print(f"{count} units, {len(columns)} columns: equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
