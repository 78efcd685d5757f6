-- The last migration that was applied.
SELECT coalesce(max(version), 0) FROM archive.migrations;
