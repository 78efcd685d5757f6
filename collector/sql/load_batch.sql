-- What the verified lines of one passage are about, less those of sealed days and removed sites.
-- Narrow on purpose: a temporary table takes half a megabyte for each column, however few its rows.
CREATE OR REPLACE TEMP TABLE batch AS
SELECT lines.*
FROM read_json(
    $file,
    format = 'newline_delimited',
    maximum_object_size = 262_144,  -- twice this is allocated for each thread; a line is far shorter
    columns = {
        kind: 'VARCHAR', site: 'INTEGER', date: 'DATE', at_us: 'BIGINT', token: 'UBIGINT',
        reason: 'VARCHAR', count: 'BIGINT'
    }
) AS lines
WHERE NOT EXISTS (FROM archive.sealed s WHERE s.site = lines.site AND s.date = lines.date)
  AND NOT EXISTS (FROM archive.removed_sites r WHERE r.site = lines.site);
