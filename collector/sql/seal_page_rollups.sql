INSERT INTO archive.page_rollups
FROM capped
WHERE dimension IN ('path', 'entry_page', 'exit_page')
ORDER BY dimension, value;
