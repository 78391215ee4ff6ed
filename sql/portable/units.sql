-- One row per unit. Its first exposure decides its arm; of two at the same instant, the arm that comes first counts.
SELECT
  unit,
  arm,
  first_exposure,
  CAST(first_exposure AT TIME ZONE {{ time_zone }} AS DATE) AS exposure_day,
  several_variants
FROM (
  SELECT
    unit,
    arm,
    first_exposure,
    count(*) OVER (PARTITION BY unit) > 1 AS several_variants,
    row_number() OVER (PARTITION BY unit ORDER BY first_exposure, arm) AS place
  FROM first_exposure
) AS exposed
WHERE place = 1
{%- if lookback %}
  AND unit NOT IN (SELECT unit FROM earlier_exposed)
{%- endif %}
