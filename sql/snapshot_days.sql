-- On which days a unit of the experiment has a snapshot.
SELECT
  {{ unit }} AS unit,
  {{ day }} AS day
FROM {{ table }} AS t
WHERE may_hold({{ filter_of_units }}, {{ unit }})
