-- The verified lines of one passage, less those of sealed days and removed sites.
CREATE OR REPLACE TEMP TABLE batch AS
SELECT lines.*
FROM read_json(
    $file,
    format = 'newline_delimited',
    maximum_object_size = 262_144,  -- twice this is allocated for each thread; a line is far shorter
    columns = {
        kind: 'VARCHAR', site: 'INTEGER', date: 'DATE', hour: 'UTINYINT', at_us: 'BIGINT',
        token: 'UBIGINT', name: 'VARCHAR', host: 'VARCHAR', path: 'VARCHAR', source: 'VARCHAR',
        channel: 'VARCHAR', referrer: 'VARCHAR', utm_source: 'VARCHAR', utm_medium: 'VARCHAR',
        utm_campaign: 'VARCHAR', country: 'VARCHAR', device: 'VARCHAR', browser: 'VARCHAR',
        os: 'VARCHAR', screen: 'VARCHAR', interactive: 'BOOLEAN', engaged_s: 'INTEGER',
        scroll: 'UTINYINT', props: 'MAP(VARCHAR, VARCHAR)', revenue: 'DECIMAL(18, 3)',
        currency: 'VARCHAR', reason: 'VARCHAR', count: 'BIGINT'
    }
) AS lines
WHERE NOT EXISTS (FROM archive.sealed s WHERE s.site = lines.site AND s.date = lines.date)
  AND NOT EXISTS (FROM archive.removed_sites r WHERE r.site = lines.site);
