INSERT INTO live.visits SELECT * EXCLUDE (island) FROM computed;
