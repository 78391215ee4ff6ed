-- Names in the variant column that the pipeline does not declare, the most frequent first.
SELECT
  variant,
  count(*) AS row_count
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
  AND variant <> ''
  AND variant NOT IN ({{ variant_names }})
GROUP BY variant
ORDER BY row_count DESC, variant
LIMIT 5
