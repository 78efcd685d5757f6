-- A day that is sealed after one of a later month: its month is summed up anew.
DELETE FROM archive.page_months WHERE site = $site AND date = date_trunc('month', $date);
