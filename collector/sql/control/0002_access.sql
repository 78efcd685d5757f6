-- Digests only: who reads this file learns neither the key nor a login.
CREATE TABLE access_key (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    digest BLOB NOT NULL
);

CREATE TABLE logins (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
