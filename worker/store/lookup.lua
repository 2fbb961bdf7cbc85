-- Finds the articles of inputs by the hash of their bytes. A hit keeps the article in the index.
--
-- KEYS  for each raw hash its raw keys, youngest generation first
-- ARGV  1 seconds that marks live, 2 '{<stream>}:i:', 3 number of raw keys a hash,
--       4 shards of a dated bucket, 5 shards of an undated one, 6 present generation,
--       7 1 if only yes or no is needed, then the raw fields
-- Returns for each raw hash {raw mark, mark}, or nil; with ARGV 7 a string of a 1 or 0 for each.
--
-- KEYS lacks the keys of the marks, which only this script knows; they are in the same slot.

local keep, prefix, generations = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local dated, undated, present = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST, yes_or_no = 8, ARGV[7] == '1'

local function mark_keys(raw_mark)
  local date = struct.unpack('>I3', raw_mark)
  local first, second = string.byte(raw_mark, 4, 5)
  if date > 0 then
    local day = string.format(
      '%04d%02d%02d', math.floor(date / 512), math.floor(date / 32) % 16, date % 32)
    return { prefix .. day .. string.format(':%x', first % dated) }
  end
  local shard = string.format(':%x', (first * 256 + second) % undated)
  local keys = {}
  for _, step in ipairs({ 0, 1, -1, -2 }) do
    keys[#keys + 1] = string.format('%su%d%s', prefix, present + step, shard)
  end
  return keys
end

local function move(from, to, field, value)
  if from ~= to then
    redis.call('HSET', to, field, value)
    redis.call('HDEL', from, field)
  end
end

local touched, results = {}, {}

for n = 1, #ARGV - FIRST + 1 do
  local raw_field = ARGV[FIRST + n - 1]
  local first = (n - 1) * generations + 1
  results[n] = false
  for k = first, first + generations - 1 do
    local raw_mark = redis.call('HGET', KEYS[k], raw_field)
    if raw_mark then
      local field = string.sub(raw_mark, 4, 11)
      local keys = mark_keys(raw_mark)
      for _, key in ipairs(keys) do
        local mark = redis.call('HGET', key, field)
        if mark then
          if #mark ~= 19 and string.sub(mark, 5, 6) == string.sub(raw_mark, 12, 13) then
            results[n] = yes_or_no and '1' or { raw_mark, mark }
            move(key, keys[1], field, mark)
            move(KEYS[k], KEYS[first], raw_field, raw_mark)
            touched[keys[1]], touched[KEYS[first]] = true, true
          end
          break
        end
      end
      break
    end
  end
end

for key in pairs(touched) do
  if redis.call('TTL', key) < keep then redis.call('EXPIRE', key, keep + 86400) end
end
if yes_or_no then
  for n = 1, #results do results[n] = results[n] or '0' end
  return table.concat(results)
end
return results
