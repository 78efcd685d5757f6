SELECT 1 FROM live.ledger LIMIT 1;
