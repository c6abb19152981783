"""The import workbook: a site as property staff list it, in Excel, in Chinese or English."""
