-- Pages, the most popular first.
CREATE OR REPLACE TEMP TABLE demo_paths AS
SELECT rank, path, md5_number_lower(path) AS digest
FROM (
    SELECT
        n AS rank,
        CASE WHEN n = 1 THEN '/' ELSE '/' || $sections[1 + (hash(n) >> 33)::BIGINT % len($sections)]
            || '/' || $words[1 + (hash(n + 1) >> 33)::BIGINT % len($words)]
            || '-' || $words[1 + (hash(n + 2) >> 33)::BIGINT % len($words)] || '-' || n END AS path
    FROM range(1, $paths + 1) numbered(n)
);
