-- The unit table: one row per unit, in the order of buckets and ids.
SELECT
  unit,
  bucket,
  arm,
  first_exposure,
  exposure_day,
  several_variants
{%- for metric in metrics %},
  CASE WHEN {{ metric.status }} = 0 THEN COALESCE({{ metric.name }}, 0) END AS {{ metric.name }},
  {{ metric.status }}
{%- endfor %}
{%- for tag in tags %},
  {{ tag.name }}
{%- endfor %}
{%- for cohort in cohorts %},
  COALESCE({{ cohort.definition }}, false) AS {{ cohort.name }}
{%- endfor %}
FROM (
  SELECT
    u.unit,
    u.bucket,
    u.arm,
    u.first_exposure,
    u.exposure_day,
    u.several_variants
{%- for metric in metrics %},
    {{ metric.table }}.{{ metric.name }},
{%- if metric.complete_until or metric.refuses_not_finite or metric.needs_value %}
    CASE
{%- if metric.complete_until %}
      WHEN u.first_exposure + {{ metric.closes }} > {{ metric.complete_until }} THEN {{ metric.incomplete }}
{%- endif %}
{%- if metric.refuses_not_finite %}
      WHEN {{ metric.table }}.{{ metric.not_finite }} > 0 THEN {{ metric.dropped_not_finite }}
{%- endif %}
{%- if metric.needs_value %}
      WHEN {{ metric.table }}.{{ metric.name }} IS NULL THEN {{ metric.missing }}
{%- endif %}
      ELSE 0
    END AS {{ metric.status }}
{%- else %}
    0 AS {{ metric.status }}
{%- endif %}
{%- endfor %}
{%- for tag in tags %},
    {{ tag.table }}.{{ tag.name }}
{%- endfor %}
  FROM units AS u
{%- for table in tables %}
  LEFT JOIN {{ table }} ON {{ table }}.unit = u.unit
{%- endfor %}
) AS joined
ORDER BY bucket, unit
