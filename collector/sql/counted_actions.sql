-- All actions of days that are not sealed by hour and name, and by whether they are the first of their
-- visitor's day with these.
SELECT date, hour, name, new_hour, new_name, count(*) AS events
FROM /*events*/
WHERE name <> 'engagement'
GROUP BY ALL;
