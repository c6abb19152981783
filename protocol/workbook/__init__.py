"""The import workbook: a site as property staff list it, in Excel, in Chinese or English. Pure: grids of cells in.

Read at the terminal that provisions a site and in the console; opening and writing files is each one's own.
"""
