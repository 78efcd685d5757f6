-- Sealed days by page: whole months as such, the days before and after them one by one. Numbers are
-- added up before their paths are looked up.
SELECT
    /*times*/
    /*rolled_key*/
    visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s, scroll
FROM (
    SELECT
        /*times*/
        page,
        sum(visitors) AS visitors,
        sum(visits) AS visits,
        sum(pageviews) AS pageviews,
        sum(events) AS events,
        sum(duration_s) AS duration_s,
        sum(entries) AS entries,
        sum(bounces) AS bounces,
        sum(readings) AS readings,
        sum(engaged_s) AS engaged_s,
        sum(scroll) AS scroll
    FROM (
        FROM archive.page_months
        WHERE site = $site AND date BETWEEN $whole_since AND $whole_until AND dimension = $rolled
        UNION ALL
        FROM archive.page_rollups
        WHERE site = $site AND date BETWEEN $first AND $last AND dimension = $rolled
          AND NOT date BETWEEN $whole_since AND $whole_until
    )
    GROUP BY ALL
)
JOIN (SELECT page, path AS value FROM archive.pages WHERE site = $site) USING (page)
