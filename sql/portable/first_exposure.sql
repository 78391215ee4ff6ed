-- The first exposure of each unit to each variant.
SELECT
  unit,
  arm,
  min(exposed_at) AS first_exposure
FROM exposures
GROUP BY unit, arm
