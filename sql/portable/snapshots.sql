-- The snapshot that counts for each unit: the last one on or before the day before its first exposure, at most
-- {{ at_most_days }} days before the day of exposure.
SELECT
  u.unit AS unit,
  max(t.day) AS snapshot
FROM units AS u
JOIN {{ rows }} AS t ON t.unit = u.unit
WHERE t.day < u.exposure_day
  AND t.day >= u.exposure_day - {{ at_most }}
GROUP BY u.unit
