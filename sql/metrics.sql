-- The metrics of one fact table, a row per unit that has an event in a window.
SELECT
  unit,
  count(*) AS event_count
{%- for metric in metrics %}
{%- if metric.aggregate == "sum" %},
  exact_sum({{ metric.on_grid }}) AS {{ metric.name }}
{%- elif metric.aggregate == "count" %},
  NULLIF(count(*) FILTER (WHERE {{ metric.counts }}), 0) AS {{ metric.name }}
{%- elif metric.aggregate == "any" %},
  CASE WHEN count(*) FILTER (WHERE {{ metric.counts }}) > 0 THEN CAST(1 AS BIGINT) END AS {{ metric.name }}
{%- elif metric.aggregate == "min" %},
  min({{ metric.on_grid }}) AS {{ metric.name }}
{%- elif metric.aggregate == "max" %},
  max({{ metric.on_grid }}) AS {{ metric.name }}
{%- elif metric.aggregate == "last" %},
  first_value({{ metric.on_grid }} ORDER BY event_at DESC, {{ metric.on_grid }} DESC) FILTER (WHERE {{ metric.on_grid }} IS NOT NULL) AS {{ metric.name }}
{%- elif metric.aggregate == "distinct" %},
  NULLIF(count(DISTINCT {{ metric.number }}), 0) AS {{ metric.name }}
{%- elif metric.aggregate == "events" %},
  NULLIF(count({{ metric.on_grid }}), 0) AS {{ metric.name }},
  array_agg({{ metric.on_grid }} ORDER BY {{ metric.on_grid }}) FILTER (WHERE {{ metric.on_grid }} IS NOT NULL) AS {{ metric.events }}
{%- elif metric.aggregate == "mean" %},
  grid_mean(exact_sum({{ metric.on_grid }}), count({{ metric.on_grid }})) AS {{ metric.name }}
{%- endif %}
{%- if metric.graded %},
  count(*) FILTER (WHERE {{ metric.flag }}) AS {{ metric.not_finite }}
{%- if metric.rounds %},
  count(*) FILTER (WHERE {{ metric.on_grid }} <> 0) AS {{ metric.not_zero }},
  count(*) FILTER (WHERE {{ metric.vanishes }}) AS {{ metric.rounded_to_zero }}
{%- endif %}
{%- endif %}
{%- endfor %}
FROM {{ events }}
GROUP BY unit
