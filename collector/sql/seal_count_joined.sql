INSERT INTO joined SELECT sum(parts) FROM readings;
