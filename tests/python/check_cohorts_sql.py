#!/usr/bin/env python3
"""Run a run's `cohorts.sql` in DuckDB over its unit table and compare with what the run reported.

    check_cohorts_sql.py RUN_FOLDER [--cohort "bought_womens=womens = 1" ...]

RUN_FOLDER holds units.parquet, cohorts.sql, cohorts.parquet and effects.parquet. Checked, with plain SQL over the units:

- every unit is in exactly one cohort, and the cohorts are those of the reports;
- units by cohort, fold and arm are those of cohorts.parquet (column sizes: fold, variant, units; fold `all` is everybody);
- n, means, difference and Welch standard error of every row of effects.parquet: averages (cohort `all`) and cohorts given by
  `--cohort` on all units, the cohorts of the CASE expression on the measuring fold. Numbers agree to 1e-9 of the standard error.

Exit code 0: agrees; 1: does not, with the differences on standard output; 2: not comparable.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

EVERYBODY = "all"
MEASURING_FOLD = "measure"
TOLERANCE = 1e-9
FILES = ["units.parquet", "cohorts.sql", "cohorts.parquet", "effects.parquet"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Run:
    """A run's files as DuckDB tables, `units` with the cohort of the CASE expression as a further column."""

    folder: Path
    registered: dict[str, str]
    database: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        for name, columns in (("effects", "*"), ("cohorts", "cohort, unnest(sizes, recursive := true)")):
            query = f"create table {name} as select {columns} from read_parquet(?)"
            self.database.execute(query, [str(self.folder / f"{name}.parquet")])
        case = (self.folder / "cohorts.sql").read_text().rstrip().removesuffix(";")
        case = re.sub(r"\s+as\s+\S+$", "", case, flags=re.IGNORECASE)
        self.database.execute(
            f"create table units as select *, (\n{case}\n) as cohort_of_case from read_parquet(?)",
            [str(self.folder / "units.parquet")],
        )
        arms = {row[0] for row in self.rows("select distinct cast(arm as varchar) from units")}
        treatments = {row[0] for row in self.rows("select distinct variant from effects")}
        controls = arms - treatments
        if len(controls) != 1:
            sys.exit(f"arms are {sorted(arms)}, effects are of {sorted(treatments)}: which one is control?")
        self.control = controls.pop()
        self.discovered = {row[0] for row in self.rows("select distinct cohort_of_case from units") if row[0] is not None}

    def rows(self, query: str, values: list | None = None) -> list[tuple]:
        return self.database.execute(query, values or []).fetchall()

    def selection(self, cohort: str) -> tuple[str, str] | None:
        """SQL that selects a cohort's units, and the units that its rows are about; `None` for a cohort that this program does not know."""
        if cohort == EVERYBODY:
            return "true", "true"
        if cohort in self.registered:
            return f"({self.registered[cohort]})", "true"
        if cohort in self.discovered:
            return "cohort_of_case = '" + cohort.replace("'", "''") + "'", f"fold = '{MEASURING_FOLD}'"
        return None


def membership_faults(run: Run) -> list[str]:
    nowhere = run.rows("select count(*) from units where cohort_of_case is null")[0][0]
    faults = [f"{nowhere} units are in no cohort"] if nowhere else []
    known = {row[0] for row in run.rows("select distinct cohort from cohorts")}
    if absent := sorted(run.discovered - known):
        faults.append(f"cohorts.sql names {absent}, which cohorts.parquet lacks")
    columns = "cohort, cast(fold as varchar), variant, units"
    for cohort, fold, variant, units in run.rows(f"select distinct {columns} from cohorts order by all"):
        selection = run.selection(cohort)
        if selection is None:
            continue
        in_fold = "true" if fold == EVERYBODY else "cast(fold as varchar) = $fold"
        values = {"arm": variant} | ({} if fold == EVERYBODY else {"fold": fold})
        query = f"select count(*) from units where {selection[0]} and {in_fold} and cast(arm as varchar) = $arm"
        counted = run.database.execute(query, values).fetchone()[0]
        if counted != units:
            faults.append(f"cohort `{cohort}`, fold `{fold}`, `{variant}`: {counted} units in DuckDB, {units} in cohorts.parquet")
    return faults


def welch(run: Run, metric: str, variant: str, where: str) -> dict[str, float | None]:
    """n, means, difference and standard error over the selected units that have the metric."""
    column = f"cast({quoted(metric)} as double)"
    query = f"""
        with arms as (
            select cast(arm as varchar) as arm, count({column}) as n, favg({column}) as mean, var_samp({column}) as variance
            from units where {where} group by all
        )
        select treated.n, control.n, treated.mean, control.mean,
               treated.mean - control.mean, sqrt(treated.variance / treated.n + control.variance / control.n)
        from arms as treated, arms as control
        where treated.arm = ? and control.arm = ?
    """
    names = ["n_variant", "n_control", "mean_variant", "mean_control", "estimate", "std_err"]
    found = run.rows(query, [variant, run.control])
    return dict(zip(names, found[0] if found else [0, 0, None, None, None, None]))


def row_faults(run: Run, row: dict) -> list[str]:
    selected, population = run.selection(row["cohort"])
    plain = welch(run, row["metric"], row["variant"], f"{selected} and {population}")
    compared = ["n_variant", "n_control", "mean_variant", "mean_control", "estimate"]
    if row["estimand"] == "contrast":
        rest = welch(run, row["metric"], row["variant"], f"{selected} is not true and {population}")
        plain = {"estimate": plain["estimate"] - rest["estimate"], "std_err": plain["std_err"]}
        compared = ["estimate"]
    elif row["method"] == "welch":
        compared.append("std_err")
    faults = []
    for name in compared:
        ours, theirs = row[name], plain[name]
        allowed = 0 if name.startswith("n_") else TOLERANCE * (plain["std_err"] or 0)
        if ours is None or theirs is None or abs(ours - theirs) > allowed:
            place = f"{row['metric']}, {row['variant']}, cohort `{row['cohort']}`, {row['estimand']}"
            faults.append(f"{place}: `{name}` is {theirs} in DuckDB, {ours} in effects.parquet")
    return faults


def effect_faults(run: Run) -> tuple[list[str], int, set[str]]:
    """Faults, how many rows were compared, and the cohorts that this program knows nothing of."""
    columns = [
        *("metric", "variant", "cohort", "estimand", "method", "estimate", "std_err"),
        *("n_variant", "n_control", "mean_variant", "mean_control"),
    ]
    query = f"select {', '.join(columns)} from effects where estimand in ('effect', 'contrast') and estimate is not null order by all"
    faults, compared, unknown, seen = [], 0, set(), set()
    for values in run.rows(query):
        row = dict(zip(columns, values))
        if run.selection(row["cohort"]) is None:
            unknown.add(row["cohort"])
            continue
        seen.add(row["cohort"])
        compared += 1
        faults += row_faults(run, row)
    if absent := sorted((run.discovered | set(run.registered) | {EVERYBODY}) - seen):
        faults.append(f"effects.parquet has no effect of {absent}")
    return faults, compared, unknown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the published files of a run with --keep-units")
    parser.add_argument("--cohort", action="append", default=[], metavar="NAME=SQL", help="a pre-registered cohort and its definition")
    arguments = parser.parse_args()
    for name in FILES:
        if not (arguments.folder / name).is_file():
            parser.error(f"`{arguments.folder / name}` is not there")
    run = Run(arguments.folder, dict(entry.split("=", 1) for entry in arguments.cohort))
    faults, compared, unknown = effect_faults(run)
    faults += membership_faults(run)
    if faults:
        print("\n".join(faults))
        return 1
    print(f"{len(run.discovered)} cohorts, {compared} effects: agree")
    if unknown:
        print(f"not compared, as their definition was not given: {', '.join(sorted(unknown))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
