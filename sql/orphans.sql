-- Does every row rest on the rows that it speaks of?  One line per kind of row that does not; none is well.
--
-- Parameters:
--   snapshot_id  the snapshot whose hydrants are looked at
--
-- These tables bear no foreign keys: a key is looked up row by row, which took three quarters of the
-- time of loading them. Here a whole table is held against another at once.

SELECT child, parent, orphans
FROM (
    SELECT 'raw_row' AS child, 'upload' AS parent, COUNT(*) AS orphans
    FROM raw_row AS c
    WHERE NOT EXISTS (SELECT 1 FROM upload AS p WHERE p.upload_id = c.upload_id)
    UNION ALL
    SELECT 'ledger', 'raw_row', COUNT(*)
    FROM ledger AS c
    WHERE NOT EXISTS (SELECT 1 FROM raw_row AS p WHERE p.row_id = c.row_id)
    UNION ALL
    SELECT 'ledger.duplicate_of_row_id', 'ledger', COUNT(*)
    FROM ledger AS c
    WHERE c.duplicate_of_row_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM ledger AS p WHERE p.row_id = c.duplicate_of_row_id)
    UNION ALL
    SELECT 'record', 'ledger', COUNT(*)
    FROM record AS c
    WHERE NOT EXISTS (SELECT 1 FROM ledger AS p WHERE p.row_id = c.row_id)
    UNION ALL
    SELECT 'record.superseded_by_row_id', 'record', COUNT(*)
    FROM record AS c
    WHERE c.superseded_by_row_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM record AS p WHERE p.row_id = c.superseded_by_row_id)
    UNION ALL
    SELECT 'record.nis', 'gemeente', COUNT(*)
    FROM record AS c
    WHERE NOT EXISTS (SELECT 1 FROM gemeente AS p WHERE p.nis = c.nis)
    UNION ALL
    SELECT 'location', 'record', COUNT(*)
    FROM location AS c
    WHERE NOT EXISTS (SELECT 1 FROM record AS p WHERE p.row_id = c.row_id)
    UNION ALL
    SELECT 'match', 'record', COUNT(*)
    FROM match AS c
    WHERE NOT EXISTS (SELECT 1 FROM record AS p WHERE p.row_id = c.row_id)
    UNION ALL
    SELECT 'match.hydrant_id', 'hydrant', COUNT(*)
    FROM match AS c
    WHERE c.hydrant_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM hydrant AS p WHERE p.hydrant_id = c.hydrant_id)
    UNION ALL
    SELECT 'snapshot_hydrant', 'hydrant', COUNT(*)
    FROM snapshot_hydrant AS c
    WHERE c.snapshot_id = :snapshot_id
      AND NOT EXISTS (SELECT 1 FROM hydrant AS p WHERE p.hydrant_id = c.hydrant_id)
    UNION ALL
    SELECT 'snapshot_hydrant.row_id', 'raw_row', COUNT(*)
    FROM snapshot_hydrant AS c
    WHERE c.snapshot_id = :snapshot_id
      AND c.row_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM raw_row AS p WHERE p.row_id = c.row_id)
) AS counted
WHERE orphans > 0
ORDER BY child
