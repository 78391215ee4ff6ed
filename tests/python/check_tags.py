#!/usr/bin/env python3
"""Run the conditions of a run's `tags.parquet` in DuckDB over its unit table and compare with what the run reported.

    check_tags.py RUN_FOLDER

RUN_FOLDER holds units.parquet and tags.parquet. Checked, with plain SQL over the units:

- every unit is in exactly one level of each tag, and `units` and `share` are those of the level;
- n, means, difference and Welch standard error of every row that is made by Welch's method: numbers agree to 1e-9 of the
  standard error;
- numbers are in at most five known levels, texts in at most ten.

Exit code 0: agrees; 1: does not, with the differences on standard output; 2: not comparable.
"""

import argparse
import sys
from pathlib import Path

import duckdb

TOLERANCE = 1e-9
FIGURES = ["n_variant", "n_control", "mean_variant", "mean_control", "estimate", "std_err"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def level_faults(database: duckdb.DuckDBPyConnection, tag: str) -> list[str]:
    """Faults of the levels of a tag: units in none or in several, and other counts than reported."""
    query = "select distinct tag_level, condition, units, share from tags where tag = ? order by all"
    levels = database.execute(query, [tag]).fetchall()
    everybody = database.execute("select count(*) from units").fetchone()[0]
    faults = []
    if [level for level, *_ in levels] != list(range(1, len(levels) + 1)):
        faults.append(f"`{tag}`: levels are numbered {[level for level, *_ in levels]}")
    if len(levels) > 11:
        faults.append(f"`{tag}` has {len(levels)} levels")
    memberships = " + ".join(f"coalesce(cast(({condition}) as integer), 0)" for _, condition, _, _ in levels)
    astray = database.execute(f"select count(*) from units where {memberships} <> 1").fetchone()[0]
    if astray:
        faults.append(f"`{tag}`: {astray} units are in no level or in several")
    for level, condition, units, share in levels:
        counted = database.execute(f"select count(*) from units where {condition}").fetchone()[0]
        if counted != units or abs(share - counted / everybody) > 1e-15:
            faults.append(f"`{tag}`, level {level}: {counted} of {everybody} units in DuckDB, {units} and {share} in tags.parquet")
    return faults


def welch(database: duckdb.DuckDBPyConnection, row: dict, control: str) -> dict:
    column = f"cast({quoted(row['metric'])} as double)"
    query = f"""
        with arms as (
            select cast(arm as varchar) as arm, count({column}) as n, favg({column}) as mean, var_samp({column}) as variance
            from units where {row['condition']} group by all
        )
        select coalesce(treated.n, 0), coalesce(control.n, 0), treated.mean, control.mean,
               treated.mean - control.mean, sqrt(treated.variance / treated.n + control.variance / control.n)
        from (select * from arms where arm = ?) as treated full join (select * from arms where arm = ?) as control on true
    """
    found = database.execute(query, [row["variant"], control]).fetchall()
    return dict(zip(FIGURES, found[0] if found else [0, 0, None, None, None, None]))


def row_faults(database: duckdb.DuckDBPyConnection, row: dict, control: str) -> list[str]:
    plain = welch(database, row, control)
    compared = FIGURES if row["estimate"] is not None else FIGURES[:2]
    faults = []
    for name in compared:
        ours, theirs = row[name], plain[name]
        allowed = 0 if name.startswith("n_") else TOLERANCE * (plain["std_err"] or 0)
        if ours is None or theirs is None or abs(ours - theirs) > allowed:
            place = f"{row['metric']}, {row['variant']}, `{row['tag']}` level {row['tag_level']}"
            faults.append(f"{place}: `{name}` is {theirs} in DuckDB, {ours} in tags.parquet")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the published files of a run with --keep-units")
    folder = parser.parse_args().folder
    database = duckdb.connect()
    for name in ("units", "tags"):
        if not (folder / f"{name}.parquet").is_file():
            parser.error(f"`{folder / name}.parquet` is not there")
        database.execute(f"create table {name} as select * from read_parquet(?)", [str(folder / f"{name}.parquet")])
    arms = {row[0] for row in database.execute("select distinct cast(arm as varchar) from units").fetchall()}
    controls = arms - {row[0] for row in database.execute("select distinct variant from tags").fetchall()}
    if len(controls) != 1:
        parser.error(f"arms are {sorted(arms)}: which one is control?")
    control = controls.pop()
    tags = [row[0] for row in database.execute("select distinct tag from tags order by all").fetchall()]
    faults = [fault for tag in tags for fault in level_faults(database, tag)]
    columns = ["tag", "tag_level", "condition", "metric", "variant", *FIGURES]
    rows = database.execute(f"select {', '.join(columns)} from tags where estimand = 'effect' and method = 'welch' order by all").fetchall()
    faults += [fault for row in rows for fault in row_faults(database, dict(zip(columns, row)), control)]
    if faults:
        print("\n".join(faults))
        return 1
    print(f"{len(tags)} tags, {len(rows)} effects: agree")
    return 0 if rows else 2


if __name__ == "__main__":
    sys.exit(main())
