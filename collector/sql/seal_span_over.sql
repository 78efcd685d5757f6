INSERT INTO archive.rolled_spans VALUES ($site, $span, $first);
