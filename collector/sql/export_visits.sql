-- Visits of a month as a Parquet file, with words for numbers. `visitor` is random, of one day.
COPY (
    SELECT
        s.domain AS site,
        v.date,
        v.visitor,
        v.visit,
        v.hour,
        v.duration_s,
        v.pageviews,
        v.events,
        v.is_bounce,
        v.entry_host,
        i.path AS entry_page,
        v.exit_host,
        o.path AS exit_page,
        a.* EXCLUDE (site, arrival, digest)
    FROM archive.visits v
    JOIN (SELECT unnest($sites) AS site, unnest($domains) AS domain) s ON s.site = v.site
    LEFT JOIN archive.pages i ON i.site = v.site AND i.page = v.entry_page
    LEFT JOIN archive.pages o ON o.site = v.site AND o.page = v.exit_page
    LEFT JOIN archive.arrivals a ON a.site = v.site AND a.arrival = v.arrival
    WHERE v.date >= $first AND v.date < $next
) TO $file (FORMAT parquet, COMPRESSION zstd);
