-- One row per unit, in the order of buckets and ids. Its first exposure decides its arm; of two at the same instant, the
-- arm that comes first counts.
SELECT
  unit,
  bucket_of(unit) AS bucket,
  CAST(arm AS BIGINT) AS arm,
  first_exposure,
  local_day(first_exposure, {{ time_zone }}) AS exposure_day,
  several_variants,
  exposures
FROM (
  SELECT
    unit,
    first_value(arm ORDER BY first_exposure, arm) AS arm,
    min(first_exposure) AS first_exposure,
    count(*) > 1 AS several_variants,
    exact_sum(exposures) AS exposures
  FROM first_exposure
  GROUP BY unit
) AS exposed
{%- if lookback %}
WHERE unit NOT IN (SELECT unit FROM earlier_exposed)
{%- endif %}
ORDER BY bucket, unit
