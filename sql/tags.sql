-- The tags of each unit{% if dated %} as of its snapshot{% endif %}. Exact repeats of a row count once.
SELECT DISTINCT
  c.unit AS unit
{%- for tag in tags %},
  {{ tag.value }} AS {{ tag.name }}
{%- endfor %}
FROM {{ units }} AS c
JOIN {{ table }} AS t ON {{ unit }} = c.unit{% if dated %} AND {{ day }} = c.snapshot{% endif %}
