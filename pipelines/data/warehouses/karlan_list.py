"""Matching gifts (Karlan and List 2007) as a warehouse: letters, responses, one snapshot of the donors.

Original: donors, match ratios, responses and tags. Invented: the times of letters and responses, and the snapshot's date.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .invention import DAY, SECOND, day_number, whole
from .tables import timestamps, write_days, write_file

MAILED = day_number("2005-08-01")
TEXT_TAGS = ["state", "county"]
WHOLE_TAGS = ["female", "couple", "dormant", "freq", "years", "mrm2"]
TAGS = [*TEXT_TAGS, *WHOLE_TAGS, "hpa", "perbush"]


def write(original: Path, folder: Path) -> None:
    """The whole warehouse, from the original file."""
    table = pq.read_table(original)
    donor = table["unit_id"].to_numpy()
    row = np.arange(len(donor))
    mailed = (MAILED + whole(row, "day", 0, 3)) * DAY + whole(row, "second", 12 * 3_600, 20 * 3_600) * SECOND
    letters = {"donor_id": donor, "arm": table["arm"].cast(pa.string()), "mailed_at": timestamps(mailed)}
    write_file(folder / "letters.parquet", letters)

    answered = mailed + whole(row, "answer", 2 * 86_400, 30 * 86_400) * SECOND
    responses = {
        "donor_id": donor,
        "answered_at": timestamps(answered),
        "gave": table["out_gavedum"].cast(pa.bool_()),
        "amount": table["out_amountgive"],
        "amount_change": table["out_changeamtgive"],
    }
    write_file(folder / "responses.parquet", responses)

    tags = {name: table[name] for name in TAGS}
    tags |= {name: tags[name].cast(pa.string()) for name in TEXT_TAGS}
    tags |= {name: tags[name].cast(pa.int32()) for name in WHOLE_TAGS}
    write_days(folder / "donors", {"donor_id": donor, **tags}, np.full(len(donor), MAILED - 1))
