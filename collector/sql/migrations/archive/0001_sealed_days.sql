-- Days that are over. Nothing here is derived from an address or a user agent but the coarse
-- device and country; `visitor` is a random number within one site and day.
CREATE TABLE archive.sealed (
    site INTEGER,
    date DATE,
    sealed_at_us BIGINT,       -- microseconds since the epoch, UTC
    visits INTEGER,
    events INTEGER,
    day_keys INTEGER        -- more than 1: returning visitors count twice
);

CREATE TABLE archive.visits (
    site INTEGER,
    date DATE,
    visitor UINTEGER,
    visit USMALLINT,        -- 1 for the visitor's first of the day
    hour UTINYINT,          -- local to the site
    duration_s INTEGER,
    pageviews INTEGER,
    events INTEGER,
    is_bounce BOOLEAN,
    entry_host VARCHAR,
    exit_host VARCHAR,
    entry_page VARCHAR,
    exit_page VARCHAR,
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

CREATE TABLE archive.events (
    site INTEGER,
    date DATE,
    visitor UINTEGER,
    visit USMALLINT,
    step USMALLINT,         -- order within the visit
    hour UTINYINT,
    name VARCHAR,
    host VARCHAR,
    path VARCHAR,
    interactive BOOLEAN,
    engaged_s INTEGER,      -- of a pageview: all engagement with that page that followed
    scroll UTINYINT,        -- tenths of the page, the deepest
    props MAP(VARCHAR, VARCHAR),
    revenue DECIMAL(18, 3),
    currency VARCHAR
);

-- Sums of each sealed day by the values of one dimension; `dimension` is a column of a visit or an
-- event, 'total' of everything, 'hour' of when. Over days all of them can be added up, visitors
-- too, since a visitor is one of a day.
CREATE TABLE archive.rollups (
    site INTEGER,
    date DATE,
    dimension VARCHAR,
    value VARCHAR,
    visitors INTEGER,
    visits INTEGER,
    pageviews INTEGER,
    events INTEGER,
    duration_s BIGINT,      -- of these visits
    entries INTEGER,        -- those of them that bounces are counted among
    bounces INTEGER,
    readings INTEGER,       -- pages by visit
    engaged_s BIGINT,       -- of these
    scroll BIGINT           -- tenths of the page, the deepest of each of these, summed up
);

-- The same by page, entry page and exit page: a hundred times as many rows as all others.
CREATE TABLE archive.page_rollups AS FROM archive.rollups;

-- The same of whole months; `date` is their first day.
CREATE TABLE archive.page_months AS FROM archive.rollups;

-- Months that stand in page_months: a later day of their site is sealed.
CREATE TABLE archive.rolled_months (site INTEGER, month DATE);

CREATE TABLE archive.drops (site INTEGER, date DATE, reason VARCHAR, count BIGINT);

-- Sites that were removed: whatever still speaks of them is passed over.
CREATE TABLE archive.removed_sites (site INTEGER, removed_at_us BIGINT);
