-- What visitors are promised of a site, and how far it is kept.
ALTER TABLE sites ADD COLUMN retention_months INTEGER NOT NULL DEFAULT 25;
-- The site's local date on which days were last deleted for their age, or ''.
ALTER TABLE sites ADD COLUMN purged_on TEXT NOT NULL DEFAULT '';
-- 1 from when the operator changes retention_months until all that is due then is deleted.
ALTER TABLE sites ADD COLUMN purges_all INTEGER NOT NULL DEFAULT 0;
-- Days that should be deleted by now and are not.
ALTER TABLE sites ADD COLUMN overdue_days INTEGER NOT NULL DEFAULT 0;

-- Every change to a setting that the privacy statement speaks of.
CREATE TABLE setting_changes (
    changed_at INTEGER NOT NULL,
    site INTEGER NOT NULL,  -- 0 for all
    setting TEXT NOT NULL,
    before TEXT,            -- NULL in the line that the record begins with
    after TEXT NOT NULL
);

-- Days that are over and could not be sealed when that was last tried.
CREATE TABLE refused_days (
    site INTEGER NOT NULL,  -- 0 for what no known site had
    date TEXT NOT NULL,
    since INTEGER NOT NULL,
    error TEXT NOT NULL     -- what kind, without any value
);
