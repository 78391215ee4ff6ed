-- The rows of the split that count: of a unit, of a declared variant, in the days of the experiment.
SELECT
  unit,
  arm,
  exposed_at
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %}
FROM (
  SELECT
    {{ unit }} AS unit,
    CASE {{ variant }}{% for variant in variants %} WHEN {{ variant.name }} THEN {{ variant.arm }}{% endfor %} END AS arm,
    {{ time }} AS exposed_at
{%- for stratum in strata %},
    {{ stratum.value }} AS {{ stratum.name }}
{%- endfor %}
  FROM {{ table }} AS s
  WHERE {{ filter }}
) AS exposure
WHERE exposed_at >= {{ from }}
  AND exposed_at < {{ until }}
  AND unit IS NOT NULL
  AND arm IS NOT NULL
