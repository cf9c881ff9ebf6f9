# SPDX-License-Identifier: MIT
"""Builds many ports, goes on after failures, and says what became of each."""

import os
import time

from buildlib import BuildError, say


def build_what_can_be(builders, forced):
    """Builds @builders (in an order in which dependencies come first), those named in @forced even when they are current. Returns a text in lines
    and the number of ports that were not built; one that needs such a port is not tried."""
    lines, failed = ["ports:"], set()
    for each in builders:
        name = each.recipe.name
        began = time.monotonic()
        lacking = sorted(other.recipe.name for other in each.all_depends() if other.recipe.name in failed)
        if lacking:
            failed.add(name)
            result = f"not tried: needs {' '.join(lacking)}"
        else:
            try:
                result = "built" if each.build(name in forced) else "was current"
            except BuildError as error:
                failed.add(name)
                say(f"port {name}: FAILED\n{error}")
                result = f"FAILED ({os.path.relpath(each.log)})"
        lines.append(f"  {name:16} {each.recipe.version:20} {time.monotonic() - began:5.0f} s  {result}")
    lines.append(f"ports: {len(failed)} of {len(builders)} failed" if failed else f"ports: all {len(builders)} are built")
    return lines, len(failed)
