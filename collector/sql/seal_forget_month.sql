DELETE FROM archive.rolled_months WHERE site = $site AND month = date_trunc('month', $date);
