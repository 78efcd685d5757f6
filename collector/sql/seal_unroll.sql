-- A day that is sealed after one of a later week, month or quarter: its own is summed up anew.
DELETE FROM archive.page_spans WHERE site = $site AND date = date_trunc(span, $date);
