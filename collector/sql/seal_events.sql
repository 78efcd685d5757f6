INSERT INTO archive.events
SELECT
    site, date, visitor, visit,
    row_number() OVER (PARTITION BY visitor, visit ORDER BY n) AS step,
    hour, name, host, path, interactive,
    coalesce(readings.engaged_s, 0), coalesce(readings.scroll, 0),
    props, revenue, currency
FROM numbered
JOIN ordinals USING (token)
JOIN (SELECT island, visit FROM computed) USING (island)
LEFT JOIN readings USING (n)
WHERE acts
ORDER BY visitor, visit, step;
