"""Compares two unit tables row by row: compare_unit_tables.py OURS THEIRS STEPS, where STEPS is JSON: metric to grid step.

Whole numbers, instants and tags must be equal; metrics named in STEPS may differ by one step, because the peer adds them as floating
point. Exit code 0: equal; 1: different, with how many rows differ in each column.
"""

import json
import sys

import duckdb

ours, theirs, steps = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
LOGICAL = {"bucket", "fold"}

database = duckdb.connect()
database.execute("set timezone = 'UTC'")


def kinds(path: str) -> dict[str, str]:
    rows = database.execute("describe select * from read_parquet(?)", [path]).fetchall()
    return {name: kind for name, kind, *_ in rows}


def differs(name: str, kind: str) -> str:
    mine, other = f'ours."{name}"', f'theirs."{name}"'
    if name in steps:
        return f"(({mine} is null) <> ({other} is null) or abs({mine} - {other}) > {steps[name]} * 1.000001)"
    if name == "first_exposure":
        return f"epoch_us({mine}) is distinct from epoch_us({other})"
    as_text = kind == "VARCHAR"
    return f"cast({mine} as {'varchar' if as_text else 'double'}) is distinct from cast({other} as {'varchar' if as_text else 'double'})"


mine, other = kinds(ours), kinds(theirs)
columns = [name for name in mine if name not in LOGICAL]
if set(columns) != set(other):
    sys.exit(f"columns differ: only ours {sorted(set(columns) - set(other))}, only theirs {sorted(set(other) - set(columns))}")
compared = [name for name in columns if name != "unit"]
counts = ", ".join(f'count(*) filter ({differs(name, other[name])}) as "{name}"' for name in compared)
query = f"""
    select count(*), count(*) filter (ours.unit is null), count(*) filter (theirs.unit is null), {counts}
    from read_parquet('{ours}') as ours
    full join read_parquet('{theirs}') as theirs on cast(ours.unit as bigint) = cast(theirs.unit as bigint)
"""
units, not_ours, not_theirs, *by_column = database.execute(query).fetchone()
faults = [f"{not_ours} units only theirs"] * (not_ours > 0) + [f"{not_theirs} units only ours"] * (not_theirs > 0)
faults += [f"`{name}` differs in {count} rows" for name, count in zip(compared, by_column) if count]
if faults:
    sys.exit("\n".join(faults))
print(json.dumps({"units": units, "columns": len(compared) + 1}))
