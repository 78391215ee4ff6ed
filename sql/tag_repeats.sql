-- Whether a unit has two different rows where one is expected.
SELECT
  count(*) AS row_count,
  count(DISTINCT unit) AS unit_count
FROM {{ values }}
