-- A sum of whole numbers. DuckDB adds integers up in 128 bits, which takes several times as long
-- where there are many groups; a DOUBLE is exact up to 2^53.
CREATE OR REPLACE MACRO total(number) AS sum(number::DOUBLE);
