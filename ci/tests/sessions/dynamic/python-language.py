# The interpreter itself: numbers, strings, containers, classes, exceptions, generators, modules.
import sys, os, re, math, time, struct, itertools, functools, collections, random, hashlib, array, zlib, datetime, pickle, string, textwrap, csv, io, base64, copy, heapq, bisect

print(sys.version_info[:3], sys.byteorder, sys.maxsize, sys.executable)
print(2 ** 521 - 1, pow(3, 10 ** 5, 10 ** 9 + 7), math.factorial(60), math.isqrt(10 ** 40), -7 // 2, -7 % 3, divmod(10 ** 30, 7 ** 9))
a = 1
for i in range(1, 2000):
    a *= i
print(len(str(a % 10 ** 4000)), hash(a) == hash(a + 0), a.bit_length())
print(0.1 + 0.2, 1e308 * 10, float("nan") != float("nan"), (0.1).hex(), round(2.5), math.pi, math.sin(1), math.gamma(5.5), 1 / 3, 1j ** 2)
print(repr(1e16), repr(1e-5), f"{math.e:.20f} {12345.678:>15,.2f} {255:#x} {'mid':^9}|", "%s %r %05d" % ("a", "b", 42))
print("straße".upper(), "naïve".encode(), b"\xff\xfe".decode("utf-16"), "日本語"[::-1], ascii("é"), "a,b,,c".split(","), "Title Case".swapcase())
print(sorted({3: "c", 1: "a", 2: "b"}.items()), {*"hello"} == set("ehlo"), [x * x for x in range(10) if x % 2], dict(zip("abc", range(3))), (1, 2) < (1, 3))
print(re.findall(r"(\w+)@(\w+)\.com", "me@here.com, you@there.com"), re.sub(r"(?P<x>\d+)", lambda m: str(int(m["x"]) * 2), "a1b22"), re.split(r"\s*;\s*", "a ; b;c"))
print(struct.pack("<iqd", 1, 2, 3.0).hex(), struct.unpack(">HH", b"\1\2\3\4"), struct.calcsize("@ilq"), array.array("d", [1, 2]).tobytes().hex())
print(zlib.crc32(b"hello"), len(zlib.compress(b"a" * 100000)), zlib.decompress(zlib.compress(bytes(range(256)) * 100)) == bytes(range(256)) * 100)
for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
    print(name, hashlib.new(name, b"raeen").hexdigest()[:32])
random.seed(42)
print([random.randrange(1000) for _ in range(5)], round(random.gauss(0, 1), 12), random.sample(range(100), 5))
print(datetime.datetime(2024, 2, 29) + datetime.timedelta(days=366), datetime.date(2026, 11, 25).isocalendar(), time.strftime("%Y-%j", time.gmtime(10 ** 9)), datetime.datetime.strptime("1 Jan 2000", "%d %b %Y"))


class Tree:
    __slots__ = ("left", "right", "key")

    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.key
        if self.right:
            yield from self.right


print(list(Tree(4, Tree(2, Tree(1), Tree(3)), Tree(5))))


def depth(n):
    return depth(n + 1)


try:
    depth(0)
except RecursionError as error:
    print("recursion:", str(error)[:40])
sys.setrecursionlimit(20000)


def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


print(down(15000))
for code in ("1/0", "[][1]", "{}['k']", "int('x')", "undefined", "'a'+1", "open('/nonexistent')", "(1).x", "next(iter(()))"):
    try:
        eval(code)
    except Exception as error:
        print(type(error).__name__, error)
try:
    try:
        raise ValueError("inner")
    except ValueError as error:
        raise RuntimeError("outer") from error
except RuntimeError as error:
    print(repr(error), repr(error.__cause__))
try:
    raise ExceptionGroup("group", [ValueError(1), TypeError(2)])
except* ValueError as group:
    print(group.exceptions)
except* TypeError as group:
    print(group.exceptions)


@functools.lru_cache(None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


print(fib(300), functools.reduce(lambda x, y: x * y, range(1, 20)), list(itertools.islice(itertools.permutations("abcd"), 5)))
print(collections.Counter("mississippi").most_common(2), collections.deque(range(10), 3), heapq.nsmallest(3, [5, 1, 4, 2]), bisect.bisect([1, 3, 5], 3))
match {"kind": "point", "at": (1, 2)}:
    case {"kind": "point", "at": (x, y)} if x < y:
        print("matched", x, y)
print(pickle.loads(pickle.dumps({"k": [1, 2.5, "s", None, (True,)]})), copy.deepcopy([[1], [2]]), base64.b64encode(b"abc"), textwrap.fill("some words to wrap", 8))
out = io.StringIO()
csv.writer(out).writerows([["a", 'b"q'], [1, "x,y"]])
print(out.getvalue().split("\r\n"), string.Template("$x!").substitute(x="y"))
sieve = bytearray([1]) * 30000
for i in range(2, 174):
    if sieve[i]:
        sieve[i * i::i] = bytes(len(range(i * i, 30000, i)))
print(sum(sieve) - 2)
data = sorted(((i * 7919) % 100003 for i in range(30000)), reverse=True)
print(data[:3], len(set(data)))
exec(compile("def made(x):\n    return x + 1\nprint(made(41))", "<made>", "exec"))
print(len(os.environ) > 0, os.fspath("x"), sys.getrecursionlimit(), sys.flags.isolated, __name__)
