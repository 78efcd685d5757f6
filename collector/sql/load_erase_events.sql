DELETE FROM live.events v
USING batch e
WHERE e.kind = 'erasure'
  AND v.site = e.site AND v.date = e.date AND v.token = e.token AND v.at_us <= e.at_us;
