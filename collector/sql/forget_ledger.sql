DELETE FROM live.ledger WHERE chunk NOT IN (SELECT unnest($left));
