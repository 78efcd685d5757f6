-- Pageviews and custom events of days that are not sealed, each with the visit it lies in; pages are
-- numbers of the live store.
SELECT
    e.date, e.token AS visitor, v.started_at_us AS visit, e.hour, name = 'pageview' AS is_view, name,
    host, page, props
FROM (/*unsealed_events*/) e
JOIN live.visits v
    ON v.site = e.site AND v.date = e.date AND v.token = e.token
    AND e.at_us BETWEEN v.started_at_us AND v.last_at_us
WHERE name <> 'engagement'
