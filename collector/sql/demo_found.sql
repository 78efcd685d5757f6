-- Whether anything was ever counted here.
SELECT EXISTS (FROM archive.sealed) OR EXISTS (FROM archive.drops) OR EXISTS (FROM live.ledger);
