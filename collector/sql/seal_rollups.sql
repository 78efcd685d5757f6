INSERT INTO archive.rollups
FROM capped
WHERE dimension NOT IN ('path', 'entry_page', 'exit_page')
ORDER BY dimension, value;
