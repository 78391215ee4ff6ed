-- One row per unit, in the order of buckets and ids. Its first exposure decides its arm.
SELECT
  unit,
  bucket_of(unit) AS bucket,
  seen['arm'] AS arm,
  seen['first_exposure'] AS first_exposure,
  local_day(seen['first_exposure'], {{ time_zone }}) AS exposure_day,
  seen['several_variants'] AS several_variants
{%- for stratum in strata %},
  {{ stratum.name }}
{%- endfor %}
FROM first_exposure
{%- if lookback %}
WHERE unit NOT IN (SELECT unit FROM earlier_exposed)
{%- endif %}
ORDER BY bucket, unit
