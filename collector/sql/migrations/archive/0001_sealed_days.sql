-- Days that are over. Nothing here is derived from an address or a user agent but the country and
-- the families of device, browser and system; `visitor` is a random number within one site and day.
CREATE TABLE archive.sealed (
    site INTEGER,
    date DATE,
    sealed_at_us BIGINT,       -- microseconds since the epoch, UTC
    visits INTEGER,
    events INTEGER,
    day_keys INTEGER        -- more than 1: returning visitors count twice
);

-- The paths of each site's pages, numbered: a number is shorter, and sooner compared.
CREATE TABLE archive.pages (site INTEGER, page INTEGER, path VARCHAR);

-- How visitors arrive: from where, and with what; numbered as pages are.
CREATE TABLE archive.arrivals (
    site INTEGER,
    arrival INTEGER,
    digest UBIGINT,         -- of the words below, as in live.arrivals
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

-- A mark says where a row stands among those of its visitor's day that have the same value: 1, the
-- only visit with it; 2, the first of several; 3, a later one. Visitors are a sum of marks under 3
-- and need not be told apart. Country, device, browser and os are the visitor's own: `mark` is theirs.
CREATE TABLE archive.visits (
    site INTEGER,
    date DATE,
    visitor UINTEGER,
    visit USMALLINT,        -- 1 for the visitor's first of the day
    mark UTINYINT,
    hour UTINYINT,          -- local to the site
    hours UINTEGER,         -- in which it acted: a bit for each, the lowest for `hour`, then round the clock
    duration_s INTEGER,
    pageviews INTEGER,
    events INTEGER,
    is_bounce BOOLEAN,
    entry_host VARCHAR,
    exit_host VARCHAR,
    entry_page INTEGER,
    exit_page INTEGER,
    arrival INTEGER,
    view_mark UTINYINT,     -- among the visits with a pageview, 0 if it has none
    entry_page_mark UTINYINT,
    exit_page_mark UTINYINT,
    source_mark UTINYINT,
    channel_mark UTINYINT,
    referrer_mark UTINYINT,
    utm_campaign_mark UTINYINT
);

CREATE TABLE archive.events (
    site INTEGER,
    date DATE,
    visitor UINTEGER,
    visit USMALLINT,
    step USMALLINT,         -- order within the visit; all beyond the largest have that
    arrival INTEGER,        -- of the visit
    hour UTINYINT,
    is_view BOOLEAN,        -- a pageview, else a custom event: sooner asked than the name
    name VARCHAR,
    name_mark UTINYINT,     -- of the visit's first with this name, else 0
    host VARCHAR,
    page INTEGER,
    page_mark UTINYINT,     -- of the visit's first on this page, else 0
    interactive BOOLEAN,
    engaged_s INTEGER,      -- of a pageview: all engagement with that page that followed
    scroll UTINYINT,        -- tenths of the page, the deepest
    props MAP(VARCHAR, VARCHAR),
    revenue DECIMAL(18, 3),
    currency VARCHAR
);

-- Sums of each sealed day by the values of one dimension; `dimension` is a column of a visit or an
-- event, 'total' of everything, 'hour' of when, 'began' and 'ended' of when first and last. Over
-- days all of them can be added up, visitors too, since a visitor is one of a day.
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

-- The same of visits by how they arrived and by their marks, of which a row has one of each: what is
-- asked of how visitors arrive is a sum of these, and a fifth of the rows. A visitor's only visit
-- has 1 throughout.
CREATE TABLE archive.arrival_rollups (
    site INTEGER,
    date DATE,
    arrival INTEGER,
    mark UTINYINT,
    view_mark UTINYINT,
    source_mark UTINYINT,
    channel_mark UTINYINT,
    referrer_mark UTINYINT,
    utm_campaign_mark UTINYINT,
    visits INTEGER,
    pageviews INTEGER,
    events INTEGER,
    duration_s BIGINT,
    bounces INTEGER
);

-- Sums by page, and of the visits that a page began and ended: a hundred times as many rows as
-- all others. Each page has one, so that its number stands there once. `entries` and `bounces` are
-- those of the page; `exit_bounces` are those of visits that ended there.
CREATE TABLE archive.page_rollups (
    site INTEGER,
    date DATE,
    page INTEGER,
    visitors INTEGER,
    visits INTEGER,
    pageviews INTEGER,
    events INTEGER,
    duration_s BIGINT,
    entries INTEGER,
    bounces INTEGER,
    readings INTEGER,
    engaged_s BIGINT,
    scroll BIGINT,
    entry_visitors INTEGER,
    entry_pageviews INTEGER,
    entry_events INTEGER,
    entry_duration_s BIGINT,
    exits INTEGER,
    exit_visitors INTEGER,
    exit_pageviews INTEGER,
    exit_events INTEGER,
    exit_duration_s BIGINT,
    exit_bounces INTEGER
);

-- The same of whole weeks, months and quarters; `date` is their first day.
CREATE TABLE archive.page_spans AS SELECT 'week' AS span, * FROM archive.page_rollups;

-- What stands in it: a later day than those of the span is sealed.
CREATE TABLE archive.rolled_spans (site INTEGER, span VARCHAR, date DATE);

CREATE TABLE archive.drops (site INTEGER, date DATE, reason VARCHAR, count BIGINT);

-- Sites that were removed: whatever still speaks of them is passed over.
CREATE TABLE archive.removed_sites (site INTEGER, removed_at_us BIGINT);
