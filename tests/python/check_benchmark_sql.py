#!/usr/bin/env python3
"""Compare a run's unit table with every form of the benchmarks' SQL: check_benchmark_sql.py WAREHOUSE UNITS

WAREHOUSE is a folder that `whom simulate` wrote, UNITS the units.parquet of a run on it. The comparison is the one of the benchmarks; it also
has to refuse a table that was altered in one row. Exit code 0: all agree; 1: they do not, with what differs on standard output.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
sys.dont_write_bytecode = True

from harness.contenders import FORMS  # noqa: E402
from harness.warehouse import Warehouse  # noqa: E402

ALTERATIONS = {
    "a metric": "select * replace (orders + cast(unit = 7 as integer) as orders) from made",
    "a sum by two steps": "select * replace (revenue + case when unit = 7 then 0.02 else 0 end as revenue) from made",
    "an arm": "select * replace (case when unit = 7 then 'nobody' else arm end as arm) from made",
    "a tag": "select * replace (case when unit = 7 then -1 else age end as age) from made",
    "a missing unit": "select * from made where unit <> 7",
}


def difference(units: str, made: Path, steps: str) -> str:
    """What the comparison says against a table; nothing, if it agrees."""
    program = [sys.executable, str(BENCHMARKS / "peers/compare_unit_tables.py"), units, str(made), steps]
    answer = subprocess.run(program, capture_output=True, text=True, check=False)
    return "" if answer.returncode == 0 else answer.stderr.strip() or "the comparison failed"


def main() -> int:
    warehouse, units = Warehouse(Path(sys.argv[1]).resolve()), sys.argv[2]
    steps = json.dumps({fact.sum: fact.step for fact in warehouse.facts})
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.parquet"
        for form in FORMS:
            database.execute(f"copy ({warehouse.sql(form)}) to '{made}' (format parquet)")
            if said := difference(units, made, steps):
                faults.append(f"{form}: {said}")
        database.execute(f"create view made as select * from read_parquet('{made}')")
        altered = Path(folder) / "altered.parquet"
        for name, query in ALTERATIONS.items():
            database.execute(f"copy ({query}) to '{altered}' (format parquet)")
            if not difference(units, altered, steps):
                faults.append(f"{name} was altered, and the comparison did not see it")
    print("\n".join(faults) or f"{len(FORMS)} forms agree, {len(ALTERATIONS)} alterations are seen")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
