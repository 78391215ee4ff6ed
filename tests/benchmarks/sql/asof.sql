-- The unit table in DuckDB, third form: an as-of join.
with

unit as (
    select
        user_id,
        min(variant) as arm,
        min(exposed_at) as first_exposure,
        cast(min(exposed_at) as date) as exposure_day
    from read_parquet('{root}/exposures/*/*.parquet', hive_partitioning = true)
    where dt between date '{start}' and date '{end}'
      and user_id is not null
    group by user_id
    having min(variant) = max(variant)
),

{facts}

known_before as (
    select snapshot.* exclude (dt)
    from unit
    asof join read_parquet('{root}/snapshots/*/*.parquet', hive_partitioning = true) as snapshot
      on snapshot.user_id = unit.user_id
     and unit.exposure_day > snapshot.dt
    where snapshot.dt >= unit.exposure_day - 7
)

select
    unit.user_id as unit,
    unit.arm,
    unit.first_exposure,
    {metrics},
    known_before.* exclude (user_id)
from unit
{fact_joins}
left join known_before using (user_id)
