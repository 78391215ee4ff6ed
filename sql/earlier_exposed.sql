-- Units of the experiment that were exposed in the days before its start that `lookback` declares; they are excluded.
SELECT DISTINCT
  u.unit AS unit
FROM first_exposure AS u
JOIN {{ table }} AS s ON {{ unit }} = u.unit
WHERE {{ filter }}
  AND {{ time }} >= {{ lookback_from }}
  AND {{ time }} < {{ from }}
