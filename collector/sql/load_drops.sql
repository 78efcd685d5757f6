INSERT INTO live.drops SELECT site, date, reason, count FROM batch WHERE kind = 'drops';
