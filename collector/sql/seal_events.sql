-- What is alike lies together, which is smaller and sooner found: pageviews before custom events,
-- page by page, then by arrival; of these in the order of the random numbers. Texts are looked up
-- when all is sorted: that takes half as long.
INSERT INTO archive.events
WITH names AS (SELECT list(name ORDER BY rank) AS texts FROM day_names),
    hosts AS (SELECT list(host ORDER BY rank) AS texts FROM day_hosts)
SELECT
    $site, $date, visitor, visit, step, arrival, hour, is_view, (SELECT texts FROM names)[name],
    name_mark, (SELECT texts FROM hosts)[host], page, page_mark, interactive, engaged_s, scroll, props,
    revenue, currency
FROM (
    SELECT
        is_view, visitor, visit, least(e.act - v.act + 1, 65_535) AS step, arrival, e.hour, name, host, e.page,
        coalesce(names.mark, 0) AS name_mark, coalesce(pages.mark, 0) AS page_mark, interactive,
        coalesce(readings.engaged_s, 0) AS engaged_s, coalesce(readings.scroll, 0) AS scroll,
        props, revenue, currency
    FROM (
        SELECT n, event, island, act, hour, name, host, page, interactive, is_view
        FROM numbered
        WHERE acts
    ) e
    JOIN (SELECT island, visitor, visit, act, arrival FROM placed) v USING (island)
    LEFT JOIN readings USING (n)
    LEFT JOIN (SELECT n, mark FROM page_visits) pages USING (n)
    LEFT JOIN (SELECT n, mark FROM name_visits) names USING (n)
    LEFT JOIN (
        SELECT rowid AS event, props, revenue, currency
        FROM live.events
        WHERE site = $site AND date = $date AND (props IS NOT NULL OR revenue IS NOT NULL)
    ) USING (event)
    ORDER BY  -- two keys are sooner sorted than five
        (CASE WHEN is_view THEN 0 ELSE name + 1 END::BIGINT << 32) + e.page,
        (arrival::BIGINT << 32) + visitor
);
