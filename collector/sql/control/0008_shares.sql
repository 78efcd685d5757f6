-- What is shown of a site to people without an account.
CREATE TABLE publicity (
    site INTEGER NOT NULL PRIMARY KEY,
    is_public INTEGER NOT NULL,
    framers TEXT NOT NULL  -- origins whose pages may embed it, separated by blanks
);

-- Links that show a site's numbers to whoever has them. Of the token only a digest is kept, of a
-- password an Argon2id hash.
CREATE TABLE shares (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    site INTEGER NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password TEXT NOT NULL,  -- '' where none is asked for
    segment TEXT NOT NULL,   -- what the filters are called, '' without
    filters TEXT NOT NULL,   -- as they are written in addresses
    created_at INTEGER NOT NULL
);

CREATE TRIGGER sites_no_longer_shared AFTER UPDATE OF removed_at ON sites BEGIN
    DELETE FROM publicity WHERE site = OLD.id;
    DELETE FROM shares WHERE site = OLD.id;
END;
