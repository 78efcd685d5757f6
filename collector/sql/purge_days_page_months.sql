-- Also of the month that is gone in part: the next sealing sums up what is left of it.
DELETE FROM archive.page_months WHERE site = $site AND date < $before;
