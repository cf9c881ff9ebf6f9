# SPDX-License-Identifier: MIT
"""NAME_tables.c: the protocol as data, for the test that decides by itself which messages are valid (mutate.c)."""


class Tables:
    def __init__(self, protocol):
        self.protocol = protocol
        self.parts = []
        self.structs = {}

    def enum(self, enum):
        name = f"values_{enum.name}"
        if name not in self.structs:
            self.structs[name] = True
            self.parts.append(f"static const uint32_t {name}[] = {{ {', '.join(str(v[1]) for v in enum.values)} }};\n\n")
        return name

    def fields(self, struct, name):
        """Returns the name of the table of its fields."""
        if name in self.structs:
            return name
        self.structs[name] = True
        lines = []
        for f in struct.fields:
            values = [f'"{f.name}"', f"FIELD_{f.kind.upper()}", f".offset = {f.offset}, .size = {f.size}, .dimension = {f.dimension}"]
            if f.tail:
                count = next(c for c in struct.fields if c.name == f.count_name)
                values.append(f".tail = true, .count_offset = {count.offset}")
            if f.kind == "count":
                values.append(f".maximum = {f.type}")
            elif f.kind == "enum":
                values.append(f".values = {self.enum(f.type)}, .value_count = {len(f.type.values)}")
            elif f.kind == "struct":
                values.append(f".fields = {self.fields(f.type, 'fields_' + f.type.name)}, .field_count = {len(f.type.fields)}")
            lines.append(f"\t{{ {', '.join(values)} }},\n")
        self.parts.append(f"static const struct field_table {name}[] = {{\n{''.join(lines)}}};\n\n")
        return name

    def side(self, request, way, what):
        struct = request.fields[way]
        values = [f".handles = {len(request.handles[way])}"]
        if struct.fields:
            values.append(f".fields = {self.fields(struct, 'fields_' + struct.name)}, .field_count = {len(struct.fields)}, .size = {struct.size}")
            if way == "out":
                values.append(f".check = check_{request.name}")
        return f".{what} = {{ {', '.join(values)} }}"

    def functions(self, request):
        """A handler that hands over to the test, and the client's check of replies with arguments for all."""
        name = self.protocol.name
        arguments, passed = ["struct server_call *call"], ["call"]
        for way, what, constant in (("in", "request", "const "), ("out", "reply", "")):
            if request.fields[way].fields:
                arguments.append(f"{constant}struct {name}_{request.name}_{what} *{what}")
            passed.append(what if request.fields[way].fields else "NULL")
        self.parts.append(f"static int on_{request.name}({', '.join(arguments)})\n{{\n\treturn table_handler({', '.join(passed)});\n}}\n\n")
        if request.fields["out"].fields:
            self.parts.append(f"static int check_{request.name}(const void *message, unsigned length)\n{{\n"
                              f"\treturn {name}_{request.name}_reply_check(message, length);\n}}\n\n")


def tables_source(protocol):
    tables = Tables(protocol)
    upper = protocol.name.upper()
    messages = [f'\t{{ "version", {upper}_VERSION, .request = VERSION_TABLE, .reply = VERSION_TABLE, .inside = true }},\n']
    for r in protocol.requests:
        tables.functions(r)
        values = [f'"{r.name}"', f"{upper}_{r.name.upper()}", tables.side(r, "in", "request"), tables.side(r, "out", "reply")]
        values += [f".{word} = {upper}_{r.name.upper()}_{word.upper()}" for word in ("needs", "grants") if getattr(r, word)]
        if r.notice:
            values.append(".notice = true")
        messages.append(f"\t{{ {', '.join(values)} }},\n")
    name = protocol.name
    return (f"#include \"proto/{name}_server.h\"\n#include \"tables.h\"\n\n" + "".join(tables.parts)
            + f"static const struct message_table messages[] = {{\n{''.join(messages)}}};\n\n"
            + f"static const struct {name}_operations operations = {{\n" + "".join(f"\t.{r.name} = on_{r.name},\n" for r in protocol.requests) + "};\n\n"
            + f"static const struct {name}_operations no_operations;\n\n"
            + f"const struct protocol_table {name}_table = {{\n\t.protocol = &{name}_protocol, .operations = &operations, .no_operations = &no_operations,\n"
            + f"\t.messages = messages, .message_count = {len(protocol.requests) + 1},\n}};\n")
