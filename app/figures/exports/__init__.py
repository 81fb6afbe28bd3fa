"""Figures as files, without a browser: SVG, CSV, and pgfplots for LaTeX.

chart      what an export reads of a figure: axes and series, colours resolved
svg        a drawing
pgfplots   text for a paper, TeX characters escaped
table      the numbers
"""
