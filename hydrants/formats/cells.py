"""What cells of `raw_row` hold in place of a text that no cell can hold."""

NUL_SIGN = "\N{SYMBOL FOR NULL}"
"""For a NUL character, which no text column can store."""

UNCALCULATED = "#FORMULE!"
"""For a formula whose result the file does not hold."""

GEOMETRY_COLUMNS = ("@x", "@y")
"""Names of the columns that hold the point of formats with a geometry."""
