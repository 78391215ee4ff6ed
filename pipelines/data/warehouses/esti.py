"""Internet testing for infections (e-STI) as three files: invitations, tests, people.

Original: people, their arm, whether they were tested within six weeks, and tags. Invented: the times of invitation and of the tests.
Columns of 0 and 1 for the values of one tag are one column of texts again.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .invention import DAY, SECOND, day_number, whole
from .tables import timestamps, write_file

INVITED = day_number("2014-11-24") * DAY
ARMS = np.array(["usual care", "internet testing"], dtype=object)
GENDERS = ["female", "male", "transgender"]


def write(original: Path, folder: Path) -> None:
    """The whole warehouse, from the original file."""
    table = pq.read_table(original)
    values = {name: table[name].to_numpy() for name in table.column_names}
    person, row = values["unit_id"], np.arange(table.num_rows)
    invited = INVITED + whole(row, "invited", 9 * 3_600, 17 * 3_600) * SECOND
    write_file(
        folder / "invitations.parquet",
        {"person_id": person, "arm": pa.array(ARMS[values["w"]]), "invited_at": timestamps(invited)},
    )
    tested = values["y"] == 1
    at = invited + whole(row, "tested", 86_400, 40 * 86_400) * SECOND
    write_file(folder / "tests.parquet", {"person_id": person[tested], "tested_at": timestamps(at[tested])})
    gender = np.array(GENDERS, dtype=object)[np.argmax([values[f"gender_{name}"] for name in GENDERS], axis=0)]
    write_file(folder / "people.parquet", {"person_id": person, "gender": pa.array(gender), "age": values["age"]})
