-- The first exposure of each unit to each variant, in the days of the experiment.
SELECT
  unit,
  CASE variant{% for variant in variants %} WHEN {{ variant.name }} THEN {{ variant.arm }}{% endfor %} END AS arm,
  min(exposed_at) AS first_exposure,
  count(*) AS exposures
FROM (
  SELECT
    {{ unit }} AS unit,
    {{ variant }} AS variant,
    {{ time }} AS exposed_at
  FROM {{ table }} AS s
  WHERE {{ filter }}
) AS exposure
WHERE exposed_at >= {{ from }}
  AND exposed_at < {{ until }}
  AND unit IS NOT NULL
  AND variant IN ({{ variant_names }})
GROUP BY unit, variant
