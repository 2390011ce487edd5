-- In which order would a crew visit what is still to be checked?  One row per planned hydrant of a
-- snapshot, as the register described it at the time.
--
-- Parameters:
--   snapshot_id  the snapshot
--   contractor   only this firm, or NULL
--   nis          only this gemeente, or NULL
--
-- tried_on is the last day a crew stood there but could not test it.

SELECT
    p.contractor,
    p.nis,
    g.name_nl AS gemeente,
    p.sequence,
    p.hydrant_id,
    p.leg_m,
    sh.x_l72,
    sh.y_l72,
    s.street_names,
    s.hydrant_type,
    s.diameter_mm,
    sh.tried_on
FROM plan_stop AS p
JOIN snapshot AS sn ON sn.snapshot_id = p.snapshot_id
JOIN snapshot_hydrant AS sh
    ON sh.snapshot_id = p.snapshot_id
   AND sh.hydrant_id = p.hydrant_id
JOIN gemeente AS g ON g.nis = p.nis
JOIN hydrant_state AS s
    ON s.hydrant_id = p.hydrant_id
   AND s.from_version_id <= sn.register_version_id
   AND (s.to_version_id IS NULL OR s.to_version_id > sn.register_version_id)
WHERE p.snapshot_id = :snapshot_id
  AND p.contractor = COALESCE(:contractor, p.contractor)
  AND p.nis = COALESCE(:nis, p.nis)
ORDER BY p.contractor, p.nis, p.sequence
