-- Units of the experiment that were exposed in the days before its start that `lookback` declares; they are excluded.
SELECT DISTINCT
  u.unit AS unit
FROM first_exposure AS u
JOIN exposures AS s ON s.unit = u.unit
WHERE s.exposed_at < {{ from }}
