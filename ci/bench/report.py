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
        mine, theirs, goal = figures["median"], stock[name]["median"], goals.RATIOS[name]
        row = [name, number(mine), number(theirs), ratio(mine / theirs), "" if goal is None else f"{goal:.2f}",
               judge(mine / theirs, goal)]
        if lean:
            row += beside_lean(mine, lean[name]["median"] if name in lean else None)
        rows.append(row)
    return markdown(["operation", "RaeenOS", "stock", "ratio", "goal", "met"] + (["lean", "ratio to lean"] if lean else []), rows)


def beside_lean(mine, theirs):
    """The lean guest's figure, which may be older than the row, and the ratio to it."""
    return [number(theirs), ratio(mine / theirs)] if theirs else ["", ""]


def program_table(runs, cpu):
    """Whole programs (tree_costs.py); nothing where they were not measured on both guests."""
    mine, stock, lean = (runs.get(f"{guest}/{cpu}", {}).get("programs", {}) for guest in (RAEEN, LINUX, LEAN))
    rows = []
    for name, goal in goals.PROGRAM_RATIOS.items():
        if name in mine and name in stock:
            compared = mine[name] / stock[name]
            rows.append([name, number(mine[name]), number(stock[name]), ratio(compared), f"{goal:.2f}", judge(compared, goal)]
                        + (beside_lean(mine[name], lean.get(name)) if lean else []))
    return markdown(["program", "RaeenOS", "stock", "ratio", "goal", "met"] + (["lean", "ratio to lean"] if lean else []), rows) if rows else ""


def programs_short(mine, stock):
    """Goals that are missed, and no reason is given."""
    return [f"{name}: {mine[name] / stock[name]:.3f}, goal {goal}" for name, goal in goals.PROGRAM_RATIOS.items()
            if mine[name] > stock[name] * goal and name not in goals.SHORT]


def spread_table(runs, cpu):
    guests = [guest for guest in NAMES if f"{guest}/{cpu}" in runs]
    rows = []
    for name, _ in with_linux(runs[f"{RAEEN}/{cpu}"]["rows"]):
        figures = [runs[f"{guest}/{cpu}"]["rows"].get(name) for guest in guests]
        rows.append([name, *(f"{number(row['fastest'])} – {number(row['slowest'])}" if row else "" for row in figures)])
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
        row("the same with all switches off", {RAEEN: other["smallest_kernel_bytes"]}, goals.SMALLEST_KERNEL_BYTES),
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
    programs = program_table(runs, PLAIN)
    if programs:
        text += f"\n## Programs, `-cpu {PLAIN}`\n\nAll instructions executed while the program runs, those of the program itself, which are the same, included " \
            "(`tree_costs.py`).\n\n" + programs.rstrip("\n") + "\n"
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
    for name, instructions in run.get("programs", {}).items():
        before = kept.get("programs", {}).get(name)
        lines.append(f"{name:34}{instructions:12}" + (f"{before:38}" if before else "") + "\n")
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
    lines += [f"{name}: instructions {value} and {second['programs'][name]}" for name, value in first.get("programs", {}).items()
              if second["programs"][name] != value]
    return lines
