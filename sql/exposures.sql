-- The rows of the split: the arm of each, and how far it comes on its way to an exposure that counts. Rows of step
-- {{ kept }} and above go to the piece of their unit; the others are counted and dropped. Of the rows of one unit at step
-- {{ kept }} that a reader meets near each other, it sends on only the first, with whether there were several variants.
SELECT
  unit,
  arm,
  exposed_at,
  false AS several
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %},
  CASE
    WHEN arm IS NOT NULL AND unit IS NOT NULL AND exposed_at >= {{ from }} AND exposed_at < {{ until }} THEN {{ steps.of_variants }}
{%- if lookback_from %}
    WHEN exposed_at >= {{ lookback_from }} AND exposed_at < {{ from }} AND unit IS NOT NULL THEN {{ steps.earlier }}
{%- endif %}
    WHEN (exposed_at >= {{ from }} AND exposed_at < {{ until }}) IS NOT TRUE THEN {{ steps.of_experiment }}
    WHEN unit IS NULL THEN {{ steps.in_days }}
    WHEN variant <> '' THEN {{ steps.with_variant }}
    ELSE {{ steps.with_unit }}
  END AS step
FROM (
  SELECT
    unit,
    variant,
    arm_of(variant, {{ variant_names }}) AS arm,
    exposed_at
{%- for stratum in strata %},
    {{ stratum.name }}
{%- endfor %}
  FROM (
    SELECT
      {{ unit }} AS unit,
      {{ variant }} AS variant,
      {{ time }} AS exposed_at
{%- for stratum in strata %},
      {{ stratum.value }} AS {{ stratum.name }}
{%- endfor %}
    FROM {{ table }} AS s
    WHERE {{ filter }}
  ) AS row_of_split
) AS exposure
