-- Every data row ever read, what became of it, where it was placed and what it was linked to.
-- Titles, headers and blank rows are no data and left out. A duplicate shows the place and the
-- hydrant of the row it repeats.
SELECT
    upload.contractor || '/' || upload.nis || '/' || upload.file_name AS file,
    raw_sheet.sheet,
    raw_row.row_number AS row,
    ledger.disposition,
    ledger.reasons,
    location.location_method,
    location.location_accuracy_m,
    location.x_l72,
    location.y_l72,
    match.hydrant_id,
    match.match_method,
    match.score,
    match.distance_m,
    match.verdict,
    upload.sha256
FROM ledger
JOIN raw_row ON raw_row.row_id = ledger.row_id
JOIN upload ON upload.upload_id = ledger.upload_id
JOIN raw_sheet ON raw_sheet.upload_id = raw_row.upload_id AND raw_sheet.sheet_number = raw_row.sheet_number
LEFT JOIN location ON location.row_id = COALESCE(ledger.duplicate_of_row_id, ledger.row_id)
LEFT JOIN match ON match.row_id = COALESCE(ledger.duplicate_of_row_id, ledger.row_id)
WHERE ledger.disposition <> 'heading'
ORDER BY file, raw_row.sheet_number, raw_row.row_number, ledger.row_id
