-- A made-up day of one site, as the loader leaves it. Chance is the hash of what it is about, mixed
-- from $seed; of a thousand draws, that with its number modulo a thousand.
-- Every seventh visit is the second of a reader, six hours from the first: no visit lasts that long.
INSERT INTO live.events BY NAME
WITH draws AS MATERIALIZED (
    SELECT * EXCLUDE (kind) FROM demo_draws WHERE kind = $kind
), planned AS (
    SELECT
        v % 7 = 6 AS returns,
        (hash($seed + v - (v % 7 = 6)::INTEGER) >> 1)::BIGINT AS reader,
        (hash($seed + v + 4_000_000_000) >> 1)::BIGINT AS visit,
        -- Spread evenly (the golden ratio), so that few visits have as many pages as many have.
        (v * 0.618033988749895::DOUBLE + $seed % 1000 / 1000) % 1 AS quantile
    FROM range($visits) made(v)
), visits AS (
    SELECT
        reader, visit, returns,
        CASE WHEN quantile < $one_page THEN 1 ELSE least(
            $pages_max,
            2 + floor(-ln((1 - quantile) / (1 - $one_page)) * $further_pages)::INTEGER
        ) END AS pages,
        -- Thirty pages take less than two hours.
        least(190, 5 - ln(1 - (visit >> 31) / 4_294_967_296) * $reading_s) AS pace_s,
        h.hour * 3600 + (reader >> 31) % 3600 AS first_s,
        (visit & 1023) < $spike_share * 1024 AS by_spike,
        s.source,
        c.country * $devices + d.device + 1 AS who
    FROM planned
    JOIN draws h ON h.k = reader % $draws
    JOIN draws s ON s.k = visit // 1024 % $draws
    JOIN draws c ON c.k = reader // 1_000_000 % $draws
    JOIN draws d ON d.k = reader // 1_000_000_000 % $draws
), timed AS (
    SELECT
        reader, visit, pages, pace_s, by_spike, who,
        least(
            CASE WHEN NOT returns THEN first_s WHEN first_s < 50_400 THEN first_s + 21_600
            ELSE first_s - 21_600 END,
            86_399 - pages * pace_s
        ) AS start_s,
        who + CASE WHEN by_spike THEN $spike_source ELSE source END * $countries * $devices AS came
    FROM visits
), opened AS (
    SELECT *, unnest(range(pages)) AS step FROM timed
), lucky AS (
    SELECT
        *,
        start_s + step * pace_s AS slot_s,
        (hash(xor(visit, step + 1)) >> 1)::BIGINT AS luck
    FROM opened
), views AS MATERIALIZED (
    SELECT
        reader, pace_s, slot_s, luck, who, event,
        CASE WHEN step = 0 THEN came ELSE who END AS arrival,
        -- Zipf's law: as many views of the first page as of the second and third, and so on.
        CASE WHEN by_spike AND step = 0 THEN $spike_page
        ELSE floor(pow($paths + 1, (luck >> 31) / 4_294_967_296))::BIGINT END AS rank
    FROM lucky
    JOIN draws ON k = luck // 32_768 % $draws
), events AS (
    SELECT
        'pageview' AS name, slot_s + pace_s * (luck & 255) / 512 AS at_s, arrival,
        true AS interactive, 0 AS engaged_s, 0 AS scroll, reader, rank,
        NULL::MAP(VARCHAR, VARCHAR) AS props, NULL AS revenue, NULL AS currency
    FROM views
    UNION ALL
    SELECT
        'engagement', slot_s + pace_s * 0.9, who, true,
        ceil(pace_s * 0.4 * ((luck & 127) + 1) / 128), 2 + (luck & 2047) // 228, reader, rank,
        NULL, NULL, NULL
    FROM views
    WHERE (luck >> 11) & 15 < $engaged_share * 16
    UNION ALL
    SELECT
        $event_names[event], slot_s + pace_s * 0.7, who, $event_interactive[event], 0, 0,
        reader, rank,
        map(
            [$event_properties[event]],
            [$event_values[event][1 + luck % len($event_values[event])]]
        ),
        $event_amounts[event], $event_currencies[event]
    FROM views
    WHERE event > 0
)
SELECT
    $site AS site,
    $date AS date,
    floor(at_s / 3600)::UTINYINT AS hour,
    $start_us + (at_s * 1_000_000)::BIGINT AS at_us,
    reader AS token,
    name, $host AS host, rank AS page, arrival, interactive, engaged_s, scroll, props, revenue, currency
FROM events;
