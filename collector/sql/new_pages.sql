-- Pages of the live store by what stands for a number where they have none.
UNION ALL
SELECT -1 - (hash(path) >> 1)::BIGINT, path
FROM /*unsealed_pages*/
