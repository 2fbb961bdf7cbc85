-- The articles of the last minutes by outcome, by the server's clock.
--
-- KEYS  1 minutes
-- ARGV  1 number of minutes
-- Returns {number of the present minute since 1970, {counts or false of each minute, oldest first}}

local count = tonumber(ARGV[1])
local present = math.floor(redis.call('TIME')[1] / 60)

local results = {}
for first = present - count + 1, present, 1000 do
  local fields = {}
  for minute = first, math.min(first + 999, present) do
    fields[#fields + 1] = string.format('%.0f', minute)
  end
  for _, counts in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
    results[#results + 1] = counts
  end
end
return { present, results }
