SELECT chunk, max(end_byte), bool_or(is_last) FROM live.ledger GROUP BY chunk;
