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
  {{ time }} AS event_at
{%- endif %}
{%- for metric in metrics %},
  {{ time }} >= u.first_exposure + {{ metric.opens }} AND {{ time }} < u.first_exposure + {{ metric.closes }}
    AND {{ metric.filter }} AS {{ metric.counts }}
{%- if metric.value %},
  {{ metric.value }} AS {{ metric.raw }}
{%- endif %}
{%- endfor %}
FROM units AS u
JOIN {{ table }} AS f ON {{ unit }} = u.unit
WHERE {{ filter }}
  AND {{ time }} >= u.first_exposure + {{ opens }}
  AND {{ time }} < u.first_exposure + {{ closes }}
{%- if unique %}
) AS delivered
GROUP BY ALL
{%- endif %}
