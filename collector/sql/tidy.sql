-- Asks for eight gigabytes at once, which is more than there may be: to make room for it, DuckDB goes
-- through all that it could evict. There each block stands that any statement worked with, and what
-- is known of a block that is gone takes up memory until a queue has 32,768 of them; there are eight.
-- Source: https://github.com/duckdb/duckdb/pull/10594
SELECT count(*)
FROM read_json(
    $file,
    format = 'newline_delimited',
    columns = {nothing: 'INTEGER'},
    maximum_object_size = 4_294_967_295  -- twice this is allocated
);
