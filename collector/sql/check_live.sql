-- Reads every block, so that damage shows at the start and not in the middle of a day.
-- One after another: as parts of one row they would take the planner ten times as long.
SELECT bit_xor(hash(e)) FROM live.events e
UNION ALL
SELECT bit_xor(hash(v)) FROM live.visits v
UNION ALL
SELECT bit_xor(hash(p)) FROM live.pages p
UNION ALL
SELECT bit_xor(hash(a)) FROM live.arrivals a
UNION ALL
SELECT bit_xor(hash(l)) FROM live.ledger l
UNION ALL
SELECT bit_xor(hash(c)) FROM live.chunk_days c
UNION ALL
SELECT bit_xor(hash(d)) FROM live.drops d
UNION ALL
SELECT bit_xor(hash(k)) FROM live.day_keys k
UNION ALL
SELECT bit_xor(hash(e)) FROM live.erasures e;
