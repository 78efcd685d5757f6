INSERT INTO live.day_keys SELECT site, date, at_us FROM batch WHERE kind = 'key';
