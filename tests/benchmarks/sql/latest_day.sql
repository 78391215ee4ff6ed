-- The unit table in DuckDB, first form: the day of the snapshot that counts is found first, then its row is joined.
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

snapshot_day as (
    select snapshot.user_id, max(snapshot.dt) as dt
    from read_parquet('{root}/snapshots/*/*.parquet', hive_partitioning = true) as snapshot
    join unit using (user_id)
    where snapshot.dt < unit.exposure_day
      and snapshot.dt >= unit.exposure_day - 7
    group by snapshot.user_id
),

known_before as (
    select snapshot.* exclude (dt)
    from read_parquet('{root}/snapshots/*/*.parquet', hive_partitioning = true) as snapshot
    join snapshot_day using (user_id, dt)
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
