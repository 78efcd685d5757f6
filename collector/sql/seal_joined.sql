-- How many lines of engagement belong to a page, a row for each share of the day; the rest is late.
CREATE OR REPLACE TEMP TABLE joined (parts BIGINT);
