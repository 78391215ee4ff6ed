-- The unit table of pipelines/hillstrom.yaml, written by hand in plain DuckDB SQL and run from the root of the repository.
-- Metrics are whole numbers on their grid; the next line says how much one step is worth.
-- grid: visit = 1, conversion = 1, spend = 0.01
with

exposure as (
    select
        customer_id,
        variant,
        exposed_at,
        cast(exposed_at at time zone 'America/New_York' as date) as local_day
    from read_parquet('pipelines/data/hillstrom/exposures/*/*.parquet', hive_partitioning = true)
    where dt <= date '2008-03-26'
      and experiment_id = 'email_2008_03'
      and customer_id is not null
),

unit as (
    select
        customer_id,
        min(variant) as arm,
        min(exposed_at) as first_exposure,
        min(local_day) as exposure_day
    from exposure
    where local_day between date '2008-03-06' and date '2008-03-10'
    group by customer_id
    having count(distinct variant) = 1
),

visit as (
    select distinct visit_id, customer_id, visited_at
    from read_parquet('pipelines/data/hillstrom/visits/*/*.parquet', hive_partitioning = true)
    where dt <= date '2008-03-26'
      and agent = 'browser'
),

paid_order as (
    select distinct order_id, customer_id, paid_at, amount
    from read_parquet('pipelines/data/hillstrom/orders/*/*.parquet', hive_partitioning = true)
    where dt <= date '2008-03-26'
      and status = 'paid'
),

visited as (
    select unit.customer_id, count(*) as visits
    from unit
    join visit
      on visit.customer_id = unit.customer_id
     and visit.visited_at >= unit.first_exposure
     and visit.visited_at < unit.first_exposure + interval 336 hours
    group by unit.customer_id
),

bought as (
    select unit.customer_id, count(*) as orders, sum(cast(round(paid_order.amount * 100) as bigint)) as cents
    from unit
    join paid_order
      on paid_order.customer_id = unit.customer_id
     and paid_order.paid_at >= unit.first_exposure
     and paid_order.paid_at < unit.first_exposure + interval 336 hours
    group by unit.customer_id
),

known_before as (
    select
        unit.customer_id,
        snapshot.* exclude (customer_id, dt),
        row_number() over (partition by unit.customer_id order by snapshot.dt desc) as age_rank
    from unit
    join read_parquet('pipelines/data/hillstrom/customer_tags/*/*.parquet', hive_partitioning = true) as snapshot
      on snapshot.customer_id = unit.customer_id
     and snapshot.dt <= unit.exposure_day - 1
     and snapshot.dt >= unit.exposure_day - 7
)

select
    unit.customer_id as unit,
    unit.arm,
    unit.first_exposure,
    case when visited.visits > 0 then 1 else 0 end as visit,
    case when bought.orders > 0 then 1 else 0 end as conversion,
    coalesce(bought.cents, 0) as spend,
    known_before.recency,
    known_before.history,
    known_before.history_segment,
    known_before.mens,
    known_before.womens,
    known_before.zip_code,
    known_before.newbie,
    known_before.channel
from unit
left join visited using (customer_id)
left join bought using (customer_id)
left join known_before on known_before.customer_id = unit.customer_id and known_before.age_rank = 1
order by unit.customer_id
