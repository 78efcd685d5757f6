-- The lines are read a second time, which costs less than keeping all of them in between.
INSERT INTO live.events
SELECT
    site, date, hour, at_us, token, name, host, path, coalesce(source, ''), coalesce(channel, ''),
    coalesce(referrer, ''), coalesce(utm_source, ''), coalesce(utm_medium, ''),
    coalesce(utm_campaign, ''), coalesce(country, ''), coalesce(device, ''), coalesce(browser, ''),
    coalesce(os, ''), coalesce(screen, ''), coalesce(interactive, true), coalesce(engaged_s, 0),
    coalesce(scroll, 0), props, revenue, currency
FROM read_json(
    $file,
    format = 'newline_delimited',
    maximum_object_size = 262_144,  -- as in load_batch
    columns = {
        kind: 'VARCHAR', site: 'INTEGER', date: 'DATE', hour: 'UTINYINT', at_us: 'BIGINT',
        token: 'UBIGINT', name: 'VARCHAR', host: 'VARCHAR', path: 'VARCHAR', source: 'VARCHAR',
        channel: 'VARCHAR', referrer: 'VARCHAR', utm_source: 'VARCHAR', utm_medium: 'VARCHAR',
        utm_campaign: 'VARCHAR', country: 'VARCHAR', device: 'VARCHAR', browser: 'VARCHAR',
        os: 'VARCHAR', screen: 'VARCHAR', interactive: 'BOOLEAN', engaged_s: 'INTEGER',
        scroll: 'UTINYINT', props: 'MAP(VARCHAR, VARCHAR)', revenue: 'DECIMAL(18, 3)',
        currency: 'VARCHAR'
    }
) AS lines
WHERE kind = 'event'
  AND NOT EXISTS (FROM archive.sealed s WHERE s.site = lines.site AND s.date = lines.date)
  AND NOT EXISTS (FROM archive.removed_sites r WHERE r.site = lines.site);
