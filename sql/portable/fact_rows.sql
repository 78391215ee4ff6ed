-- The rows of a fact table that may fall into a window: the columns that its metrics read.
SELECT
  *
FROM (
  SELECT
    {{ unit }} AS {{ unit_name }},
    {{ time }} AS {{ instant_name }}
{%- for column in columns %},
    {{ column }}
{%- endfor %}
  FROM {{ table }} AS f
  WHERE {{ filter }}
) AS fact
WHERE {{ instant_name }} >= {{ earliest }}
{%- if through %}
  AND {{ instant_name }} < {{ through }}
{%- endif %}
