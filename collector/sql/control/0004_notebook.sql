-- What editors write down: what happened on a day of a site, and filters worth keeping.
CREATE TABLE annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site INTEGER NOT NULL,
    date TEXT NOT NULL,
    text TEXT NOT NULL
);

CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site INTEGER NOT NULL,
    name TEXT NOT NULL,
    filters TEXT NOT NULL
);

CREATE TRIGGER sites_forgotten AFTER DELETE ON sites BEGIN
    DELETE FROM annotations WHERE site = OLD.id;
    DELETE FROM segments WHERE site = OLD.id;
END;
