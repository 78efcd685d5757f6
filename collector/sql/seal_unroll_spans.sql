DELETE FROM archive.rolled_spans
WHERE site = $site AND date = date_trunc(span, $date);
