"""The customers of the e-mail challenge: the original rows, with an id and an instant of first exposure invented for each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv

from .invention import day_number, instants, local_days, shuffled_ids, whole
from .tables import taken

ZONE = "America/New_York"
FIRST_DAY = day_number("2008-03-06")
DAYS = 5  # over the change to daylight saving time on 2008-03-09
FIRST_ID = 20_000_001


@dataclass
class Customers:
    """The original rows, with the ids and first exposures that were invented for them."""

    original: dict[str, np.ndarray]
    row: np.ndarray
    id: np.ndarray
    first: np.ndarray  # microseconds since 1970, UTC

    @property
    def local_day(self) -> np.ndarray:
        return local_days(self.first, ZONE)

    def chosen(self, rows: np.ndarray) -> "Customers":
        return Customers(taken(self.original, rows), self.row[rows], self.id[rows], self.first[rows])


def read_customers(path: Path) -> Customers:
    table = pyarrow.csv.read_csv(path)
    original = {name: table[name].to_numpy() for name in table.column_names}
    row = np.arange(table.num_rows)
    kind = whole(row, "part of the day", 0, 100)
    second = whole(row, "second", 6 * 3_600, 20 * 3_600)
    late = whole(row, "second", 20 * 3_600, 24 * 3_600)  # the next day in UTC
    early = whole(row, "second", 0, 3_600)  # the same day in both
    second = np.select([kind < 3, kind < 18], [early, late], second)
    day = FIRST_DAY + whole(row, "day", 0, DAYS)
    ids = shuffled_ids(len(row), FIRST_ID, "customer id")
    return Customers(original, row, ids, instants(day, second, ZONE))
