-- Pageviews and custom events of days that are not sealed, for questions that no visit matters to.
SELECT
    date, token AS visitor, 0 AS visit, hour, name = 'pageview' AS is_view, name, host, path, props,
    0 AS engaged_s, 0 AS scroll, 0 AS duration_s, false AS is_bounce
FROM (/*unsealed_events*/)
JOIN (/*unsealed_pages*/) USING (page)
WHERE name <> 'engagement'
