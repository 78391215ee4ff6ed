-- The unit table in the order of the buckets of clusters, and of ids within them.
SELECT
  * EXCLUDE ("goes by") REPLACE (CAST(bucket_of("goes by") AS INT) AS bucket)
FROM {{ units }}
ORDER BY 2, 1
