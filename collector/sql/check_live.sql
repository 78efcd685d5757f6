-- Reads every block, so that damage shows at the start and not in the middle of a day.
SELECT
    (SELECT bit_xor(hash(e)) FROM live.events e),
    (SELECT bit_xor(hash(v)) FROM live.visits v),
    (SELECT bit_xor(hash(p)) FROM live.pages p),
    (SELECT bit_xor(hash(a)) FROM live.arrivals a),
    (SELECT bit_xor(hash(l)) FROM live.ledger l),
    (SELECT bit_xor(hash(c)) FROM live.chunk_days c),
    (SELECT bit_xor(hash(d)) FROM live.drops d),
    (SELECT bit_xor(hash(k)) FROM live.day_keys k),
    (SELECT bit_xor(hash(e)) FROM live.erasures e);
