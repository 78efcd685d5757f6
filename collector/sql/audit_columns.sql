SELECT database_name, table_name, column_name, data_type
FROM duckdb_columns()
WHERE database_name IN ('live', 'archive') AND NOT internal;
