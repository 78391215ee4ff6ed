-- The metrics of one fact table, a row per unit that has an event in a window.
SELECT
  unit
{%- for metric in metrics %}
{%- if metric.aggregate == "mean" %},
  -- The mean is put back on the grid, ties to even.
  CAST({{ metric.product }} // {{ metric.counts }} + CASE
    WHEN 2 * abs({{ metric.product }} % {{ metric.counts }}) > {{ metric.counts }} THEN sign({{ metric.product }})
    WHEN 2 * abs({{ metric.product }} % {{ metric.counts }}) < {{ metric.counts }} THEN 0
    ELSE ({{ metric.product }} // {{ metric.counts }}) % 2
  END AS BIGINT) AS {{ metric.name }}
{%- else %},
  {{ metric.name }}
{%- endif %}
{%- if metric.graded %},
  {{ metric.not_finite }}
{%- endif %}
{%- endfor %}
FROM (
  SELECT
    unit
{%- for metric in metrics %}
{%- if metric.aggregate == "sum" %},
    CAST(sum({{ metric.on_grid }}) AS BIGINT) AS {{ metric.name }}
{%- elif metric.aggregate == "count" %},
    NULLIF(count(*) FILTER (WHERE {{ metric.counts }}), 0) AS {{ metric.name }}
{%- elif metric.aggregate == "any" %},
    CASE WHEN count(*) FILTER (WHERE {{ metric.counts }}) > 0 THEN CAST(1 AS BIGINT) END AS {{ metric.name }}
{%- elif metric.aggregate == "min" %},
    CAST(min({{ metric.on_grid }}) AS BIGINT) AS {{ metric.name }}
{%- elif metric.aggregate == "max" %},
    CAST(max({{ metric.on_grid }}) AS BIGINT) AS {{ metric.name }}
{%- elif metric.aggregate == "last" %},
    CAST(first({{ metric.on_grid }} ORDER BY event_at DESC, {{ metric.on_grid }} DESC) FILTER (WHERE {{ metric.on_grid }} IS NOT NULL) AS BIGINT) AS {{ metric.name }}
{%- elif metric.aggregate == "distinct" %},
    NULLIF(count(DISTINCT {{ metric.number }}), 0) AS {{ metric.name }}
{%- elif metric.aggregate == "events" %},
    NULLIF(count({{ metric.on_grid }}), 0) AS {{ metric.name }}
{%- elif metric.aggregate == "mean" %},
    sum({{ metric.on_grid }}) AS {{ metric.product }},
    NULLIF(count({{ metric.on_grid }}), 0) AS {{ metric.counts }}
{%- endif %}
{%- if metric.graded %},
    count(*) FILTER (WHERE {{ metric.flag }}) AS {{ metric.not_finite }}
{%- endif %}
{%- endfor %}
  FROM {{ events }}
  GROUP BY unit
) AS summed
