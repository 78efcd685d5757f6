-- Chunks loaded to their end of which every day is sealed or its site removed.
SELECT chunk
FROM (SELECT chunk FROM live.ledger GROUP BY chunk HAVING bool_or(is_last)) l
WHERE NOT EXISTS (
    FROM live.chunk_days d
    WHERE d.chunk = l.chunk
      AND NOT EXISTS (FROM archive.sealed s WHERE s.site = d.site AND s.date = d.date)
      AND NOT EXISTS (FROM archive.removed_sites r WHERE r.site = d.site)
);
