-- A mean in whole parts of one (10: one decimal), halves up; NULL of nothing.
CREATE OR REPLACE MACRO mean(total, number, parts) AS
CASE
    WHEN number > 0
    THEN ((2 * parts * total::HUGEINT + number::HUGEINT) // (2 * number::HUGEINT))::DOUBLE / parts
END;
