-- How far is each gemeente?  Per operator and gemeente, then the operator's total (nis empty).
--
-- Parameters:
--   snapshot_id  the snapshot, whose hydrants (snapshot_hydrant) were judged by status.sql
--
--   registered = checked + remaining        checked = ok + failed
--
-- Every gemeente under contract on the snapshot's day has a line, also without hydrants;
-- so does every gemeente with hydrants, also without a contract.

WITH this AS (
    SELECT snapshot_id, as_of
    FROM snapshot
    WHERE snapshot_id = :snapshot_id
),

line AS (
    SELECT c.operator, c.nis
    FROM contract AS c
    JOIN this ON c.valid_from <= this.as_of AND (c.valid_to IS NULL OR c.valid_to >= this.as_of)
    UNION
    SELECT sh.operator, sh.nis
    FROM snapshot_hydrant AS sh
    JOIN this ON this.snapshot_id = sh.snapshot_id
),

-- As in status.sql: should two contracts overlap, the later one holds.
contracted AS (
    SELECT
        c.operator,
        c.nis,
        c.contractor,
        ROW_NUMBER() OVER (PARTITION BY c.operator, c.nis ORDER BY c.valid_from DESC) AS place
    FROM contract AS c
    JOIN this ON c.valid_from <= this.as_of AND (c.valid_to IS NULL OR c.valid_to >= this.as_of)
),

tally AS (
    SELECT
        sh.operator,
        sh.nis,
        COUNT(*) AS registered,
        SUM(CASE WHEN sh.status = 'ok' THEN 1 ELSE 0 END) AS ok,
        SUM(CASE WHEN sh.status = 'failed' THEN 1 ELSE 0 END) AS failed,
        SUM(CASE WHEN sh.status = 'remaining' THEN 1 ELSE 0 END) AS remaining
    FROM snapshot_hydrant AS sh
    JOIN this ON this.snapshot_id = sh.snapshot_id
    GROUP BY sh.operator, sh.nis
),

per_gemeente AS (
    SELECT
        line.operator,
        line.nis,
        g.name_nl AS gemeente,
        contracted.contractor,
        COALESCE(tally.registered, 0) AS registered,
        COALESCE(tally.ok, 0) AS ok,
        COALESCE(tally.failed, 0) AS failed,
        COALESCE(tally.remaining, 0) AS remaining
    FROM line
    JOIN gemeente AS g ON g.nis = line.nis
    LEFT JOIN contracted
        ON contracted.operator = line.operator AND contracted.nis = line.nis AND contracted.place = 1
    LEFT JOIN tally ON tally.operator = line.operator AND tally.nis = line.nis
),

listed AS (
    SELECT operator, nis, gemeente, contractor, registered, ok, failed, remaining, 0 AS is_total
    FROM per_gemeente
    UNION ALL
    SELECT
        operator,
        NULL,
        NULL,
        -- the firm's name where one firm does it all, also the lines without a contract
        CASE WHEN MIN(COALESCE(contractor, '')) = MAX(COALESCE(contractor, '')) THEN MAX(contractor) END,
        SUM(registered),
        SUM(ok),
        SUM(failed),
        SUM(remaining),
        1
    FROM per_gemeente
    GROUP BY operator
)

SELECT
    listed.operator,
    listed.nis,
    listed.gemeente,
    listed.contractor,
    CAST(listed.registered AS INTEGER) AS registered,
    CAST(listed.ok + listed.failed AS INTEGER) AS checked,
    CAST(listed.ok AS INTEGER) AS ok,
    CAST(listed.failed AS INTEGER) AS failed,
    CAST(listed.remaining AS INTEGER) AS remaining
FROM listed
JOIN operator AS o ON o.operator = listed.operator
ORDER BY o.position, listed.is_total, listed.gemeente, listed.nis
