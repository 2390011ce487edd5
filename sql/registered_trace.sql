-- Where does a figure come from?  The register export behind each hydrant of
-- registered or remaining (see trace.sql for checked, ok and failed).
--
-- Parameters:
--   snapshot_id  the snapshot
--   figure       registered or remaining
--   nis          a gemeente, or NULL for all
--   operator     a water company, or NULL for all
--
-- file, row_number and sha256 name the export that first gave the hydrant this state;
-- later exports that repeat it add nothing. sheet, inspected_on and outcome are empty:
-- no inspection stands behind these figures.

SELECT
    sh.operator,
    sh.nis,
    sh.hydrant_id,
    v.operator || '/' || v.file_name AS file,
    '' AS sheet,
    s.row_number,
    v.sha256,
    NULL AS inspected_on,
    NULL AS outcome
FROM snapshot_hydrant AS sh
JOIN snapshot AS sn ON sn.snapshot_id = sh.snapshot_id
JOIN hydrant_state AS s
    ON s.hydrant_id = sh.hydrant_id
   AND s.from_version_id <= sn.register_version_id
   AND (s.to_version_id IS NULL OR s.to_version_id > sn.register_version_id)
JOIN register_version AS v ON v.register_version_id = s.from_version_id
WHERE sh.snapshot_id = :snapshot_id
  AND (:figure = 'registered' OR sh.status = :figure)
  AND (CAST(:nis AS TEXT) IS NULL OR sh.nis = :nis)
  AND (CAST(:operator AS TEXT) IS NULL OR sh.operator = :operator)
ORDER BY sh.nis, sh.operator, sh.hydrant_id
