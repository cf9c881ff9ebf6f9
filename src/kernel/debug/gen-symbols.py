#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns `nm -n` output (on standard input) into the assembly of the kernel's symbol table, whose layout debug/symbols.h tells.

Names are packed: words that a name shares with the one before are left out, again and again the most frequent pair of neighbouring
symbols becomes a new symbol, and what is left is written in a Huffman code.
"""
import heapq
import re
import sys
from collections import Counter, defaultdict

# Labels of the assembler start with a dot behind the function's name; GCC's .cold, .part.0 and the like are functions.
LOCAL_LABEL = re.compile(r"\.(?!cold|part|isra|constprop|lto_priv)")
NAME_MAX = 63
SAME_WORDS_MAX = 3
CHARACTERS = 128
# A pair that is replaced less often does not earn what its row in the table takes.
USES_MIN = 4
DISTANCE_LOW_BITS = 7
# As in debug/symbols.h.
SECTION_TYPE = 0x8053594d


def functions(rows):
    """(distance from the one before, name) of each function in the text section."""
    rows = [(int(row[0], 16), row[1], row[2]) for row in map(str.split, rows) if len(row) == 3]
    at = start = next(address for address, _, name in rows if name == "image_start")
    end = next(address for address, _, name in rows if name == "image_rodata")
    found = []
    for address, kind, name in rows:
        if kind in "tT" and start <= address < end and not LOCAL_LABEL.search(name):
            found.append((address - at, name))
            at = address
    return found


def without_shared_words(names):
    """Each name as a list of symbols that ends with 0. The first one may be the number of words taken from the name before."""
    before = ""
    for name in names:
        words, cut = 0, 0
        for at, (one, other) in enumerate(zip(name, before)):
            if one != other or words == SAME_WORDS_MAX:
                break
            if one == "_":
                words, cut = words + 1, at + 1
        yield ([words] if words else []) + list(name[cut:].encode()) + [0]
        before = name


def pair_up(names):
    """Replaces pairs in @names, lists of symbols. Returns {new symbol: its pair}."""
    uses, places, pairs = Counter(), defaultdict(set), {}
    for place, name in enumerate(names):
        for pair in zip(name, name[1:]):
            uses[pair] += 1
            places[pair].add(place)
    heap = [(-count, pair) for pair, count in uses.items()]
    heapq.heapify(heap)
    while heap:
        count, pair = heapq.heappop(heap)
        if -count != uses[pair]:
            heapq.heappush(heap, (-uses[pair], pair))
            continue
        if -count < USES_MIN:
            break
        symbol = CHARACTERS + len(pairs)
        pairs[symbol] = pair
        found = set()
        for place in places.pop(pair):
            name = names[place]
            uses.subtract(zip(name, name[1:]))
            name[:] = replace(name, pair, symbol)
            uses.update(zip(name, name[1:]))
            for new in zip(name, name[1:]):
                places[new].add(place)
                if symbol in new:
                    found.add(new)
        for new in found:
            heapq.heappush(heap, (-uses[new], new))
    return pairs


def replace(name, pair, symbol):
    result = []
    for other in name:
        if result and (result[-1], other) == pair:
            result[-1] = symbol
        else:
            result.append(other)
    return result


def code_lengths(uses):
    """{symbol: bits of its Huffman code}"""
    heap = [(count, symbol, [symbol]) for symbol, count in sorted(uses.items())]
    heapq.heapify(heap)
    lengths = dict.fromkeys(uses, 1 if len(heap) == 1 else 0)
    while len(heap) > 1:
        (one, first, some), (other, _, more) = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in some + more:
            lengths[symbol] += 1
        heapq.heappush(heap, (one + other, first, some + more))
    return lengths


def codes_of(lengths):
    """{symbol: its code as a string of bits}: counted up from the shortest code on, in the order of @lengths."""
    codes, code, bits = {}, 0, 0
    for symbol, length in lengths.items():
        code <<= length - bits
        bits = length
        codes[symbol] = f"{code:0{length}b}"
        code += 1
    return codes


def distance_code(distance):
    return "1" * (distance >> DISTANCE_LOW_BITS) + f"0{distance % (1 << DISTANCE_LOW_BITS):0{DISTANCE_LOW_BITS}b}"


def bytes_of(bits):
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at:at + 8], 2) for at in range(0, len(bits), 8)]


def table(symbols):
    """struct symbol_table and what follows it: (directive, values) each."""
    names = list(without_shared_words([name[:NAME_MAX] for _, name in symbols]))
    pairs = pair_up(names)
    lengths = code_lengths(Counter(symbol for name in names for symbol in name))
    # Numbered by the length of their codes; those without one, which only pairs have, come last.
    lengths = dict(sorted(lengths.items(), key=lambda item: (item[1], item[0])))
    order = list(lengths) + sorted((set(pairs) | {half for pair in pairs.values() for half in pair}) - set(lengths))
    number = {symbol: at for at, symbol in enumerate(order)}
    width = max((len(order) - 1).bit_length(), (CHARACTERS - 1).bit_length())
    codes = codes_of(lengths)
    per_length = Counter(lengths.values())
    # A character's row ends with the row's own number.
    rows = "".join(f"{half:0{width}b}" for symbol in order
                   for half in ([number[half] for half in pairs[symbol]] if symbol in pairs else [symbol, number[symbol]]))
    stream = "".join(distance_code(distance) + "".join(codes[symbol] for symbol in name) for (distance, _), name in zip(symbols, names))
    shorts = [width] + [per_length[length] for length in range(max(per_length) + 1)]
    pairs = 3 * 4 + 2 * len(shorts)
    rows = bytes_of(rows)
    return [
        (".long", [len(symbols), pairs, pairs + len(rows)]),
        (".short", shorts),
        (".byte", rows),
        (".byte", bytes_of(stream)),
    ]


def main():
    # Pages of its own: the kernel can keep no less.
    print(f'.section .symbols, "", @{SECTION_TYPE:#x}\n.balign 4096')
    for directive, values in table(functions(sys.stdin)):
        print(f"{directive} " + ", ".join(map(str, values)))
    print('.section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
