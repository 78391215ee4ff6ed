-- The first exposure of each unit to each variant{% if strata %}, in each stratum{% endif %}.
SELECT
  unit,
  arm,
{%- for stratum in strata %}
  {{ stratum.name }},
{%- endfor %}
  min(exposed_at) AS first_exposure
FROM exposures
GROUP BY unit, arm{% for stratum in strata %}, {{ stratum.name }}{% endfor %}
