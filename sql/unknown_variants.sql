-- Names in the variant column that the pipeline does not declare, the most frequent first.
SELECT
  variant,
  count(*) AS row_count
FROM (
  SELECT
    {{ unit }} AS unit,
    {{ variant }} AS variant
  FROM {{ table }} AS s
  WHERE {{ filter }}
    AND {{ time }} >= {{ from }}
    AND {{ time }} < {{ until }}
) AS split_row
WHERE unit IS NOT NULL
  AND variant <> ''
  AND variant NOT IN ({{ variant_names }})
GROUP BY variant
ORDER BY row_count DESC, variant
LIMIT 5
