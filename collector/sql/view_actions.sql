-- Pageviews and custom events by hour, of sealed and unsealed days alike.
CREATE OR REPLACE VIEW actions AS
SELECT site, date, visitor::UBIGINT AS visitor, hour, name FROM archive.events
UNION ALL
SELECT site, date, token, hour, name FROM live.events u
WHERE name <> 'engagement'
  AND NOT EXISTS (FROM archive.sealed s WHERE s.site = u.site AND s.date = u.date);
