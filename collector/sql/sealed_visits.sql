-- Visits of sealed days; pages and arrivals are numbers.
SELECT
    * REPLACE (
        (((hours::BIGINT << hour) | (hours::BIGINT >> (24 - hour))) & 16_777_215)::INTEGER AS hours
    )
FROM archive.visits
WHERE site = $site AND date BETWEEN $first AND $last
