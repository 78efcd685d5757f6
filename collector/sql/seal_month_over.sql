INSERT INTO archive.rolled_months VALUES ($site, $month);
