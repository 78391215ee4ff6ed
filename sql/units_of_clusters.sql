-- Units behind their clusters: they go to the pieces of those, so that a bucket, and with it a fold, holds whole clusters.
SELECT
  COALESCE({{ cluster }}, '') AS "goes by",
  *
FROM {{ units }}
