"""A made-up experiment of 600 users, small enough to be run hundreds of times, with the oddities that the real ones lack.

Text ids, time stamps without a zone, tables without partitions, a tag with missing values and one with more levels than are kept, units
without a snapshot, one too old, a decimal amount, and one user in both variants. The effect is planted: on phones, new users sign up.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .invention import DAY, SECOND, day_number, one_in, whole
from .tables import Columns, by_time, stacked, taken, write_days, write_file

UNITS = 600
FIRST_DAY = day_number("2026-02-02")
NOBODY = UNITS  # a user in the profile who was never exposed
BOTH = 7  # the row of the user in both variants
DEVICES = np.array(["phone", "tablet", "desktop"], dtype=object)
CITIES = np.array([f"city {letter}" for letter in "abcdefghijklmn"], dtype=object)


def names(row: np.ndarray) -> np.ndarray:
    return np.array([f"user-{value:04d}" for value in row.tolist()], dtype=object)


def wall_clock(instant: np.ndarray) -> pa.Array:
    """Time stamps without a zone."""
    return pa.array(instant, type=pa.timestamp("us"))


def users() -> Columns:
    row = np.arange(UNITS)
    treated = one_in(row, "treated", 2)
    device = DEVICES[whole(row, "device", 0, 3)]
    chance = np.where(treated & (device == "phone"), 70, 25)
    second = whole(row, "day", 0, 4) * 86_400 + whole(row, "second", 0, 86_400)
    return {
        "row": row,
        "user": names(row),
        "variant": np.where(treated, "new", "control").astype(object),
        "device": device,
        "city": CITIES[np.minimum(whole(row, "city", 0, 14), whole(row, "city again", 0, 14))],
        "first": FIRST_DAY * DAY + second * SECOND,
        "signed_up": whole(row, "signed up", 0, 100) < chance,
    }


def exposures(everybody: Columns) -> Columns:
    def shown(some: Columns, variant: np.ndarray, at: np.ndarray) -> Columns:
        return {"user_id": some["user"], "variant": variant, "exposed_at": at}

    again = taken(everybody, one_in(everybody["row"], "again", 4))
    both = taken(everybody, everybody["row"] == BOTH)
    other = np.where(both["variant"] == "new", "control", "new").astype(object)
    return stacked([
        shown(everybody, everybody["variant"], everybody["first"]),
        shown(again, again["variant"], again["first"] + whole(again["row"], "again at", 1, 86_400) * SECOND),
        shown(both, other, both["first"] + 60 * SECOND),
    ])


def events(everybody: Columns) -> Columns:
    def done(some: Columns, purpose: str, kind: str, hours: tuple[int, int]) -> Columns:
        after = whole(some["row"], purpose, hours[0] * 3_600, hours[1] * 3_600) * SECOND
        rating = whole(some["row"], purpose + " rating", 1, 6).astype(np.float64)
        rating[one_in(some["row"], purpose + " unrated", 6)] = np.nan
        cents = whole(some["row"], purpose + " cents", 100, 5_000)
        kinds = np.full(len(after), kind, dtype=object)
        return {"user_id": some["user"], "happened_at": some["first"] + after, "kind": kinds, "rating": rating, "cents": cents}

    row = everybody["row"]
    parts = [done(taken(everybody, everybody["signed_up"]), "sign-up", "sign_up", (0, 72))]
    for visit in ("first", "second", "third"):
        parts.append(done(taken(everybody, one_in(row, visit, 2)), visit, "purchase", (-24, 96)))
    return stacked(parts)


def profiles(everybody: Columns) -> Columns:
    """Snapshots of the day before first exposure, or four days before (too old at `at_most: 2d`), or none; and one of the day itself."""
    row = everybody["row"]
    day = everybody["first"] // DAY
    age = np.where(one_in(row, "old snapshot", 20), 4, 1)
    tenure = whole(row, "tenure", 0, 2_000)

    def known(some: np.ndarray, when: np.ndarray, tenure: np.ndarray) -> Columns:
        columns = {"user_id": everybody["user"], "day": when, "tenure_days": tenure, "device": everybody["device"]}
        return taken(columns, some)

    never = np.full(1, NOBODY)
    stranger = {"user_id": names(never), "day": np.full(1, FIRST_DAY - 1), "tenure_days": np.full(1, 5), "device": DEVICES[:1]}
    return stacked([
        known(~one_in(row, "no snapshot", 30), day - age, tenure),
        known(one_in(row, "snapshot of the day", 3), day, tenure + 10_000),
        stranger,
    ])


def write(folder: Path) -> None:
    """The whole warehouse."""
    everybody = users()
    log = by_time(exposures(everybody), "exposed_at", "user_id")
    write_file(folder / "exposures.parquet", {**log, "exposed_at": wall_clock(log["exposed_at"])})
    log = by_time(events(everybody), "happened_at", "user_id")
    rating = pa.array(log["rating"], from_pandas=True)
    amount = pa.array(log.pop("cents"), type=pa.int64()).cast(pa.decimal128(19, 0))
    amount = pc.multiply(amount, pa.scalar("0.01").cast(pa.decimal128(3, 2))).cast(pa.decimal128(10, 2))
    write_file(folder / "events.parquet", {**log, "happened_at": wall_clock(log["happened_at"]), "rating": rating, "amount": amount})
    tags = profiles(everybody)
    tags = taken(tags, np.lexsort((tags["user_id"], tags["day"])))
    day = tags.pop("day")
    unknown = np.array([name.endswith("3") for name in tags["user_id"]])
    tags["tenure_days"] = pa.array(tags["tenure_days"], mask=unknown)
    write_days(folder / "profiles", tags, day)
    write_file(folder / "homes.parquet", {"user_id": everybody["user"], "city": everybody["city"]})
