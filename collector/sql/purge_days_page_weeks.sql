-- Also of the week that is gone in part: the next sealing sums up what is left of it.
DELETE FROM archive.page_weeks WHERE site = $site AND date < $before;
