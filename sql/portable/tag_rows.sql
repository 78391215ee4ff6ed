-- The tags of a tag table.
SELECT
  {{ unit }} AS unit
{%- if dated %},
  {{ day }} AS day
{%- endif %}
{%- for tag in tags %},
  {{ tag.value }} AS {{ tag.name }}
{%- endfor %}
FROM {{ table }} AS t
