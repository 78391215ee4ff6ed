-- The rows that fall into a window of one of the metrics. A value is a number of whole steps of its metric's grid, ties to
-- even.
{%- if unique %} Exact repeats of an event count once.{% endif %}
SELECT{% if unique %} DISTINCT{% endif %}
  unit
{%- if unique %},
  event_key
{%- endif %}
{%- if needs_instant %},
  event_at
{%- endif %}
{%- for metric in metrics %}
{%- if metric.distinct %},
  {{ metric.number }}
{%- elif not metric.graded %},
  {{ metric.counts }}
{%- else %},
{%- if metric.steps.form == "rounded_product" %}
  -- A product that seems to lie in the middle of two steps may lie beside it; the remainder tells on which side.
  CAST(CASE
    WHEN abs({{ metric.product }} - round_even({{ metric.product }}, 0)) < 0.5e0 OR {{ metric.remainder }} = 0e0
      THEN round_even({{ metric.product }}, 0)
    ELSE {{ metric.product }} + 0.5e0 * sign({{ metric.remainder }})
  END AS HUGEINT) AS {{ metric.on_grid }},
{%- elif metric.steps.form == "exact_product" %}
  CAST(round_even({{ metric.product }}, 0) AS HUGEINT) AS {{ metric.on_grid }},
{%- elif metric.steps.form == "quotient" %}
  {{ metric.product }} // {{ metric.steps.divisor }} + CASE
    WHEN 2 * abs({{ metric.product }} % {{ metric.steps.divisor }}) > {{ metric.steps.divisor }} THEN sign({{ metric.product }})
    WHEN 2 * abs({{ metric.product }} % {{ metric.steps.divisor }}) < {{ metric.steps.divisor }} THEN 0
    ELSE ({{ metric.product }} // {{ metric.steps.divisor }}) % 2
  END AS {{ metric.on_grid }},
{%- else %}
  {{ metric.product }} AS {{ metric.on_grid }},
{%- endif %}
  {{ metric.flag }}
{%- endif %}
{%- endfor %}
{%- if has_remainders %}
FROM (
  SELECT
    *
{%- for metric in metrics %}
{%- if metric.graded and metric.steps.form == "rounded_product" %},
    -- What the product was rounded by, exactly (Dekker 1971).
    {{ metric.high_part }} * {{ metric.steps.high }} - {{ metric.product }} + {{ metric.high_part }} * {{ metric.steps.low }}
      + ({{ metric.number }} - {{ metric.high_part }}) * {{ metric.steps.high }}
      + ({{ metric.number }} - {{ metric.high_part }}) * {{ metric.steps.low }} AS {{ metric.remainder }}
{%- endif %}
{%- endfor %}
{%- endif %}
FROM (
  SELECT
    *
{%- for metric in metrics %}
{%- if metric.graded %}
{%- if metric.steps.is_float %},
    CASE WHEN isfinite({{ metric.number }}) THEN {{ metric.number }} * {{ metric.steps.factor }} END AS {{ metric.product }},
    isfinite({{ metric.number }}) IS FALSE AS {{ metric.flag }}
{%- if metric.steps.form == "rounded_product" %},
    {{ metric.number }} * 134217729e0 - ({{ metric.number }} * 134217729e0 - {{ metric.number }}) AS {{ metric.high_part }}
{%- endif %}
{%- else %},
    CAST({{ metric.number }}{% if metric.steps.scale %} * {{ metric.steps.scale }}{% endif %} AS HUGEINT) * {{ metric.steps.factor }} AS {{ metric.product }},
    FALSE AS {{ metric.flag }}
{%- endif %}
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
        THEN {% if metric.steps.is_float %}CAST({{ metric.value }} AS DOUBLE){% else %}{{ metric.value }}{% endif %}
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
) AS multiplied
{%- if has_remainders %}
) AS compared
{%- endif %}
