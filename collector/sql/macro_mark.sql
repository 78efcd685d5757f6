-- How a row is marked if there are such ones before it and after it: see the archive's tables.
CREATE OR REPLACE MACRO mark(before, after) AS
CASE WHEN before THEN 3 WHEN after THEN 2 ELSE 1 END::UTINYINT;
