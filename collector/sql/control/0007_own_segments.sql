-- The account that keeps filters for itself; NULL for those that all who look at the site share.
ALTER TABLE segments ADD COLUMN user INTEGER;

CREATE TRIGGER users_forgotten AFTER DELETE ON users BEGIN
    DELETE FROM segments WHERE user = OLD.id;
END;
