"""The e-mail challenge of 2008 as a warehouse: exposures, visits, orders, daily customer tags.

Original, from tests/data/hillstrom/hillstrom.csv.gz: who got which e-mail, whether a customer visited and bought, what was spent, and what
was known beforehand. Invented: customer ids, every time, repeated exposures, and all the rows that an analysis must leave out.
"""

from pathlib import Path

import numpy as np

from .hillstrom_customers import DAYS, FIRST_DAY, FIRST_ID, ZONE, Customers, read_customers
from .invention import DAY, HOUR, SECOND, day_number, instants, one_in, shuffled_ids, whole
from .tables import MISSING_ID, Columns, by_time, stacked, taken, timestamps, utc_days, with_missing, write_days

EXPERIMENT = "email_2008_03"
LAST_KEPT = day_number("2008-03-28")
WINDOW = 14 * DAY
ARMS = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"]
HISTORY_SEGMENTS = {
    100: "1) $0 - $100",
    200: "2) $100 - $200",
    350: "3) $200 - $350",
    500: "4) $350 - $500",
    750: "5) $500 - $750",
    1_000: "6) $750 - $1,000",
    np.inf: "7) $1,000 +",
}


def exposure_rows(ids: np.ndarray, variant: np.ndarray, instant: np.ndarray, experiment: str = EXPERIMENT) -> Columns:
    experiments = np.full(len(ids), experiment, dtype=object)
    return {"experiment_id": experiments, "customer_id": ids, "variant": variant, "exposed_at": instant}


def exposures(customers: Customers) -> Columns:
    variant = customers.original["segment"]
    parts = [exposure_rows(customers.id, variant, customers.first)]
    extra = whole(customers.row, "repeats", 0, 100)
    for repeat, share in enumerate([45, 20, 7]):  # 1 to 4 exposures a customer
        again = customers.chosen(extra < share)
        later = again.first + whole(again.row, f"repeat {repeat}", HOUR // SECOND, 16 * 86_400) * SECOND
        parts.append(exposure_rows(again.id, again.original["segment"], later))
    return stacked([*parts, *exposures_that_do_not_count(customers)])


def exposures_that_do_not_count(customers: Customers) -> list[Columns]:
    def named(rows: np.ndarray, purpose: str, names: list[str]) -> np.ndarray:
        return np.array(names, dtype=object)[whole(rows, purpose, 0, len(names))]

    def at(rows: np.ndarray, purpose: str, first: int, days: int, hours: tuple[int, int]) -> np.ndarray:
        day = first + whole(rows, purpose + " day", 0, days)
        return instants(day, whole(rows, purpose + " second", hours[0] * 3_600, hours[1] * 3_600), ZONE)

    def strangers(first: int, count: int) -> np.ndarray:
        return FIRST_ID + len(customers.row) + np.arange(first, first + count)

    # On the eve of the start, already the first day in UTC: real customers, in another arm.
    eve = customers.chosen(customers.row < 12)
    rehearsal = exposure_rows(eve.id, named(eve.row, "rehearsal", ARMS), at(eve.row, "eve", FIRST_DAY - 1, 1, (20, 24)))
    rows = np.arange(10)
    too_late = exposure_rows(strangers(0, 10), named(rows, "late arm", ARMS), at(rows, "late", FIRST_DAY + DAYS, 5, (0, 24)))
    rows = np.arange(24)
    both = [
        exposure_rows(strangers(10, 24), np.full(24, arm, dtype=object), at(rows, arm, FIRST_DAY, DAYS, (6, 20)))
        for arm in ("Mens E-Mail", "Womens E-Mail")
    ]
    rows = np.arange(6)
    nobody = exposure_rows(np.full(6, MISSING_ID), named(rows, "nobody", ARMS), at(rows, "nobody", FIRST_DAY, DAYS, (6, 20)))
    other = customers.chosen(one_in(customers.row, "other experiment", 10))
    span = LAST_KEPT - FIRST_DAY
    banner = exposure_rows(
        other.id,
        named(other.row, "banner", ["banner", "no banner"]),
        at(other.row, "banner", FIRST_DAY - 1, span + 1, (6, 20)),
        "spring_banner",
    )
    return [rehearsal, too_late, *both, nobody, banner]


def event_rows(customers: Customers, instant: np.ndarray, kind: str, cents: np.ndarray) -> Columns:
    kinds = np.full(len(instant), kind, dtype=object)
    return {"customer_id": customers.id, "at": instant, "kind": kinds, "cents": cents}


def seconds_after(customers: Customers, purpose: str, low: int, high: int) -> np.ndarray:
    return customers.first + whole(customers.row, purpose, low, high) * SECOND


def invented_cents(customers: Customers) -> np.ndarray:
    return whole(customers.row, "invented cents", 500, 20_000)


def outside_window(customers: Customers, purpose: str, share: int, kind: str) -> list[Columns]:
    """Events of one customer in `share` before the first exposure, and of others from the end of the window on, both down to the second."""
    before = customers.chosen(one_in(customers.row, purpose + " before", share))
    just_before = one_in(before.row, purpose + " just before", 20)
    at = np.where(just_before, before.first - SECOND, seconds_after(before, purpose + " seconds before", -3 * 86_400, -1))
    after = customers.chosen(one_in(customers.row, purpose + " after", share))
    just_after = one_in(after.row, purpose + " just after", 20)
    end = np.where(just_after, after.first + WINDOW, seconds_after(after, purpose + " seconds after", 14 * 86_400, 17 * 86_400))
    return [
        event_rows(before, at, kind, invented_cents(before)),
        event_rows(after, end, kind, invented_cents(after)),
    ]


def first_visits(customers: Customers) -> np.ndarray:
    """The first visit in the window: sometimes at the very instant of exposure, sometimes in the window's last second."""
    kind = whole(customers.row, "kind of visit", 0, 50)
    usual = seconds_after(customers, "visit", 60, 13 * 86_400)
    return np.select([kind == 0, kind == 1], [customers.first, customers.first + WINDOW - SECOND], usual)


def visits(customers: Customers) -> Columns:
    visitors = customers.chosen(customers.original["visit"] == 1)
    again = visitors.chosen(one_in(visitors.row, "visits again", 3))
    crawled = customers.chosen(one_in(customers.row, "crawled", 50))
    unknown = customers.chosen(one_in(customers.row, "anonymous", 200))
    unknown.id = np.full(len(unknown.row), MISSING_ID)

    def plain(some: Customers, instant: np.ndarray, agent: str = "browser") -> Columns:
        return event_rows(some, instant, agent, np.zeros(len(instant), dtype=np.int64))

    return stacked([
        plain(visitors, first_visits(visitors)),
        plain(again, seconds_after(again, "second visit time", 0, 14 * 86_400)),
        plain(crawled, seconds_after(crawled, "crawl time", 0, 14 * 86_400), "crawler"),
        plain(unknown, seconds_after(unknown, "anonymous time", 0, 14 * 86_400)),
        *outside_window(customers, "visit", 20, "browser"),
    ])


def orders(customers: Customers) -> Columns:
    buyers = customers.chosen(customers.original["conversion"] == 1)
    cents = np.rint(buyers.original["spend"] * 100).astype(np.int64)
    twice = one_in(buyers.row, "orders twice", 3)
    at = np.minimum(first_visits(buyers) + whole(buyers.row, "basket", 120, 3_600) * SECOND, buyers.first + WINDOW - SECOND)
    second = buyers.chosen(twice)
    cancelled = customers.chosen(one_in(customers.row, "cancelled", 100))
    return stacked([
        event_rows(buyers, at, "paid", np.where(twice, cents - cents // 3, cents)),
        event_rows(second, seconds_after(second, "second order time", 0, 14 * 86_400), "paid", cents[twice] // 3),
        event_rows(cancelled, seconds_after(cancelled, "cancelled time", 0, 14 * 86_400), "cancelled", invented_cents(cancelled)),
        *outside_window(customers, "order", 100, "paid"),
    ])


def logged(events: Columns, purpose: str, repeated: int) -> Columns:
    """Events with ids, in the order of time, one in `repeated` of them delivered twice."""
    row = np.arange(len(events["at"]))
    events = {"id": shuffled_ids(len(row), 1, purpose), **events}
    twice = taken(events, one_in(row, purpose + " delivered twice", repeated))
    return by_time(stacked([events, twice]), "at", "id")


def snapshots(customers: Customers) -> Columns:
    """Three snapshots a customer: an older one, the original row as the last before exposure, and one from the exposure day or later."""
    day = customers.local_day
    last = day - whole(customers.row, "last snapshot", 1, 7)
    older = last - whole(customers.row, "older snapshot", 1, 5)
    late_evening = utc_days(customers.first) > day
    same_day = late_evening | one_in(customers.row, "same day", 2)
    later = np.where(same_day, day, day + whole(customers.row, "later snapshot", 1, 19))
    now = {name: customers.original[name] for name in TAGS}
    parts = [(older, tags_before(now)), (last, now), (later, tags_after(now, customers))]
    return stacked([{"customer_id": customers.id, "day": when, **tags} for when, tags in parts])


TAGS = ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel"]


def tags_before(now: Columns) -> Columns:
    return {**now, "recency": np.maximum(now["recency"] - 1, 0), "history": np.rint(now["history"] * 90) / 100}


def tags_after(now: Columns, customers: Customers) -> Columns:
    """What a leak would show: who bought has recency 0, a higher history and is no newcomer; who visited came by the web."""
    bought = customers.original["conversion"] == 1
    visited = customers.original["visit"] == 1
    cents = np.rint(now["history"] * 100) + np.rint(customers.original["spend"] * 100)
    history = cents / 100
    limits = np.array(list(HISTORY_SEGMENTS)[:-1])
    segment = np.array(list(HISTORY_SEGMENTS.values()), dtype=object)[np.searchsorted(limits, history, side="left")]
    return {
        **now,
        "recency": np.where(bought, 0, now["recency"] + 1),
        "history": history,
        "history_segment": np.where(bought, segment, now["history_segment"]),
        "newbie": np.where(bought, 0, now["newbie"]),
        "channel": np.where(visited, "Web", now["channel"]),
    }


def write(original: Path, folder: Path) -> None:
    """The whole warehouse, from the original file."""
    customers = read_customers(original)
    log = by_time(exposures(customers), "exposed_at", "customer_id")
    kept = utc_days(log["exposed_at"]) <= LAST_KEPT
    log = taken(log, kept)
    table = {**log, "customer_id": with_missing(log["customer_id"]), "exposed_at": timestamps(log["exposed_at"])}
    write_days(folder / "exposures", table, utc_days(log["exposed_at"]))

    events = logged(visits(customers), "visit id", 97)
    table = {
        "visit_id": events["id"],
        "customer_id": with_missing(events["customer_id"]),
        "visited_at": timestamps(events["at"]),
        "agent": events["kind"],
    }
    write_days(folder / "visits", table, utc_days(events["at"]))

    events = logged(orders(customers), "order id", 41)
    table = {
        "order_id": events["id"],
        "customer_id": with_missing(events["customer_id"]),
        "paid_at": timestamps(events["at"]),
        "status": events["kind"],
        "amount": events["cents"] / 100,
    }
    write_days(folder / "orders", table, utc_days(events["at"]))

    tags = snapshots(customers)
    tags = taken(tags, np.lexsort((tags["customer_id"], tags["day"])))
    day = tags.pop("day")
    for name in ("recency", "mens", "womens", "newbie"):
        tags[name] = tags[name].astype(np.int32)
    write_days(folder / "customer_tags", tags, day)
