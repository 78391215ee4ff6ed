-- The rows of a fact table that fall into a window of one of its metrics, for units of the experiment.
{%- if unique %}
-- Exact repeats of an event count once; how often they came is kept.
SELECT
  *,
  count(*) AS deliveries
FROM (
{%- endif %}
SELECT
  u.unit AS unit
{%- if unique %},
  {{ unique }} AS event_key,
  {{ instant }} AS event_at
{%- endif %}
{%- for metric in metrics %},
  {{ instant }} >= u.first_exposure + {{ metric.opens }} AND {{ instant }} < u.first_exposure + {{ metric.closes }}
    AND {{ metric.filter }} AS {{ metric.counts }}
{%- if metric.graded %},
  to_grid({{ metric.value }}, {{ metric.grid }}, {{ metric.text }}) AS {{ metric.raw }},
  not_finite({{ metric.value }}) AS {{ metric.flag }}
{%- endif %}
{%- endfor %}
FROM units AS u
JOIN (
  SELECT
    *,
    {{ time }} AS {{ instant_name }}
  FROM {{ table }} AS f
  WHERE {{ filter }}
) AS f ON {{ unit }} = u.unit
WHERE {{ instant }} >= u.first_exposure + {{ opens }}
  AND {{ instant }} < u.first_exposure + {{ closes }}
{%- if through %}
  AND {{ instant }} < {{ through }}
{%- endif %}
{%- if unique %}
) AS delivered
GROUP BY ALL
{%- endif %}
