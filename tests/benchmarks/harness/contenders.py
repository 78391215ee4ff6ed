"""Who takes part: names, and commands that can be measured."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.measure import Cost, measure
from harness.warehouse import WINDOW_DAYS, Warehouse

PEERS = Path(__file__).resolve().parents[1] / "peers"
FORMS = ["latest_day", "window", "asof"]
UNIT_TABLE, DECODE = "unit table", "decode"


@dataclass(frozen=True)
class Programs:
    whom: Path
    decode_floor: Path
    python: Path


@dataclass(frozen=True)
class Limits:
    threads: int
    memory: str | None  # as DuckDB and whom write it: `8GiB`
    spill: str | None
    timeout: float


@dataclass
class Contender:
    """A program at work on one task. `out` is the unit table it leaves, if it makes one."""

    name: str
    task: str
    command: list[str]
    out: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    costs: list[Cost] = field(default_factory=list)
    failure: str | None = None

    def run(self, work: Path, timeout: float) -> None:
        spill = work / "spill"
        shutil.rmtree(spill, ignore_errors=True)
        self.prepare()
        cost = measure(self.command, spill, timeout, self.environment)
        if cost.code == 0:
            self.costs.append(cost)
        else:
            self.failure = f"exit code {cost.code} after {cost.wall:.0f} s, {cost.peak / 1e9:.2f} GB"
            print(f"{self.name}: {self.failure}\n{cost.said}")


@dataclass(frozen=True)
class Field:
    """Everything that contenders of one benchmark share."""

    warehouse: Warehouse
    programs: Programs
    limits: Limits
    work: Path

    def unit_tables(self) -> list[Contender]:
        return [self.whom(), *(self.duckdb(form) for form in FORMS), self.polars()]

    def floors(self) -> list[Contender]:
        return [self.decode_rust(), self.decode_duckdb(), self.decode_polars()]

    def whom(self) -> Contender:
        out = self.work / "whom"
        pipeline = self.warehouse.pipeline_into(out)
        memory = ["--memory-limit", self.limits.memory] if self.limits.memory else []
        spill = ["--spill-dir", str(self.work / "spill"), *(["--spill-limit", self.limits.spill] if self.limits.spill else [])]
        options = ["--keep-units", "--threads", str(self.limits.threads), *spill, *memory]

        def prepare() -> None:
            shutil.rmtree(out, ignore_errors=True)

        return Contender("whom", UNIT_TABLE, [str(self.programs.whom), "run", str(pipeline), "--quiet", *options], out, prepare=prepare)

    def duckdb(self, form: str) -> Contender:
        statement, out = self.work / f"{form}.sql", self.work / f"duckdb_{form}.parquet"
        statement.write_text(self.warehouse.sql(form))
        program = [str(self.programs.python), str(PEERS / "duckdb_sql.py")]
        limits = [str(self.limits.threads), self.limits.memory or "-", str(self.work / "spill"), self.limits.spill or "-"]
        return Contender(f"DuckDB, {form}", UNIT_TABLE, [*program, str(statement), str(out), *limits], out)

    def polars(self) -> Contender:
        warehouse, spec, out = self.warehouse, self.work / "polars.json", self.work / "polars.parquet"
        facts = [vars(fact) | {"delivers_twice": warehouse.delivers_twice(fact)} for fact in warehouse.facts]
        days = {name: getattr(warehouse, name).isoformat() for name in ("start", "end", "through")}
        spec.write_text(json.dumps({"root": str(warehouse.root), **days, "facts": facts, "window_days": WINDOW_DAYS}))
        command = [str(self.programs.python), str(PEERS / "polars_unit_table.py"), str(spec), str(out)]
        return Contender("Polars", UNIT_TABLE, command, out, self.polars_environment)

    @property
    def polars_environment(self) -> dict[str, str]:
        return {"POLARS_MAX_THREADS": str(self.limits.threads), "POLARS_TEMP_DIR": str(self.work / "spill")}

    def decode_rust(self) -> Contender:
        tables = [f"{table}:{','.join(columns) if columns else '*'}" for table, columns in self.warehouse.needed_columns.items()]
        command = [str(self.programs.decode_floor), str(self.limits.threads), str(self.warehouse.root), *tables]
        return Contender("arrow-rs", DECODE, command)

    def decode_duckdb(self) -> Contender:
        tables = json.dumps(self.warehouse.needed_columns)
        program = [str(self.programs.python), str(PEERS / "duckdb_decode.py")]
        return Contender("DuckDB", DECODE, [*program, str(self.warehouse.root), tables, str(self.limits.threads)])

    def decode_polars(self) -> Contender:
        tables = json.dumps(self.warehouse.needed_columns)
        command = [str(self.programs.python), str(PEERS / "polars_decode.py"), str(self.warehouse.root), tables]
        return Contender("Polars", DECODE, command, environment=self.polars_environment)

