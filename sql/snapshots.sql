-- The snapshot that counts for each unit: the last one on or before the day before its first exposure, at most
-- {{ at_most_days }} days before the day of exposure. Later ones are counted here and joined nowhere.
SELECT
  u.unit AS unit,
  max(t.day) FILTER (WHERE t.day < u.exposure_day AND t.day >= u.oldest_day) AS snapshot,
  count(*) FILTER (WHERE t.day >= u.exposure_day) AS later,
  count(*) FILTER (WHERE t.day < u.oldest_day) AS too_old
FROM (
  SELECT
    unit,
    exposure_day,
    days_earlier(exposure_day, {{ at_most_days }}) AS oldest_day
  FROM units
) AS u
JOIN {{ rows }} AS t ON t.unit = u.unit
GROUP BY u.unit
