-- Engagement that belongs to a page.
CREATE OR REPLACE TEMP TABLE joined (parts BIGINT);
