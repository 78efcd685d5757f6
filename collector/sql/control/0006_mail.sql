-- Who is to get which mails about a site. `user` is an account.
CREATE TABLE subscriptions (
    user INTEGER NOT NULL,
    site INTEGER NOT NULL,
    kind TEXT NOT NULL,
    least INTEGER NOT NULL,  -- visitors, from which or under which an alert is sent; 0 of reports
    token TEXT NOT NULL UNIQUE,  -- ends it without logging in
    language TEXT NOT NULL,  -- of the page it was ordered on
    done TEXT NOT NULL,  -- the last day reported; of an alert since when it is on, or ''
    PRIMARY KEY (user, site, kind)
);

-- Mails that wait to be sent.
CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription TEXT NOT NULL,  -- its token; '' of a letter that belongs to none
    recipient TEXT NOT NULL,
    message BLOB NOT NULL,
    next_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    unclear INTEGER NOT NULL  -- tries of which nobody knows whether they succeeded
);

CREATE TRIGGER subscriptions_ended AFTER DELETE ON subscriptions BEGIN
    DELETE FROM letters WHERE subscription = OLD.token;
END;

CREATE TRIGGER sites_no_longer_reported AFTER UPDATE OF removed_at ON sites BEGIN
    DELETE FROM subscriptions WHERE site = OLD.id;
END;

CREATE TRIGGER users_no_longer_written_to AFTER DELETE ON users BEGIN
    DELETE FROM subscriptions WHERE user = OLD.id;
END;
