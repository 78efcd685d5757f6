-- Rows, a JSON object each, as a Parquet file; also the names and types of columns are bound.
COPY (SELECT line.* FROM (SELECT unnest(from_json($lines, $form)) AS line))
TO $file (FORMAT parquet, USE_TMP_FILE false, KV_METADATA {gatecount: $about});
