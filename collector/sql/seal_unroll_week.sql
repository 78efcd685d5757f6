-- A day that is sealed after one of a later week: its week is summed up anew.
DELETE FROM archive.page_weeks WHERE site = $site AND date = date_trunc('week', $date);
