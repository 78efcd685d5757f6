-- Of a report the rows that have certain values for its dimensions, however many others there are.
SELECT *
FROM /*report*/
SEMI JOIN (SELECT /*wanted*/) USING ( /*keys*/ );
