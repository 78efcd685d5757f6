-- The verified lines of one passage, less those of sealed days and removed sites. How a visitor
-- arrives, eleven words that are much the same for many, is one column and gets a number; so does a path.
CREATE TEMP TABLE batch AS
SELECT *, md5_number_lower(to_json(parts)) AS digest, md5_number_lower(path) AS path_digest
FROM (
    SELECT
        kind, site, date, hour, at_us, token, name, host, path,
        coalesce(interactive, true) AS interactive, coalesce(engaged_s, 0) AS engaged_s,
        coalesce(scroll, 0) AS scroll, props, revenue, currency, reason, count,
        CASE WHEN kind = 'event' THEN [
            coalesce(source, ''), coalesce(channel, ''), coalesce(referrer, ''),
            coalesce(utm_source, ''), coalesce(utm_medium, ''), coalesce(utm_campaign, ''),
            coalesce(country, ''), coalesce(device, ''), coalesce(browser, ''), coalesce(os, ''),
            coalesce(screen, '')
        ] END AS parts
    FROM read_json(
        $file,
        format = 'newline_delimited',
        maximum_object_size = 262_144,  -- twice this is allocated per thread; lines are far shorter
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
    ANTI JOIN archive.sealed USING (site, date)
    ANTI JOIN archive.removed_sites USING (site)
);
