-- Units that were exposed in the days before the start that `lookback` declares; they are excluded.
SELECT DISTINCT
  unit
FROM (
  SELECT
    {{ unit }} AS unit,
    {{ time }} AS exposed_at
  FROM {{ table }} AS s
  WHERE {{ filter }}
) AS exposure
WHERE exposed_at >= {{ lookback_from }}
  AND exposed_at < {{ from }}
  AND unit IS NOT NULL
