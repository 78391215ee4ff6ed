"""Turns a unit table into arrays for trees: tree_arrays.py UNITS_PARQUET FOLDER GIVEN.

Two arms, revenue, all tags as 32-bit numbers, levels as codes, missing as NaN. GIVEN units are what trees grow on; as many others are held
out, to judge the trees. The order of the units follows from their ids. Tags are written twice, by unit and by tag: everybody reads what
they like best.
"""

import json
import sys
from pathlib import Path

import duckdb
import numpy as np

TREATMENT, CONTROL, METRIC = "one_page", "control", "revenue"
FIRST_TAG = "tenure_days"


def arrays(path: str) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The names of the tags, their values by unit, the metric, and 1 for the treated."""
    database = duckdb.connect()
    columns = database.execute("describe select * from read_parquet(?)", [path]).fetchall()
    names = [name for name, *_ in columns]
    tags = columns[names.index(FIRST_TAG) :]
    shown = [
        f'dense_rank() over (order by "{name}") - 1 as "{name}"' if kind == "VARCHAR" else f'"{name}"' for name, kind, *_ in tags
    ]
    # A missing word has a rank, too, and is missing all the same.
    words = [f'"{name}" is null as "{name} is missing"' for name, kind, *_ in tags if kind == "VARCHAR"]
    query = (
        f"select arm = '{TREATMENT}' as treated, {METRIC} as y, {', '.join([*shown, *words])} "
        "from read_parquet(?) where arm in (?, ?) order by md5(unit::varchar)"
    )
    found = database.execute(query, [path, TREATMENT, CONTROL]).fetchnumpy()

    def column(name: str) -> np.ndarray:
        values = np.ma.filled(np.ma.asarray(found[name], dtype=np.float32), np.nan)
        missing = found.get(f"{name} is missing")
        return values if missing is None else np.where(missing, np.float32(np.nan), values)

    x = np.column_stack([column(name) for name, *_ in tags])
    return [name for name, *_ in tags], np.ascontiguousarray(x), column("y"), np.asarray(found["treated"], dtype=np.uint8)


def main(path: str, folder: Path, given: int) -> None:
    tags, x, y, treated = arrays(path)
    if len(x) < 2 * given:
        sys.exit(f"{path} has {len(x)} units in two arms; {2 * given} are needed")
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in {"given": slice(0, given), "held_out": slice(given, 2 * given)}.items():
        x[part].tofile(folder / f"{name}_rows.f32")
        np.ascontiguousarray(x[part].T).tofile(folder / f"{name}_columns.f32")
        y[part].tofile(folder / f"{name}_outcome.f32")
        treated[part].tofile(folder / f"{name}_treated.u8")
    # Written last: a folder without it was left unfinished.
    (folder / "arrays.json").write_text(json.dumps({"units": given, "tags": tags}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
