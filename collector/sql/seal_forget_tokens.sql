-- The way back from a number to a token ends with the transaction.
DROP TABLE ordinals; DROP TABLE computed; DROP TABLE numbered; DROP TABLE readings;
DROP TABLE rolled; DROP TABLE capped;
