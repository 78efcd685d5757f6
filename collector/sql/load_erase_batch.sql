-- Before anything else is made of the batch: not even how an erased visitor arrived is kept.
DELETE FROM batch b
USING live.erasures e
WHERE b.kind = 'event'
  AND b.site = e.site AND b.date = e.date AND b.token = e.token AND b.at_us <= e.at_us;
