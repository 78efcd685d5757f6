SELECT greatest(
    coalesce((SELECT max(at_us) FROM live.events), 0),
    coalesce((SELECT max(sealed_at_us) FROM archive.sealed), 0)
);
