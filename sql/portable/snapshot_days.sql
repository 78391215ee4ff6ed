-- On which days a unit has a snapshot.
SELECT
  {{ unit }} AS unit,
  {{ day }} AS day
FROM {{ table }} AS t
