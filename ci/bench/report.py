# SPDX-License-Identifier: MIT
"""Turns figures into text: results.md, and what differs between two measurements."""
import goals
from measure import BESIDE, LEAN, LINUX, PLAIN, RAEEN, SMAP

NAMES = {RAEEN: "RaeenOS", LINUX: "stock Linux", LEAN: "lean Linux"}
HEAD = """# What operations cost

Made by `make bench RENEW=1`; README.md says how to read it. Guest instructions for one operation, the median of some batches.

"""


def number(value):
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def ratio(value):
    return f"{value:.3f}"


def markdown(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def judge(value, goal):
    return "" if goal is None else "yes" if value <= goal else "**no**"


def with_linux(rows):
    """Those of what Linux can do, too."""
    return [(name, row) for name, row in rows.items() if name not in goals.NATIVE]


def native_table(rows):
    beside = ("cr3", "atomics", "wrmsr")
    lines = [[name, number(rows[name]["median"]), number(goal), judge(rows[name]["median"], goal),
              f"{number(rows[name]['fastest'])} – {number(rows[name]['slowest'])}", *(f"{rows[name][key]:g}" for key in beside)]
             for name, goal in goals.NATIVE.items() if name in rows]
    return markdown(["native call", "RaeenOS", "goal", "met", "fastest – slowest", "CR3 writes", "atomic or locked", "wrmsr"], lines)


def native_short(rows):
    """Goals that are missed."""
    return [f"{name}: {rows[name]['median']}, goal {goal}" for name, goal in goals.NATIVE.items() if rows[name]["median"] > goal]


def cost_table(runs, cpu):
    """Everything against the stock Linux, and, where it was measured, the lean one."""
    raeen, stock = (runs[f"{guest}/{cpu}"]["rows"] for guest in (RAEEN, LINUX))
    lean = runs.get(f"{LEAN}/{cpu}", {}).get("rows")
    rows = []
    for name, figures in with_linux(raeen):
        mine, theirs, goal = figures["median"], stock[name]["median"], {**goals.RATIOS, **goals.OPTIONAL_RATIOS}[name]
        row = [name, number(mine), number(theirs), ratio(mine / theirs), "" if goal is None else f"{goal:.2f}",
               judge(mine / theirs, goal)]
        if lean:
            row += [number(lean[name]["median"]), ratio(mine / lean[name]["median"])]
        rows.append(row)
    return markdown(["operation", "RaeenOS", "stock", "ratio", "goal", "met"] + (["lean", "ratio to lean"] if lean else []), rows)


def spread_table(runs, cpu):
    guests = [guest for guest in NAMES if f"{guest}/{cpu}" in runs]
    rows = []
    for name, _ in with_linux(runs[f"{RAEEN}/{cpu}"]["rows"]):
        figures = [runs[f"{guest}/{cpu}"]["rows"][name] for guest in guests]
        rows.append([name, *(f"{number(row['fastest'])} – {number(row['slowest'])}" for row in figures)])
    return markdown(["operation", *(NAMES[guest] for guest in guests)], rows)


def beside_table(runs, cpu):
    raeen, stock = (runs[f"{guest}/{cpu}"]["rows"] for guest in (RAEEN, LINUX))
    rows = [[name, *(f"{raeen[name][key]:g} / {stock[name][key]:g}" for key in BESIDE)] for name, _ in with_linux(raeen)]
    return markdown(["RaeenOS / stock", *BESIDE], rows)


def other_table(kept):
    runs, other = kept["runs"], kept["other"]
    guests = [guest for guest in NAMES if f"{guest}/{PLAIN}" in runs]
    boot = {guest: runs[f"{guest}/{PLAIN}"]["boot"]["instructions"] for guest in guests}

    def row(what, values, goal, unit=""):
        return [what, *(number(values[guest]) + unit if guest in values else "" for guest in guests), f"{number(goal)}{unit}",
                judge(values[RAEEN], goal)]

    return markdown(["", *(NAMES[guest] for guest in guests), "goal", "met"], [
        row("executed instructions from the kernel's entry to the first user instruction", boot, goals.BOOT_INSTRUCTIONS),
        row("kernel text, rodata and data, bytes", {RAEEN: other["kernel_bytes"]}, goals.KERNEL_BYTES),
        row("RAM used at the prompt, of 512 MiB, RaeenOS without its module", other["ram_kib"], goals.RAM_KIB, " KiB"),
    ])


def results(kept):
    versions, runs = kept["versions"], kept["runs"]
    text = HEAD
    text += "".join(f"- {NAMES.get(what, what)}: {version}\n" for what, version in versions.items())
    text += "\nQEMU: `-accel tcg -cpu MODEL -smp 1 -m 1G -icount shift=0,sleep=off -seed 1 -rtc base=2026-01-01T00:00:00,clock=vm`\n" \
            "and the plugin of `ci/plugin/`; Linux also `mitigations=off`. The compiler is that of RaeenOS, the benchmark and the lean Linux.\n"
    for cpu in (PLAIN, SMAP):
        if f"{RAEEN}/{cpu}" in runs and f"{LINUX}/{cpu}" in runs:
            text += f"\n## `-cpu {cpu}`\n\n" + cost_table(runs, cpu).rstrip("\n") + "\n"
    native = runs.get(f"{RAEEN}/{PLAIN}", {}).get("rows", {})
    if any(name in native for name in goals.NATIVE):
        text += f"\n## Native calls, `-cpu {PLAIN}`\n\n" + native_table(native).rstrip("\n") + "\n\nFor comparison, a call and its answer: " \
            + "; ".join(f"{name} {number(value)}" for name, value in goals.REFERENCES.items()) + ".\n"
    text += "\n## Boot and size\n\n" + other_table(kept)
    if goals.SHORT:
        text += "## What falls short\n\n" + "".join(f"- {name}: {why}\n" for name, why in goals.SHORT.items()) + "\n"
    text += f"## Spread: fastest and slowest batch, `-cpu {PLAIN}`\n\n" + spread_table(runs, PLAIN)
    text += f"## What the instructions do not show, `-cpu {PLAIN}`, for one operation\n\n" + beside_table(runs, PLAIN)
    return text.rstrip("\n") + "\n"


def quick_table(run, kept):
    """One guest's figures, beside the kept ones."""
    lines = [f"{'':34}{'median':>12}{'fastest':>12}{'slowest':>12}{'kept median':>14}\n"]
    for name, row in run["rows"].items():
        before = kept.get("rows", {}).get(name)
        lines.append(f"{name:34}{row['median']:12.0f}{row['fastest']:12.0f}{row['slowest']:12.0f}"
                     + (f"{before['median']:14.0f}" if before else "") + "\n")
    lines.append(f"{'boot':34}{run['boot']['instructions']:12}\n")
    return "".join(lines)


def differences(first, second):
    """Lines that say where two measurements of the same guest differ; none when they are the same to the instruction."""
    lines = []
    for name, row in first["rows"].items():
        other = second["rows"].get(name)
        lines += [f"{name}: {key} {value} and {other[key]}" for key, value in row.items() if other and other[key] != value]
    lines += [f"boot: {key} {value} and {second['boot'][key]}" for key, value in first["boot"].items()
              if second["boot"][key] != value]
    return lines
