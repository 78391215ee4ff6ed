-- The keys of events. One may stand in several units, so they are put together by themselves.
SELECT
  event_key
FROM {{ events }}
WHERE event_key IS NOT NULL
