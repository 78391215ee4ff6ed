-- One row per unit. Its first exposure decides its arm; of two at the same instant, the arm that comes first counts{% if strata %}, and
-- of two rows of one arm the stratum that does{% endif %}.
SELECT
  unit,
  arm,
  first_exposure,
  CAST(first_exposure AT TIME ZONE {{ time_zone }} AS DATE) AS exposure_day,
  several_variants
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %}
FROM (
  SELECT
    unit,
    arm,
    first_exposure,
    min(arm) OVER (PARTITION BY unit) < max(arm) OVER (PARTITION BY unit) AS several_variants,
{%- for stratum in strata %}
    {{ stratum.name }},
{%- endfor %}
    row_number() OVER (PARTITION BY unit ORDER BY first_exposure, arm{% for stratum in strata %}, {{ stratum.name }} NULLS FIRST{% endfor %}) AS place
  FROM first_exposure
) AS exposed
WHERE place = 1
{%- if lookback %}
  AND unit NOT IN (SELECT unit FROM earlier_exposed)
{%- endif %}
