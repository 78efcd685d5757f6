-- A key without sites is for all that its owner has: one whose last site is removed goes with it.
DROP TRIGGER sites_left;

CREATE TRIGGER sites_left AFTER DELETE ON sites BEGIN
    DELETE FROM memberships WHERE site = OLD.id;
    DELETE FROM links WHERE site = OLD.id;
    DELETE FROM api_keys
        WHERE id IN (SELECT key FROM api_key_sites WHERE site = OLD.id)
        AND id NOT IN (SELECT key FROM api_key_sites WHERE site <> OLD.id);
    DELETE FROM api_key_sites WHERE site = OLD.id;
    DELETE FROM networks WHERE site = OLD.id;
    DELETE FROM trail WHERE site = OLD.id;
END;
