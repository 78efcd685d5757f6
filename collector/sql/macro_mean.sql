-- A mean in whole parts of one (10: one decimal), halves up; NULL of nothing.
CREATE OR REPLACE MACRO mean(total, number, parts) AS
CASE WHEN number > 0 THEN ((2 * parts * total + number) // (2 * number))::DOUBLE / parts END;
