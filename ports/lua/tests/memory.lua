-- SPDX-License-Identifier: MIT
-- The collector: garbage is freed, weak tables and finalizers do what they say; numbers of the mathematical library.
package.path = arg[0]:match("^.*/") .. "?.lua;" .. package.path
local check = require "check"
local is = check.is

local function used() collectgarbage(); collectgarbage(); return collectgarbage("count") end

for _, mode in ipairs { "incremental", "generational" } do
  collectgarbage(mode)
  local before = used()
  local keep = {}
  for i = 1, 100000 do keep[i % 100 + 1] = { i, tostring(i), function() return i end } end
  keep = nil
  is(mode .. " leaves nothing", used() - before < 100, true)

  local weak = setmetatable({}, { __mode = "k" })
  local held = {}
  for i = 1, 1000 do local key = {}; weak[key] = i; if i % 10 == 0 then held[#held + 1] = key end end
  used()
  local n = 0
  for _ in pairs(weak) do n = n + 1 end
  is(mode .. " weak keys", n, 100)

  local finalized = 0
  for _ = 1, 500 do setmetatable({}, { __gc = function() finalized = finalized + 1 end }) end
  used()
  is(mode .. " finalizers", finalized, 500)
end
collectgarbage("incremental")
collectgarbage("stop")
is("stopped", collectgarbage("isrunning"), false)
collectgarbage("restart")

-- 32 MiB come and go.
local list = nil
for i = 1, 200000 do list = { next = list, text = ("x"):rep(100) .. i } end
is("large", collectgarbage("count") > 32000, true)
list = nil
is("given back", used() < 2000, true)

-- A sieve and matrices: the same figures everywhere.
local sieve, primes = {}, 0
for i = 2, 200000 do
  if not sieve[i] then
    primes = primes + 1
    for j = i * i, 200000, i do sieve[j] = true end
  end
end
is("primes", primes, 17984)
local function multiply(a, b, n)
  local c = {}
  for i = 1, n do
    c[i] = {}
    for j = 1, n do
      local s = 0
      for k = 1, n do s = s + a[i][k] * b[k][j] end
      c[i][j] = s
    end
  end
  return c
end
local m = {}
for i = 1, 40 do m[i] = {} for j = 1, 40 do m[i][j] = (i * j) % 7 - 3 end end
local product = multiply(multiply(m, m, 40), m, 40)
is("trace", (function() local s = 0 for i = 1, 40 do s = s + product[i][i] end return s end)(), -51112)
is("math", ("%.12f %.12f %.12f %.12f"):format(math.sin(1), math.exp(1), math.log(10), math.atan(1, 2)),
   "0.841470984808 2.718281828459 2.302585092994 0.463647609001")
is("floor and ceil", math.floor(-3.5) * 10 + math.ceil(-3.5), -43)
is("fmod", math.fmod(-7, 3), -1)
is("ult", math.ult(1, -1), true)
math.randomseed(42)
local first = { math.random(0), math.random(100), math.random() }
math.randomseed(42)
is("seeded", math.random(0) == first[1] and math.random(100) == first[2] and math.random() == first[3], true)

check.done("memory")
