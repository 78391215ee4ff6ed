-- The unit table of tests/data/tiny/tiny.yaml, written by hand in plain DuckDB SQL and run from the root of the repository.
-- Metrics are whole numbers on their grid; the next line says how much one step is worth.
-- grid: sign_up = 1, purchases = 1, revenue = 0.01, rating = 2^-20
with

exposure as (
    select
        user_id,
        variant,
        exposed_at at time zone 'Europe/Berlin' as exposed_at,  -- a wall-clock time becomes an instant
        cast(exposed_at as date) as local_day
    from read_parquet('tests/data/tiny/warehouse/exposures.parquet')
),

unit as (
    select
        user_id,
        min(variant) as arm,
        min(exposed_at) as first_exposure,
        min(local_day) as exposure_day
    from exposure
    where local_day between date '2026-02-02' and date '2026-02-05'
    group by user_id
    having count(distinct variant) = 1
),

event as (
    select * replace (happened_at at time zone 'Europe/Berlin' as happened_at)
    from read_parquet('tests/data/tiny/warehouse/events.parquet')
),

within_three_days as (
    select
        unit.user_id,
        count(*) filter (kind = 'sign_up') as sign_ups,
        count(*) filter (kind = 'purchase') as purchases,
        sum(cast(amount * 100 as bigint)) filter (kind = 'purchase') as cents
    from unit
    join event
      on event.user_id = unit.user_id
     and event.happened_at >= unit.first_exposure
     and event.happened_at < unit.first_exposure + interval 72 hours
    group by unit.user_id
),

rated as (
    select
        unit.user_id,
        cast(round_even(sum(cast(round_even(rating * 1048576, 0) as bigint)) / count(rating), 0) as bigint) as steps
    from unit
    join event
      on event.user_id = unit.user_id
     and event.happened_at >= unit.first_exposure + interval 2 hours
     and event.happened_at < unit.first_exposure + interval 50 hours
    group by unit.user_id
    having count(rating) > 0
),

known_before as (
    select
        unit.user_id,
        snapshot.* exclude (user_id, dt),
        row_number() over (partition by unit.user_id order by snapshot.dt desc) as age_rank
    from unit
    join read_parquet('tests/data/tiny/warehouse/profiles/*/*.parquet', hive_partitioning = true) as snapshot
      on snapshot.user_id = unit.user_id
     and snapshot.dt <= unit.exposure_day - 1
     and snapshot.dt >= unit.exposure_day - 2
)

select
    unit.user_id as unit,
    unit.arm,
    unit.first_exposure,
    case when within_three_days.sign_ups > 0 then 1 else 0 end as sign_up,
    coalesce(within_three_days.purchases, 0) as purchases,
    coalesce(within_three_days.cents, 0) as revenue,
    rated.steps as rating,
    known_before.tenure_days,
    known_before.device,
    home.city
from unit
left join within_three_days using (user_id)
left join rated using (user_id)
left join known_before on known_before.user_id = unit.user_id and known_before.age_rank = 1
left join read_parquet('tests/data/tiny/warehouse/homes.parquet') as home on home.user_id = unit.user_id
order by unit.user_id
