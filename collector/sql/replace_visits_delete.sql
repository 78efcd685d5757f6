DELETE FROM live.visits v
USING touched t
WHERE v.site = t.site AND v.date = t.date AND v.token = t.token
  AND v.started_at_us >= t.since_us AND v.started_at_us >= $since_us;
