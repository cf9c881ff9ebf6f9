# SPDX-License-Identifier: MIT
"""The C code that looks whether a message is what its definition says. It reads nothing outside of the length given."""


def wire_length(struct, pointer):
    """C expression: how many bytes of the structure travel."""
    if not struct.tail:
        return f"sizeof *{pointer}" if struct.fields else "0"
    size = f" * {struct.tail.size}" if struct.tail.size != 1 else ""
    return f"{struct.tail.offset} + {pointer}->{struct.tail.count_name}{size}"


def field_checks(f, path, branch, fail, depth):
    """C lines for one field. @path: the C expression of it, @branch: the name of what can be wrong with it."""
    tabs = "\t" * (depth + 1)
    if f.kind == "text":
        return [f"{tabs}if (!memchr({path}, 0, sizeof {path}))", f"{tabs}\t{fail(branch + '_end')}"]
    if f.kind not in ("enum", "bool", "struct", "reserved"):
        return []
    lines = []
    if f.dimension:
        index = "ijkl"[depth]
        count = f"message->{f.count_name}" if f.tail else f.dimension
        lines.append(f"{tabs}for (unsigned {index} = 0; {index} < {count}; {index}++) {{")
        inner = field_checks_one(f, f"{path}[{index}]", branch, fail, depth + 1)
        return [*lines, *inner, f"{tabs}}}"] if inner else []
    return field_checks_one(f, path, branch, fail, depth)


def field_checks_one(f, path, branch, fail, depth):
    tabs = "\t" * (depth + 1)
    if f.kind == "struct":
        lines = []
        for member in f.type.fields:
            lines += field_checks(member, f"{path}.{member.name}", f"{branch}_{member.name}", fail, depth)
        return lines
    if f.kind == "reserved":
        wrong = f"{path} != 0"
    elif f.kind == "bool":
        wrong = f"{path} > 1"
    else:
        wrong = enum_wrong(f.type, path)
    return [f"{tabs}if ({wrong})", f"{tabs}\t{fail(branch + '_value')}"]


def enum_wrong(enum, path):
    numbers = sorted(number for _, number, _ in enum.values)
    if numbers == list(range(len(numbers))):
        return f"{path} > {numbers[-1]}"
    return " && ".join(f"{path} != {number}" for number in numbers)


def emit_checks(struct, fail):
    """The checks of a whole message, `message` of `length` bytes. @fail(branch) gives the C statement for a branch."""
    lines = []
    if not struct.fields:
        lines += ["\tif (length != 0)", f"\t\t{fail('length')}"]
    elif struct.tail:
        count = struct.tail.count_name
        lines += [f"\tif (length < {struct.tail.offset})", f"\t\t{fail('short')}"]
        lines += [f"\tif (message->{count} > {struct.tail.dimension})", f"\t\t{fail(count)}"]
        lines += [f"\tif (length != {wire_length(struct, 'message')})", f"\t\t{fail('length')}"]
    else:
        lines += ["\tif (length != sizeof *message)", f"\t\t{fail('length')}"]
    for f in struct.fields:
        lines += field_checks(f, f"message->{f.name}", f.name, fail, 0)
    return "".join(line + "\n" for line in lines)
