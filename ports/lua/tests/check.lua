-- SPDX-License-Identifier: MIT
-- What the tests share: is(name, actual, expected) and done(title).
local checks, failed = 0, 0

local function show(value)
  return type(value) == "string" and string.format("%q", value) or tostring(value)
end

local check = {}

function check.is(name, actual, expected)
  checks = checks + 1
  -- NaN differs from itself; 1 and 1.0 are equal but not the same.
  local same = actual == expected and math.type(actual) == math.type(expected)
  if not same and not (actual ~= actual and expected ~= expected) then
    failed = failed + 1
    print(("FAILED %s: is %s, expected %s"):format(name, show(actual), show(expected)))
  end
end

-- Checks that calling f(...) raises an error whose text matches the pattern.
function check.raises(name, pattern, f, ...)
  local ok, message = pcall(f, ...)
  check.is(name .. " raises", ok, false)
  check.is(name .. ": " .. tostring(message), tostring(message):find(pattern) ~= nil, true)
end

function check.done(title)
  if failed == 0 then
    print(("%s: %d checks passed"):format(title, checks))
  end
  os.exit(failed == 0, true)
end

return check
