-- What visitors took back: events of these tokens up to these moments are not counted, also when they
-- are loaded later, out of the chunk of another process.
CREATE TABLE live.erasures (
    site INTEGER,
    date DATE,
    token UBIGINT,
    at_us BIGINT            -- microseconds since the epoch, UTC
);
