"""Columns to Parquet files, always the same bytes for the same columns."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MISSING_ID = -1

Columns = dict[str, np.ndarray | pa.Array]


def stacked(parts: list[Columns]) -> Columns:
    """Rows of several parts with the same columns, one part after the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def taken(columns: Columns, rows: np.ndarray) -> Columns:
    """Some rows of a table: a mask or positions."""
    return {name: values[rows] for name, values in columns.items()}


def by_time(columns: Columns, time: str, then: str) -> Columns:
    """Rows in the order in which a log would have received them."""
    return taken(columns, np.lexsort((columns[then], columns[time])))


def with_missing(ids: np.ndarray) -> pa.Array:
    """Integers in which `MISSING_ID` stands for NULL."""
    return pa.array(ids, type=pa.int64(), mask=ids == MISSING_ID)


def timestamps(instant: np.ndarray) -> pa.Array:
    """Microseconds since 1970 as UTC timestamps."""
    return pa.array(instant, type=pa.timestamp("us", tz="UTC"))


def utc_days(instant: np.ndarray) -> np.ndarray:
    """The UTC day of an instant, in days since 1970: what `dt=` folders are named by."""
    return instant // (24 * 3_600 * 1_000_000)


def write_file(path: Path, columns: Columns) -> None:
    """One Parquet file. A plain string column is dictionary encoded, numbers are not."""
    table = pa.table(columns)
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    times = {field.name: "DELTA_BINARY_PACKED" for field in table.schema if pa.types.is_timestamp(field.type)}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=9,
        use_dictionary=texts,
        column_encoding=times,
        store_schema=False,
    )


def write_days(folder: Path, columns: Columns, day: np.ndarray) -> None:
    """A Hive folder with one `dt=YYYY-MM-DD/part-0.parquet` for each day that has rows; what was there before goes."""
    shutil.rmtree(folder, ignore_errors=True)
    table = pa.table(columns)
    for value in np.unique(day):
        name = f"dt={np.datetime64(int(value), 'D')}"
        write_file(folder / name / "part-0.parquet", dict(zip(table.column_names, table.filter(pa.array(day == value)).columns)))
