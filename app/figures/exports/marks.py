"""The shapes of marks, as SVG paths."""

SIZE = 4.2


def path(symbol: str, a: float, b: float) -> str:
    """A mark centred at (a, b); `-open` is the caller's matter. An unknown shape is a circle."""
    half, flat, tall = SIZE, SIZE * 0.9, SIZE * 1.2
    match symbol.removesuffix("-open"):
        case "square":
            return f"M{a - flat:.1f} {b - flat:.1f}h{2 * flat:.1f}v{2 * flat:.1f}h{-2 * flat:.1f}Z"
        case "diamond":
            return (
                f"M{a:.1f} {b - tall:.1f}"
                + "".join(f"l{x:.1f} {y:.1f}" for x, y in ((half, tall), (-half, tall), (-half, -tall)))
                + "Z"
            )
        case "triangle-up":
            return f"M{a:.1f} {b - half:.1f}l{half:.1f} {1.8 * half:.1f}h{-2 * half:.1f}Z"
        case "triangle-down":
            return f"M{a:.1f} {b + half:.1f}l{half:.1f} {-1.8 * half:.1f}h{-2 * half:.1f}Z"
        case _:
            radius = 0.85 * half
            arc = f"a{radius:.1f} {radius:.1f} 0 1 0"
            return f"M{a - radius:.1f} {b:.1f}{arc} {2 * radius:.1f} 0{arc} {-2 * radius:.1f} 0Z"
