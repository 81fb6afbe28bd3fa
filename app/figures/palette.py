"""One colour and one shape for each strategy family, the same on every page.

The colours are variables of static/site.css: Okabe and Ito's set, which people with colour-blindness tell apart, tuned for
contrast on each background. A family without a place here shares the last one.
"""

FAMILIES = {
    "brute force": ("var(--family-1)", "diamond"),
    "cubic": ("var(--family-2)", "square"),
    "separable": ("var(--family-3)", "circle"),
    "sub-cubic": ("var(--family-4)", "triangle-up"),
    "low rank": ("var(--family-5)", "triangle-down"),
    "estimate": ("var(--family-6)", "cross"),
}
OTHER = ("var(--family-0)", "star")


def colour(family: str) -> str:
    return FAMILIES.get(family, OTHER)[0]


def shape(family: str) -> str:
    return FAMILIES.get(family, OTHER)[1]
