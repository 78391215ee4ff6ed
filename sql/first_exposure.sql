-- The first exposure of each unit to each variant, in the days of the experiment.
SELECT
  unit,
  arm,
  min(exposed_at) AS first_exposure,
  count(*) AS exposures
FROM exposures
{%- if lookback_from %}
WHERE exposed_at >= {{ from }}
{%- endif %}
GROUP BY unit, arm
