-- How often events were delivered again, and whether some lack their key.
SELECT
  exact_sum(deliveries) AS deliveries,
  count(*) AS distinct_events,
  count(*) FILTER (WHERE event_key IS NULL) AS without_key
FROM {{ events }}
