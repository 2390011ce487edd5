-- Where does a figure come from?  The inspection row behind each hydrant of
-- checked, ok or failed (see registered_trace.sql for registered and remaining).
--
-- Parameters:
--   snapshot_id  the snapshot
--   figure       checked, ok or failed
--   nis          a gemeente, or NULL for all
--   operator     a water company, or NULL for all
--
-- sha256 is the hash of the file's bytes, under which it is kept for good.

SELECT
    sh.operator,
    sh.nis,
    sh.hydrant_id,
    u.contractor || '/' || u.nis || '/' || u.file_name AS file,
    rs.sheet,
    rr.row_number,
    u.sha256,
    sh.inspected_on,
    sh.outcome
FROM snapshot_hydrant AS sh
JOIN raw_row AS rr ON rr.row_id = sh.row_id
JOIN raw_sheet AS rs ON rs.upload_id = rr.upload_id AND rs.sheet_number = rr.sheet_number
JOIN upload AS u ON u.upload_id = rr.upload_id
WHERE sh.snapshot_id = :snapshot_id
  AND sh.status IN ('ok', 'failed')
  AND (:figure = 'checked' OR sh.status = :figure)
  AND (CAST(:nis AS TEXT) IS NULL OR sh.nis = :nis)
  AND (CAST(:operator AS TEXT) IS NULL OR sh.operator = :operator)
ORDER BY sh.nis, sh.operator, sh.hydrant_id
