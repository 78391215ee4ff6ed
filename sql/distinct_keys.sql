-- How many keys there are: fewer than events means that a key came with different content.
SELECT
  count(DISTINCT event_key) AS distinct_keys
FROM {{ keys }}
