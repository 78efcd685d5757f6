-- The way back from a number to a token ends with the transaction.
DROP TABLE ordinals; DROP TABLE numbered; DROP TABLE computed;
DROP TABLE placed; DROP TABLE readings; DROP TABLE page_visits; DROP TABLE name_visits;
DROP TABLE day_paths; DROP TABLE day_names; DROP TABLE day_hosts; DROP TABLE rolled;
DROP TABLE rolled_pages;
