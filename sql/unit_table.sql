-- The unit table: one row per unit, in the order of buckets and ids. {{ joined }} holds each row of units beside the row
-- with that unit of every table of metrics, and of every table of tags; where rows of tags are of days, beside the one of
-- the day that is the unit's snapshot.
{%- if folds %}
-- Folds are given: of its bucket and that bucket's neighbour, a unit is in the even one if it discovers and in the odd one
-- if it measures.
{%- endif %}
SELECT
  unit,
{%- if folds %}
  CAST(bucket - bucket % 2 + CASE {{ folds.column }} WHEN {{ folds.discover }} THEN 0 WHEN {{ folds.measure }} THEN 1 END AS INT) AS bucket,
  CASE WHEN {{ folds.column }} IN ({{ folds.discover }}, {{ folds.measure }}) THEN 0 ELSE 1 END AS in_no_fold,
  CASE {{ folds.column }} WHEN {{ folds.discover }} THEN 1 ELSE 0 END AS discovering,
{%- else %}
  bucket,
{%- endif %}
  arm,
  first_exposure,
  exposure_day,
  several_variants
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %}
{%- for metric in metrics %},
  CASE WHEN {{ metric.status }} IN ({{ metric.has_value[0] }}, {{ metric.has_value[1] }}) THEN COALESCE({{ metric.name }}, 0) END AS {{ metric.name }},
  {{ metric.status }}
{%- if metric.events %},
  CASE WHEN {{ metric.status }} IN ({{ metric.has_value[0] }}, {{ metric.has_value[1] }}) THEN {{ metric.events }} END AS {{ metric.events }}
{%- endif %}
{%- endfor %}
{%- for tag in tags %},
  {{ tag.name }}
{%- endfor %}
{%- for cohort in cohorts %},
  COALESCE({{ cohort.definition }}, false) AS {{ cohort.name }}
{%- endfor %}
FROM (
  SELECT
    *
{%- for metric in metrics %},
{%- if metric.complete_until or metric.if_not_finite or metric.needs_value %}
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
      ELSE 0
    END AS {{ metric.status }}
{%- else %}
    0 AS {{ metric.status }}
{%- endif %}
{%- endfor %}
  FROM {{ joined }}
) AS joined
{%- if folds %}
ORDER BY 2, 1
{%- endif %}
