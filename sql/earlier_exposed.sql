-- Units exposed in the days before the experiment's start that `lookback` declares; they are excluded.
SELECT DISTINCT
  {{ unit }} AS unit
FROM {{ table }} AS s
WHERE {{ filter }}
  AND {{ time }} >= {{ lookback_from }}
  AND {{ time }} < {{ from }}
  AND {{ unit }} IS NOT NULL
