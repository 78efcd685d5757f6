-- The last day of a week, month or quarter that begins on a date.
CREATE OR REPLACE MACRO span_end(span, date) AS
CASE span
    WHEN 'week' THEN date + 6
    WHEN 'month' THEN last_day(date)
    ELSE last_day(date + INTERVAL 2 MONTH)
END;
