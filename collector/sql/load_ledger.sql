INSERT INTO live.ledger VALUES ($chunk, $first_byte, $end_byte, $is_last);
