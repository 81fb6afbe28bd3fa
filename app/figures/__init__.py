"""Records in, Plotly figures out. Pure, and without importing plotly: a figure is plain JSON data.

    palette    one colour and one shape for each strategy family, everywhere
    fronts     bound or tightness against length, as a staircase
    heatmaps   a model's circuits; what a proof says block by block

Colours are names of CSS custom properties (`var(--family-cubic)`): static/plot.js replaces them by the theme's values
when it draws, so one figure serves light and dark. Texts from people are escaped, since Plotly reads a little HTML.
"""

from typing import Any

Figure = dict[str, Any]
"""`{"data": [...], "layout": {...}}` as Plotly takes it."""
