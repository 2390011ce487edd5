-- What state is each hydrant in?  One row per hydrant that is active in the register.
--
-- Parameters:
--   as_of                the day the figures speak of
--   campaign_start       first and
--   campaign_end         last day of the campaign: inspections outside it do not count
--   register_version_id  the state of the registers
--
-- The rule:
--   1. The latest day with a conclusive outcome decides. Conclusive are ok, failed and
--      not_found; a hydrant that cannot be found counts as failed.
--   2. If that day contradicts itself (ok beside failed or not_found), the hydrant is
--      failed, and marked is_conflict. Failing is the safe side to be wrong on.
--   3. not_testable (a car stands on it) decides nothing: the hydrant remains to be checked.
--   4. A repair decides nothing either: failed stays failed until an inspection says ok,
--      but is marked is_repaired when it was repaired on that day or since.
--   5. Only rows count that were accepted, are linked to a hydrant, and were neither replaced
--      by a corrected version nor withdrawn. A row in review or quarantine changes no status.

WITH inspection AS (
    SELECT
        m.hydrant_id,
        m.row_id,
        r.inspected_on,
        r.outcome,
        u.sha256
    FROM match AS m
    JOIN record AS r ON r.row_id = m.row_id
    JOIN ledger AS l ON l.row_id = m.row_id
    JOIN upload AS u ON u.upload_id = m.upload_id
    WHERE m.verdict = 'linked'
      AND l.disposition = 'accepted'
      AND r.superseded_by_row_id IS NULL
      AND NOT r.is_withdrawn
      AND r.inspected_on >= :campaign_start
      AND r.inspected_on <= :campaign_end
      AND r.inspected_on <= :as_of
),

-- Conclusive rows, the deciding one first: latest day, failing before ok. Several rows that
-- say the same are ordered by file hash and position, so that the order in which files
-- arrived decides nothing (within one file, row_id counts up by sheet and row).
ranked AS (
    SELECT
        hydrant_id,
        row_id,
        inspected_on,
        outcome,
        ROW_NUMBER() OVER (
            PARTITION BY hydrant_id
            ORDER BY inspected_on DESC, CASE WHEN outcome = 'ok' THEN 1 ELSE 0 END, sha256, row_id
        ) AS place
    FROM inspection
    WHERE outcome IN ('ok', 'failed', 'not_found')
),

deciding AS (
    SELECT hydrant_id, row_id, inspected_on, outcome
    FROM ranked
    WHERE place = 1
),

-- The last day on which each thing was said of a hydrant, conclusive or not.
last_said AS (
    SELECT
        hydrant_id,
        MAX(CASE WHEN outcome = 'ok' THEN inspected_on END) AS ok_on,
        MAX(CASE WHEN outcome = 'repaired' THEN inspected_on END) AS repaired_on,
        MAX(CASE WHEN outcome = 'not_testable' THEN inspected_on END) AS tried_on
    FROM inspection
    GROUP BY hydrant_id
),

-- Who inspects there on as_of. Should two contracts overlap, the later one holds.
contracted AS (
    SELECT operator, nis, contractor
    FROM (
        SELECT
            operator,
            nis,
            contractor,
            ROW_NUMBER() OVER (PARTITION BY operator, nis ORDER BY valid_from DESC) AS place
        FROM contract
        WHERE valid_from <= :as_of
          AND (valid_to IS NULL OR valid_to >= :as_of)
    ) AS valid
    WHERE place = 1
)

SELECT
    s.hydrant_id,
    h.operator,
    s.nis,
    c.contractor,
    CASE
        WHEN d.outcome IS NULL THEN 'remaining'
        WHEN d.outcome = 'ok' THEN 'ok'
        ELSE 'failed'
    END AS status,
    d.outcome,
    d.inspected_on,
    d.row_id,
    -- an ok on the day that failed it; a later ok would be the deciding one itself
    COALESCE(d.outcome <> 'ok' AND t.ok_on = d.inspected_on, FALSE) AS is_conflict,
    COALESCE(d.outcome <> 'ok' AND t.repaired_on >= d.inspected_on, FALSE) AS is_repaired,
    t.tried_on,
    s.x_l72,
    s.y_l72
FROM hydrant_state AS s
JOIN hydrant AS h ON h.hydrant_id = s.hydrant_id
LEFT JOIN deciding AS d ON d.hydrant_id = s.hydrant_id
LEFT JOIN last_said AS t ON t.hydrant_id = s.hydrant_id
LEFT JOIN contracted AS c ON c.operator = h.operator AND c.nis = s.nis
WHERE s.from_version_id <= :register_version_id
  AND (s.to_version_id IS NULL OR s.to_version_id > :register_version_id)
ORDER BY s.hydrant_id
