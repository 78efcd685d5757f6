-- What the operator leaves out of a site's numbers. Networks are the operator's own, kept as the
-- first bytes of an address and how many of their bits count.
CREATE TABLE excluded_paths (
    site INTEGER NOT NULL,
    pattern TEXT NOT NULL
);

CREATE TABLE excluded_networks (
    site INTEGER NOT NULL,
    first BLOB NOT NULL,
    bits INTEGER NOT NULL
);

CREATE TRIGGER sites_unexcluded AFTER DELETE ON sites BEGIN
    DELETE FROM excluded_paths WHERE site = OLD.id;
    DELETE FROM excluded_networks WHERE site = OLD.id;
END;

-- The time zone that a site is to have from a moment on, or '', and when it last changed.
ALTER TABLE sites ADD COLUMN next_timezone TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN turns_at INTEGER;
ALTER TABLE sites ADD COLUMN turned_at INTEGER;
