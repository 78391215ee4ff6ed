-- The unit table in DuckDB, second form: snapshots are joined with all their tags, and a window keeps the latest.
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
    from read_parquet('{root}/snapshots/*/*.parquet', hive_partitioning = true) as snapshot
    join unit using (user_id)
    where snapshot.dt < unit.exposure_day
      and snapshot.dt >= unit.exposure_day - 7
    qualify row_number() over (partition by snapshot.user_id order by snapshot.dt desc) = 1
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
