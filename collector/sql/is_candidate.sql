/*metric*/ >= (
    SELECT coalesce(min( /*metric*/ ), 0)
    FROM (SELECT /*metric*/ FROM summed ORDER BY /*metric*/ DESC NULLS LAST LIMIT $limit + $offset)
)
