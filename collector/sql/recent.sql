-- What happened since a moment, told apart in several ways at once: by minutes ago, page, source,
-- country, and not at all.
WITH recent AS (
    SELECT token, name, path, coalesce(source, '') AS source, coalesce(country, '') AS country,
        ($until_us - at_us) // 60_000_000 AS minutes_ago
    FROM live.events
    LEFT JOIN live.arrivals USING (arrival)
    WHERE site = $site AND at_us > $since_us AND at_us <= $until_us
),
told AS (
    SELECT
        CASE grouping_id(minutes_ago, path, source, country)
            WHEN 7 THEN 'minute' WHEN 11 THEN 'page' WHEN 13 THEN 'source' WHEN 14 THEN 'country'
            ELSE 'total'
        END AS kind,
        coalesce(minutes_ago::VARCHAR, path, source, country, '') AS value,
        count(DISTINCT token) AS visitors,
        count(*) FILTER (name = 'pageview') AS pageviews
    FROM recent
    GROUP BY GROUPING SETS ((minutes_ago), (path), (source), (country), ())
)
FROM told
QUALIFY kind = 'minute' OR row_number() OVER (PARTITION BY kind ORDER BY visitors DESC, value) <= 10
ORDER BY kind, visitors DESC, value;
