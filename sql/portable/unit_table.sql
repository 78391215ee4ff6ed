-- The unit table: one row per unit. A status is 0 if the unit has a value, 1 if its window had not closed by the end of
-- the data, 2 if it has no event with a value, 3 if a value of it is not finite, 4 if such a value counts as zero.
SELECT
  unit,
  CASE arm{% for variant in variants %} WHEN {{ variant.arm }} THEN {{ variant.name }}{% endfor %} END AS arm,
  first_exposure,
  several_variants
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %}
{%- for metric in metrics %},
  CASE WHEN {{ metric.status }} IN ({{ metric.has_value[0] }}, {{ metric.has_value[1] }}) THEN COALESCE({{ metric.name }}, 0) END AS {{ metric.name }},
  {{ metric.status }}
{%- endfor %}
{%- for tag in tags %},
  {{ tag.name }}
{%- endfor %}
{%- for cohort in cohorts %},
  COALESCE({{ cohort.definition }}, FALSE) AS {{ cohort.name }}
{%- endfor %}
FROM (
  SELECT
    *
{%- for metric in metrics %},
    CASE
{%- if metric.complete_until %}
      WHEN {{ metric.closes }} > {{ metric.complete_until }} THEN {{ metric.incomplete }}
{%- endif %}
{%- if metric.if_not_finite %}
      WHEN {{ metric.not_finite }} > 0 THEN {{ metric.if_not_finite }}
{%- endif %}
{%- if metric.needs_value %}
      WHEN {{ metric.name }} IS NULL THEN {{ metric.missing }}
{%- endif %}
      WHEN TRUE THEN 0
    END AS {{ metric.status }}
{%- endfor %}
  FROM units
{%- for table in tables %}
  LEFT JOIN {{ table }} USING (unit)
{%- endfor %}
) AS joined
ORDER BY unit
