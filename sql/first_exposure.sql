-- The first exposure of each unit in the days of the experiment: its arm, and whether later ones show other variants. Of
-- two at the same instant, the arm that comes first counts{% if strata %}, and of two rows of one arm the stratum that does{% endif %}.
SELECT
  unit,
  first_seen(exposed_at, arm, several) AS seen
{%- for stratum in strata %},
  first_value({{ stratum.name }} ORDER BY exposed_at, arm{% for other in strata %}, {{ other.name }} NULLS FIRST{% endfor %}) AS {{ stratum.name }}
{%- endfor %}
FROM exposures
{%- if lookback_from %}
WHERE exposed_at >= {{ from }}
{%- endif %}
GROUP BY unit
