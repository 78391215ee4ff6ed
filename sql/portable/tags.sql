-- The tags of each unit{% if dated %} as of its snapshot{% endif %}. Equal rows count once.
SELECT DISTINCT
  c.unit AS unit
{%- for tag in tags %},
  t.{{ tag.name }}
{%- endfor %}
FROM {{ units }} AS c
JOIN {{ rows }} AS t ON t.unit = c.unit{% if dated %} AND t.day = c.snapshot{% endif %}
