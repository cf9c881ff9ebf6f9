# SPDX-License-Identifier: MIT
"""What the pictures of trace-timeline and flame-graph share: escaping, colours, times, and the SVG's frame."""
import colorsys
import hashlib
import math

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', Verdana, sans-serif"
STYLE = f"""
text {{ font-family: {FONT}; font-size: 11px; fill: #24292f; }}
.title {{ font-size: 17px; font-weight: 600; }}
.sub, .axis {{ fill: #57606a; }}
.warn {{ fill: #b42318; }}
.box:hover {{ stroke: #24292f; stroke-width: 1; }}
"""


def escape(text):
    """For text and attributes; control characters, which XML cannot hold, as marks."""
    text = "".join(char if char >= " " or char == "\n" else "\ufffd" for char in str(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def shade(hue, saturation, lightness):
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def spread(index):
    """The colour of the @index-th of many things: hues by the golden ratio, so that neighbours differ."""
    return shade(0.58 + index * 0.61803398875, 0.52, (0.66, 0.58, 0.74)[index % 3])


def hashed(name, hue, width):
    """A colour near @hue that depends on @name alone, so that the same function looks the same in every picture."""
    value = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    return shade(hue + (value - 0.5) * width, 0.6, 0.64 + 0.1 * ((value * 997) % 1))


def duration(seconds):
    """3 significant digits and the unit that fits."""
    for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if abs(seconds) >= scale * 0.99999 or name == "ns":
            return f"{seconds / scale:.3g} {name}" if abs(seconds / scale) < 1000 else f"{seconds / scale:.0f} {name}"
    return ""


def ticks(start, end, about):
    """Round times between @start and @end, some @about of them, and their distance."""
    span = max(end - start, 1e-9)
    step = 1e-9
    while span / step > about:
        for factor in (2, 2.5, 2):
            if span / step <= about:
                break
            step *= factor
    count = int(start / step) + (start > 0)
    times = []
    while count * step <= end + step * 1e-6:
        times.append(count * step)
        count += 1
    return times, step


def axis_labels(times, step):
    """The times of ticks() in one unit, with as many decimals as tell them apart."""
    scale, name = next(((scale, name) for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")) if step * 10 > scale * 0.99999), (1e-9, "ns"))
    decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    if abs(step / scale * 10**decimals - round(step / scale * 10**decimals)) > 1e-6:
        decimals += 1       # 2.5
    return [f"{at / scale:.{decimals}f} {name}" for at in times]


def fit(text, pixels, size=11):
    """@text cut to what fits in @pixels of this font's usual width; empty when no more than two letters would."""
    room = int((pixels - 6) / (size * 0.59))
    if len(text) <= room:
        return text
    return text[:room - 1] + "…" if room > 3 else ""


def document(width, height, body, style="", script=""):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">\n<style>{STYLE}{style}</style>\n'
            + (f"<script><![CDATA[{script}]]></script>\n" if script else "")
            + f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n')
