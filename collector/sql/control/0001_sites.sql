-- Times are microseconds since the epoch, UTC, as in the journal.
-- AUTOINCREMENT: the id of a site that is gone is never given to another, so that numbers which
-- were not deleted yet cannot be taken for somebody else's.
CREATE TABLE sites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    domain TEXT NOT NULL,
    timezone TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
);

-- A removed site keeps its row until its numbers are deleted; its domain is free again at once.
CREATE UNIQUE INDEX sites_standing ON sites (domain) WHERE removed_at IS NULL;

-- Counts changes to sites, whoever made them: PRAGMA data_version does not see those of its own
-- connection.
CREATE TABLE revision (number INTEGER NOT NULL);
INSERT INTO revision VALUES (0);

CREATE TRIGGER sites_inserted AFTER INSERT ON sites BEGIN
    UPDATE revision SET number = number + 1;
END;

CREATE TRIGGER sites_updated AFTER UPDATE ON sites BEGIN
    UPDATE revision SET number = number + 1;
END;

CREATE TRIGGER sites_deleted AFTER DELETE ON sites BEGIN
    UPDATE revision SET number = number + 1;
END;
