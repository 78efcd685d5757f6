-- Else they would take up memory until the next batch.
DROP TABLE batch; DROP TABLE touched;
