-- Which hydrants are still to be checked?  One row per remaining hydrant of a snapshot,
-- as the register described it at the time.
--
-- Parameters:
--   snapshot_id  the snapshot
--
-- tried_on is the last day a crew stood there but could not test it.

SELECT
    sh.operator,
    sh.nis,
    g.name_nl AS gemeente,
    sh.contractor,
    sh.hydrant_id,
    s.street_names,
    s.hydrant_type,
    s.diameter_mm,
    sh.x_l72,
    sh.y_l72,
    sh.tried_on
FROM snapshot_hydrant AS sh
JOIN snapshot AS sn ON sn.snapshot_id = sh.snapshot_id
JOIN gemeente AS g ON g.nis = sh.nis
JOIN hydrant_state AS s
    ON s.hydrant_id = sh.hydrant_id
   AND s.from_version_id <= sn.register_version_id
   AND (s.to_version_id IS NULL OR s.to_version_id > sn.register_version_id)
WHERE sh.snapshot_id = :snapshot_id
  AND sh.status = 'remaining'
ORDER BY sh.nis, sh.contractor, sh.hydrant_id
