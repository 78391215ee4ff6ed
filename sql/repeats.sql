-- How often events were delivered again, and whether a key came with different content.
SELECT
  exact_sum(deliveries) AS deliveries,
  count(*) AS distinct_events,
  count(DISTINCT event_key) AS distinct_keys,
  count(*) FILTER (WHERE event_key IS NULL) AS without_key
FROM {{ events }}
