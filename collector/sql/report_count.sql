-- How many rows a report has.
SELECT count(*)
FROM /*report*/;
