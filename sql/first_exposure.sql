-- The first exposure of each unit in the days of the experiment: its arm, and whether later ones show other variants. Of
-- two at the same instant, the arm that comes first counts.
SELECT
  unit,
  first_seen(exposed_at, arm, several) AS seen
FROM exposures
{%- if lookback_from %}
WHERE exposed_at >= {{ from }}
{%- endif %}
GROUP BY unit
