-- Days that are not over. All of it can be rebuilt from the journal.
-- No index, key or constraint: DuckDB loses index entries at a checkpoint after WAL replay.
CREATE TABLE live.events (
    site INTEGER,
    date DATE,
    hour UTINYINT,          -- local to the site
    at_us BIGINT,              -- microseconds since the epoch, UTC
    token UBIGINT,
    name VARCHAR,
    host VARCHAR,
    page INTEGER,
    arrival INTEGER,
    interactive BOOLEAN,
    engaged_s INTEGER,
    scroll UTINYINT,        -- tenths of the page
    props MAP(VARCHAR, VARCHAR),
    revenue DECIMAL(18, 3),
    currency VARCHAR,
    new_page BOOLEAN,       -- its visitor's first action of the day on this page: visitors are a sum of these
    new_name BOOLEAN,       -- ... with this name
    new_hour BOOLEAN        -- ... in this hour
);

-- Paths, site by site: many events are of few, and a number is shorter, and sooner counted by.
CREATE TABLE live.pages (
    site INTEGER,
    page INTEGER,           -- from 1 on
    digest UBIGINT,         -- half of the MD5 of the path: finds it again, and orders what is of one moment
    path VARCHAR
);

-- How visitors arrive: from where, and with what. Events and visits hold only the number of it:
-- eleven words that are much the same for many are most of what an event would be.
CREATE TABLE live.arrivals (
    arrival INTEGER,        -- from 1 on
    digest UBIGINT,         -- half of the MD5 of the words below: finds them again
    source VARCHAR,
    channel VARCHAR,
    referrer VARCHAR,
    utm_source VARCHAR,
    utm_medium VARCHAR,
    utm_campaign VARCHAR,
    country VARCHAR,
    device VARCHAR,
    browser VARCHAR,
    os VARCHAR,
    screen VARCHAR
);

-- One row per visit, kept up to date with every batch for the visitors in it. A visitor and a
-- start name it.
CREATE TABLE live.visits (
    site INTEGER,
    date DATE,
    token UBIGINT,
    started_at_us BIGINT,   -- its first pageview or custom event
    last_at_us BIGINT,      -- its last event of any kind: half an hour later it is over
    hour UTINYINT,
    duration_s INTEGER,
    pageviews INTEGER,
    events INTEGER,
    is_bounce BOOLEAN,
    entry_host VARCHAR,
    exit_host VARCHAR,
    entry_page INTEGER,     -- 0: none
    exit_page INTEGER,
    arrival INTEGER,
    hours INTEGER,          -- in which hours its visitor acted: a bit for each
    mark UTINYINT,          -- 1 its visitor's only one of the day, 2 the first of several, 3 a later one
    view_mark UTINYINT,     -- 2 the first with a pageview, 3 a later one, 0 without any; 1 as in mark
    entry_page_mark UTINYINT,    -- 2 the first with this entry page, 3 a later one; and so on
    exit_page_mark UTINYINT,
    source_mark UTINYINT,
    channel_mark UTINYINT,
    referrer_mark UTINYINT,
    utm_campaign_mark UTINYINT
);

-- Which bytes of which chunk have been loaded; committed together with what they became.
CREATE TABLE live.ledger (
    chunk VARCHAR,
    first_byte BIGINT,
    end_byte BIGINT,
    is_last BOOLEAN         -- the chunk is finished and this reaches its end
);

-- Which days a chunk speaks of: it can go once all of them are sealed.
CREATE TABLE live.chunk_days (chunk VARCHAR, site INTEGER, date DATE);

CREATE TABLE live.drops (site INTEGER, date DATE, reason VARCHAR, count BIGINT);

-- Day keys made; a second one for a day means that returning visitors count twice.
CREATE TABLE live.day_keys (site INTEGER, date DATE, at_us BIGINT);
