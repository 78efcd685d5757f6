-- Also of the span that is gone in part: the next sealing sums up what is left of it.
DELETE FROM archive.page_spans WHERE site = $site AND date < $before;
