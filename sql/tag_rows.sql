-- The rows of a tag table that may be the ones that count: their tags are decoded, and no others.
SELECT
  {{ unit }} AS unit
{%- if dated %},
  {{ day }} AS day
{%- endif %}
{%- for tag in tags %},
  {{ tag.value }} AS {{ tag.name }}
{%- endfor %}
FROM {{ table }} AS t
WHERE may_hold({{ filter_of_keys }}, {{ unit }}{% if dated %}, {{ day }}{% endif %})
