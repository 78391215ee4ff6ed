-- The rows of a fact table that may fall into a window of a unit of the experiment: the columns that its metrics read.
SELECT
  {{ unit }} AS {{ unit_name }},
  {{ time }} AS {{ instant_name }}
{%- for column in columns %},
  {{ column }}
{%- endfor %}
FROM {{ table }} AS f
WHERE {{ filter }}
  AND {{ time }} >= {{ earliest }}
{%- if through %}
  AND {{ time }} < {{ through }}
{%- endif %}
  AND may_hold({{ filter_of_units }}, {{ unit }})
