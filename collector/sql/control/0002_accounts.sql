-- Who may look. Of every secret that is made here only its digest is kept, so that who reads this
-- file learns no login, no link and no key; of passwords an Argon2id hash.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,   -- lower case; an account's name
    password TEXT NOT NULL,       -- a PHC string
    created_at INTEGER NOT NULL,
    handle BLOB NOT NULL UNIQUE,  -- by which passkeys know the account: random bytes
    totp_secret TEXT,             -- NULL while no codes are asked for
    totp_step INTEGER NOT NULL DEFAULT 0  -- the last time step whose code was taken
);

-- What somebody is to a site; site 0 is all of them, those to come too.
CREATE TABLE memberships (
    user INTEGER NOT NULL,
    site INTEGER NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (user, site)
);

CREATE TABLE logins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL,
    way TEXT NOT NULL,            -- by what it was opened
    opened_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL      -- to the hour
);

-- Browsers in which somebody has logged in: guessing elsewhere does not lock them out.
CREATE TABLE devices (
    digest BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL,
    used_at INTEGER NOT NULL
);

-- Marks the tokens of those browsers, so that a made-up one is told without a look into the table.
CREATE TABLE device_key (key BLOB NOT NULL);
INSERT INTO device_key VALUES (randomblob(32));

-- Links that are good once: to set up, to join, to choose a new password.
CREATE TABLE links (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,          -- '' where its holder chooses
    site INTEGER NOT NULL,
    role TEXT NOT NULL,
    made_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);

CREATE TABLE passkeys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL,
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
);

CREATE TABLE recovery_codes (
    digest BLOB NOT NULL PRIMARY KEY,
    user INTEGER NOT NULL
);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL,
    name TEXT NOT NULL,
    verbs TEXT NOT NULL,          -- separated by blanks
    created_at INTEGER NOT NULL,
    used_at INTEGER               -- to the hour
);

CREATE TABLE api_key_sites (
    key INTEGER NOT NULL,
    site INTEGER NOT NULL,
    PRIMARY KEY (key, site)
);

-- From where alone people of a role may come to a site.
CREATE TABLE networks (
    site INTEGER NOT NULL,
    role TEXT NOT NULL,
    network TEXT NOT NULL,
    PRIMARY KEY (site, role, network)
);

-- Who changed, exported or shared what. `who` outlives the account.
CREATE TABLE trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    site INTEGER NOT NULL,        -- 0 for all
    about TEXT NOT NULL
);

CREATE TRIGGER users_removed AFTER DELETE ON users BEGIN
    DELETE FROM memberships WHERE user = OLD.id;
    DELETE FROM logins WHERE user = OLD.id;
    DELETE FROM devices WHERE user = OLD.id;
    DELETE FROM passkeys WHERE user = OLD.id;
    DELETE FROM recovery_codes WHERE user = OLD.id;
    DELETE FROM api_keys WHERE user = OLD.id;
END;

CREATE TRIGGER api_keys_removed AFTER DELETE ON api_keys BEGIN
    DELETE FROM api_key_sites WHERE key = OLD.id;
END;

CREATE TRIGGER sites_left AFTER DELETE ON sites BEGIN
    DELETE FROM memberships WHERE site = OLD.id;
    DELETE FROM links WHERE site = OLD.id;
    DELETE FROM api_key_sites WHERE site = OLD.id;
    DELETE FROM networks WHERE site = OLD.id;
    DELETE FROM trail WHERE site = OLD.id;
END;
