#!/usr/bin/env python3
"""Run the SQL of `whom compile --portable` in DuckDB as it stands, and compare what it gives with a published run, row by row.

    check_portable_sql.py FOLDER portable.sql

FOLDER holds the files of a run that kept its units. Equal are: the analysed units with arm, first exposure, metrics, tags and strata; the number of
units with a first exposure; the units of every pre-registered cohort by arm. A metric is NULL exactly if its status says so. A table that was
altered must not pass. Exit code 0: equal; 1: different, with the differences on standard output.
"""

import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import duckdb  # noqa: E402
from check_unit_table import KEYS, comparable, differences  # noqa: E402

STEPS = re.compile(r'^--   "metric (.*)" in steps of (.*)$', re.MULTILINE)
HAS_VALUE = (0, 4)
SHOWN = 5


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def in_one(step: str) -> int:
    """How many steps make one."""
    return 2 ** int(step[3:]) if step.startswith("2^-") else 10 ** int(step[3:] or 0) if step.startswith("1e-") else int(step)


def prepared(folder: Path, sql: str) -> tuple[duckdb.DuckDBPyConnection, dict[str, int]]:
    """Tables `run` and `portable`, as they are."""
    database = duckdb.connect()
    database.sql(sql).create("portable")
    database.execute("create table run as select * from read_parquet(?)", [str(folder / "units.parquet")])
    return database, {name.replace('""', '"'): in_one(step) for name, step in STEPS.findall(sql)}


def kinds(database: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in database.execute(f"describe {table}").fetchall()}


def unit_faults(database: duckdb.DuckDBPyConnection, steps: dict[str, int], several: str) -> list[str]:
    """What differs between the analysed units of both."""
    stored, printed = kinds(database, "run"), kinds(database, "portable")
    tags = [name for name in stored if name not in [*KEYS, "bucket", "fold", *steps]]
    ours = {**{name: name for name in KEYS}, **{name: f"metric {name}" for name in steps}, **{name: name if name.startswith("stratum ") else f"tag {name}" for name in tags}}
    missing = [column for column in ours.values() if column not in printed]
    if missing:
        return [f"the SQL gives no {missing}"]
    shown = ", ".join(f"{comparable(name, stored[name], steps)} as {quoted(name)}" for name in ours)
    database.execute(f"create or replace table ours as select {shown} from run")
    counted = dict.fromkeys(steps, 1)
    renamed = ", ".join(f"{quoted(column)} as {quoted(name)}" for name, column in ours.items())
    shown = ", ".join(f"{comparable(name, printed[column], counted)} as {quoted(name)}" for name, column in ours.items())
    database.execute(f"create or replace table theirs as select {shown} from (select {renamed} from portable where {several})")
    return differences(database, list(ours), SHOWN)


def status_faults(database: duckdb.DuckDBPyConnection, steps: dict[str, int]) -> list[str]:
    """Metrics whose status contradicts them."""
    faults = []
    for name in steps:
        status = quoted(f"status of {name}")
        wrong = f"({quoted(f'metric {name}')} is not null) is distinct from ({status} in {HAS_VALUE})"
        count = database.execute(f"select count(*) from portable where {wrong}").fetchone()[0]
        faults += [f"{count} units whose status contradicts `{name}`"] if count else []
    return faults


def cohort_faults(database: duckdb.DuckDBPyConnection, folder: Path, several: str) -> list[str]:
    """Pre-registered cohorts that hold other numbers of units."""
    sizes = f"""
        select cohort, size.variant, cast(sum(size.units) as bigint)
        from (select cohort, unnest(sizes) as size from read_parquet('{folder}/cohorts.parquet') where origin = 'registered')
        where size.fold = 'all'
        group by all
    """
    expected = {(cohort, variant): units for cohort, variant, units in database.execute(sizes).fetchall() if units}
    found = {}
    for column in (column for column in kinds(database, "portable") if column.startswith("cohort ")):
        rows = database.execute(f"select arm, count(*) from portable where {several} and {quoted(column)} group by arm").fetchall()
        found |= {(column.removeprefix("cohort "), arm): units for arm, units in rows}
    return [] if found == expected else [f"cohorts hold {found}, reported are {expected}"]


def faults(database: duckdb.DuckDBPyConnection, folder: Path, steps: dict[str, int]) -> list[str]:
    waterfall = json.loads((folder / "result.json").read_text())["waterfall"]
    kept = {step["step"]: step["kept"] for step in waterfall}
    exposed = database.execute("select count(*) from portable").fetchone()[0]
    several = "not several_variants" if kept["units analysed"] < kept["units with a first exposure"] else "true"
    counts = [] if exposed == kept["units with a first exposure"] else [f"{exposed} units, the run had {kept}"]
    return counts + unit_faults(database, steps, several) + status_faults(database, steps) + cohort_faults(database, folder, several)


def alterations(database: duckdb.DuckDBPyConnection, steps: dict[str, int]) -> dict[str, str]:
    """Tables that must not pass, by what was altered in one unit."""
    column, tag = quoted(f"metric {next(iter(steps))}"), quoted(next(name for name in kinds(database, "original") if name.startswith("tag ")))
    last = f"unit = (select max(unit) from original where not several_variants and {column} is not null and {tag} is not null)"
    return {
        "a metric by one step": f"select * replace ({column} + cast({last} as integer) as {column}) from original",
        "an arm": f"select * replace (case when {last} then 'nobody' else arm end as arm) from original",
        "a tag": f"select * replace (case when {last} then null else {tag} end as {tag}) from original",
        "an exposure": f"select * replace (first_exposure + case when {last} then interval 1 microsecond else interval 0 second end as first_exposure) from original",
        "a missing unit": f"select * from original where not ({last})",
    }


def main() -> int:
    folder, sql = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).read_text()
    database, steps = prepared(folder, sql)
    found = faults(database, folder, steps)
    database.execute("alter table portable rename to original")
    for what, altered in alterations(database, steps).items():
        database.execute(f"create or replace table portable as {altered}")
        if not faults(database, folder, steps):
            found += [f"{what} was altered, and nothing noticed"]
    print("\n".join(found) if found else f"{len(steps)} metrics: equal")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
