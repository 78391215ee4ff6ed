"""Everything that the originals lack is invented here, as a fixed function of the row number.

No generator state and no seed: two runs of the program, on any machine, invent the same ids and times. A `purpose` (any text) keeps
two inventions about the same row apart.
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


def mix(rows: np.ndarray, purpose: str) -> np.ndarray:
    """64 well mixed bits for each row number (the finaliser of SplitMix64, Steele and others 2014)."""
    salt = 0xCBF29CE484222325  # FNV-1a of the purpose
    for byte in purpose.encode():
        salt = ((salt ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        bits = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def whole(rows: np.ndarray, purpose: str, low: int, high: int) -> np.ndarray:
    """A whole number from `low` up to, but not including, `high` for each row."""
    return low + (mix(rows, purpose) % np.uint64(high - low)).astype(np.int64)


def one_in(rows: np.ndarray, purpose: str, share: int) -> np.ndarray:
    """Whether a row belongs to the chosen one in `share`."""
    return whole(rows, purpose, 0, share) == 0


def shuffled_ids(count: int, first: int, purpose: str) -> np.ndarray:
    """`count` consecutive ids from `first` on, in an order that says nothing about the row."""
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(mix(np.arange(count), purpose), kind="stable")] = np.arange(count)
    return first + rank


def instants(local_day: np.ndarray, second_of_day: np.ndarray, zone: str) -> np.ndarray:
    """Microseconds since 1970 in UTC of a wall-clock time; `local_day` counts days since 1970."""
    hour = second_of_day // 3_600
    instant = np.empty(len(local_day), dtype=np.int64)
    for day, first_hour in {*zip(local_day.tolist(), hour.tolist())}:
        wall_clock = datetime(1970, 1, 1) + timedelta(days=day, hours=first_hour)
        start = int(wall_clock.replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND
        here = (local_day == day) & (hour == first_hour)
        instant[here] = start + (second_of_day[here] - first_hour * 3_600) * SECOND
    return instant


def local_days(instant: np.ndarray, zone: str) -> np.ndarray:
    """The wall-clock day of an instant, in days since 1970."""
    hour = instant // HOUR
    day = np.empty(len(instant), dtype=np.int64)
    for value in np.unique(hour).tolist():
        local = datetime.fromtimestamp(value * 3_600, timezone.utc).astimezone(ZoneInfo(zone))
        day[hour == value] = (local.date() - datetime(1970, 1, 1).date()).days
    return day


def day_number(text: str) -> int:
    """Days since 1970 of a date written as YYYY-MM-DD."""
    return int(np.datetime64(text, "D").astype(np.int64))
