-- The unit table of pipelines/retention.yaml, written by hand in plain DuckDB SQL and run from the root of the repository.
-- Metrics are whole numbers on their grid; the next line says how much one step is worth.
-- grid: outcome = 2^-32
with

exposure as (
    select
        account_id,
        variant,
        exposed_at,
        cast(exposed_at at time zone 'Europe/Berlin' as date) as local_day
    from read_parquet('pipelines/data/retention/exposures/*/*.parquet', hive_partitioning = true)
    where dt <= date '2025-03-29'
),

unit as (
    select
        account_id,
        min(variant) as arm,
        min(exposed_at) as first_exposure,
        min(local_day) as exposure_day
    from exposure
    where local_day between date '2025-03-04' and date '2025-03-06'
    group by account_id
    having count(distinct variant) = 1
),

measured as (
    select unit.account_id, sum(cast(round_even(final.value * 4294967296, 0) as bigint)) as steps
    from unit
    join read_parquet('pipelines/data/retention/outcomes.parquet') as final
      on final.account_id = unit.account_id
     and final.status = 'final'
     and final.measured_at >= unit.first_exposure
     and final.measured_at < unit.first_exposure + interval 504 hours
    group by unit.account_id
),

known_before as (
    select
        unit.account_id,
        snapshot.* exclude (account_id, dt),
        row_number() over (partition by unit.account_id order by snapshot.dt desc) as age_rank
    from unit
    join read_parquet('pipelines/data/retention/account_tags/*/*.parquet', hive_partitioning = true) as snapshot
      on snapshot.account_id = unit.account_id
     and snapshot.dt <= unit.exposure_day - 1
     and snapshot.dt >= unit.exposure_day - 14
)

select
    unit.account_id as unit,
    unit.arm,
    unit.first_exposure,
    measured.steps as outcome,
    known_before.risk_score,
    known_before.usage_z,
    known_before.customer_value,
    known_before.log_customer_value,
    known_before.tenure_months,
    known_before.enterprise_plan,
    known_before.support_tickets
from unit
left join measured using (account_id)
left join known_before on known_before.account_id = unit.account_id and known_before.age_rank = 1
order by unit.account_id
