-- The way back from a number to a token ends with the transaction. A day without visitors made only
-- some of these.
DROP TABLE IF EXISTS ordinals;
DROP TABLE IF EXISTS numbered;
DROP TABLE IF EXISTS computed;
DROP TABLE IF EXISTS placed;
DROP TABLE IF EXISTS readings;
DROP TABLE IF EXISTS joined;
DROP TABLE IF EXISTS page_visits;
DROP TABLE IF EXISTS name_visits;
DROP TABLE IF EXISTS day_paths;
DROP TABLE IF EXISTS day_names;
DROP TABLE IF EXISTS day_hosts;
DROP TABLE IF EXISTS rolled;
DROP TABLE IF EXISTS rolled_pages;
