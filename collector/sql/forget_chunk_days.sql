DELETE FROM live.chunk_days WHERE chunk NOT IN (SELECT unnest($left));
