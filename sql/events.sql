-- The rows of a fact table that fall into a window of one of its metrics, for units of the experiment. A row that does
-- not count for a metric has no value for it, so what it holds cannot be refused.
{%- if unique %}
-- Exact repeats of an event count once; how often they came is kept.
SELECT
  *,
  count(*) AS deliveries
FROM (
{%- endif %}
SELECT
  unit
{%- if unique %},
  event_key
{%- endif %}
{%- if needs_instant %},
  event_at
{%- endif %}
{%- for metric in metrics %}
{%- if metric.graded %},
  to_grid({{ metric.number }}, {{ metric.grid }}, {{ metric.text }}) AS {{ metric.on_grid }},
  not_finite({{ metric.number }}) AS {{ metric.flag }}
{%- if metric.rounds %},
  {{ metric.number }} <> 0 AND to_grid({{ metric.number }}, {{ metric.grid }}, {{ metric.text }}) = 0 AS {{ metric.vanishes }}
{%- endif %}
{%- elif metric.distinct %},
  {{ metric.number }}
{%- else %},
  {{ metric.counts }}
{%- endif %}
{%- endfor %}
FROM (
  SELECT
    u.unit AS unit
{%- if unique %},
    {{ unique }} AS event_key
{%- endif %}
{%- if needs_instant %},
    {{ instant }} AS event_at
{%- endif %}
{%- for metric in metrics %}
{%- if metric.graded or metric.distinct %},
    CASE
      WHEN {{ instant }} >= {{ metric.opens }} AND {{ instant }} < {{ metric.closes }}
        AND {{ metric.filter }}
      THEN {{ metric.value }}
    END AS {{ metric.number }}
{%- else %},
    {{ instant }} >= {{ metric.opens }} AND {{ instant }} < {{ metric.closes }}
      AND {{ metric.filter }} AS {{ metric.counts }}
{%- endif %}
{%- endfor %}
  FROM units AS u
  JOIN {{ rows }} AS f ON {{ unit }} = u.unit
  WHERE {{ instant }} >= {{ opens }}
    AND {{ instant }} < {{ closes }}
) AS event
{%- if unique %}
) AS delivered
GROUP BY ALL
{%- endif %}
