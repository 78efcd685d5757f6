-- Pageviews and custom events of a month as a Parquet file, with words for numbers.
COPY (
    SELECT
        s.domain AS site,
        e.date,
        e.visitor,
        e.visit,
        e.step,
        e.hour,
        e.name,
        e.host,
        p.path AS page,
        e.interactive,
        e.engaged_s,
        e.scroll,
        e.props,
        e.revenue,
        e.currency,
        a.* EXCLUDE (site, arrival, digest)
    FROM archive.events e
    JOIN (SELECT unnest($sites) AS site, unnest($domains) AS domain) s ON s.site = e.site
    LEFT JOIN archive.pages p ON p.site = e.site AND p.page = e.page
    LEFT JOIN archive.arrivals a ON a.site = e.site AND a.arrival = e.arrival
    WHERE e.date >= $first AND e.date < $next
) TO $file (FORMAT parquet, COMPRESSION zstd);
