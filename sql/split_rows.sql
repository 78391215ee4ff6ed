-- Where the rows of the split table go. Each count is a part of the one before it.
SELECT
  count(*) AS rows_read,
  count(*) FILTER (WHERE of_experiment) AS rows_of_experiment,
  count(*) FILTER (WHERE of_experiment AND in_days) AS rows_in_days,
  count(*) FILTER (WHERE of_experiment AND in_days AND unit IS NOT NULL) AS rows_with_unit,
  count(*) FILTER (WHERE of_experiment AND in_days AND unit IS NOT NULL AND variant <> '') AS rows_with_variant,
  count(*) FILTER (WHERE of_experiment AND in_days AND unit IS NOT NULL AND variant IN ({{ variant_names }})) AS rows_of_variants
FROM (
  SELECT
    unit,
    variant,
    of_experiment,
    exposed_at >= {{ from }} AND exposed_at < {{ until }} AS in_days
  FROM (
    SELECT
      {{ unit }} AS unit,
      {{ variant }} AS variant,
      {{ filter }} AS of_experiment,
      {{ time }} AS exposed_at
    FROM {{ table }} AS s
  ) AS exposure
) AS placed
