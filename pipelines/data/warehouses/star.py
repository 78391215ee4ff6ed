"""Class size in Tennessee (STAR, kindergarten) as three files: assignments, test scores, pupils.

Original: pupils, their classes, scores and tags. Invented: the times of assignment and of the tests.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .invention import DAY, SECOND, day_number, whole
from .tables import Columns, stacked, timestamps, write_file

ASSIGNED = day_number("1985-08-26") * DAY
TESTED = day_number("1986-04-07") * DAY
TESTS = ["readk", "mathk", "scorek"]
TAGS = ["gender", "ethnicity", "lunchk", "schoolk"]


def write(original: Path, folder: Path) -> None:
    """The whole warehouse, from the original file."""
    table = pq.read_table(original)
    pupil = table["rownames"].to_numpy()
    row = np.arange(len(pupil))
    assigned = ASSIGNED + whole(row, "assigned", 13 * 3_600, 22 * 3_600) * SECOND
    variant = table["stark"].cast(pa.string())
    write_file(folder / "assignments.parquet", {"pupil_id": pupil, "class_type": variant, "assigned_at": timestamps(assigned)})

    def taken_test(test: str) -> Columns:
        score = table[test].to_numpy()
        present = ~np.isnan(score)
        at = TESTED + whole(row, test, 14 * 3_600, 20 * 3_600) * SECOND
        tests = np.full(present.sum(), test, dtype=object)
        return {"pupil_id": pupil[present], "test": tests, "score": score[present].astype(np.int64), "tested_at": at[present]}

    scores = stacked([taken_test(test) for test in TESTS])
    write_file(folder / "scores.parquet", {**scores, "tested_at": timestamps(scores["tested_at"])})
    write_file(folder / "pupils.parquet", {"pupil_id": pupil, **{tag: table[tag].cast(pa.string()) for tag in TAGS}})
