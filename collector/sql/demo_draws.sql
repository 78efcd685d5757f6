-- What chance draws from: a thousand rows, in which what is likelier stands more often.
INSERT INTO demo_draws
SELECT
    $kind, unnest(range($draws)), unnest(string_split($hours, ',')),
    unnest(string_split($source_of, ',')), unnest(string_split($country_of, ',')),
    unnest(string_split($device_of, ',')), unnest(string_split($event_of, ','));
