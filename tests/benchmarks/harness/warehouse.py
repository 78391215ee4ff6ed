"""A simulated warehouse, and what its unit table is made of."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

SQL = Path(__file__).resolve().parents[1] / "sql"
WINDOW_DAYS = 14


@dataclass(frozen=True)
class Fact:
    """A fact table of the standard warehouse, with the names of its metrics in the order of the pipeline file."""

    name: str
    key: str
    time: str
    value: str
    count: str
    any: str
    sum: str
    step: float  # of the grid on which the values lie


ORDERS = Fact("orders", "order_id", "ordered_at", "amount", "orders", "conversion", "revenue", 0.01)
VISITS = Fact("visits", "visit_id", "visited_at", "minutes", "visits", "visited", "time_on_site", 0.1)


@dataclass(frozen=True)
class Warehouse:
    root: Path

    @cached_property
    def pipeline(self) -> str:
        return (self.root / "pipeline.yaml").read_text()

    @cached_property
    def facts(self) -> list[Fact]:
        return [fact for fact in (ORDERS, VISITS) if (self.root / fact.name).is_dir()]

    def day(self, key: str) -> date:
        return date.fromisoformat(re.search(rf"^\s*{key}: (\S+)$", self.pipeline, re.MULTILINE).group(1))

    @property
    def start(self) -> date:
        return self.day("start")

    @property
    def end(self) -> date:
        return self.day("end")

    @property
    def through(self) -> date:
        return self.end + timedelta(days=WINDOW_DAYS)

    def delivers_twice(self, fact: Fact) -> bool:
        return f"unique: {fact.key}" in self.pipeline

    @property
    def needed_columns(self) -> dict[str, list[str] | None]:
        """The columns that a unit table needs of each table; `None` stands for all."""
        facts = {}
        for fact in self.facts:
            keys = [fact.key] if self.delivers_twice(fact) else []
            facts[fact.name] = [*keys, "user_id", fact.time, fact.value, "status"]
        return {"exposures": ["user_id", "variant", "exposed_at"], "snapshots": None, **facts}

    def sql(self, form: str) -> str:
        """One of the hand-written forms, filled in for this warehouse."""
        metrics = ",\n    ".join(
            f"coalesce({fact.name}_of.events, 0) as {fact.count},\n"
            f"    case when {fact.name}_of.events > 0 then 1 else 0 end as {fact.any},\n"
            f"    coalesce({fact.name}_of.total, 0) as {fact.sum}"
            for fact in self.facts
        )
        return (SQL / f"{form}.sql").read_text().format(
            root=self.root,
            start=self.start,
            end=self.end,
            facts="\n\n".join(self.events_of_units(fact) for fact in self.facts),
            metrics=metrics,
            fact_joins="\n".join(f"left join {fact.name}_of using (user_id)" for fact in self.facts),
        )

    def events_of_units(self, fact: Fact) -> str:
        distinct = "distinct " if self.delivers_twice(fact) else ""
        key = f"{fact.key}, " if distinct else ""
        return f"""{fact.name}_of as (
    select unit.user_id, count(*) as events, sum(event.value) as total
    from (
        select {distinct}{key}user_id, {fact.time} as at, {fact.value} as value
        from read_parquet('{self.root}/{fact.name}/*/*.parquet', hive_partitioning = true)
        where dt between date '{self.start}' and date '{self.through}' and status = 'valid'
    ) as event
    join unit using (user_id)
    where event.at >= unit.first_exposure
      and event.at < unit.first_exposure + interval {24 * WINDOW_DAYS} hours
    group by unit.user_id
),"""

    def pipeline_into(self, folder: Path) -> Path:
        """The pipeline file with absolute paths, publishing into `folder`."""
        text = re.sub(r"path: results/", f"path: {folder}/", self.pipeline)
        text = re.sub(r"path: (exposures|snapshots|orders|visits)/", rf"path: {self.root}/\1/", text)
        path = folder.with_suffix(".yaml")
        path.write_text(text)
        return path

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.root.rglob("*.parquet"))

    def warm(self) -> None:
        """Reads every file once, so that the first contender has no worse disk than the others."""
        for path in sorted(self.root.rglob("*.parquet")):
            with path.open("rb") as file:
                while file.read(1 << 24):
                    pass
