-- Finds the articles of inputs by the hash of their bytes. A hit keeps the article in the index.
--
-- KEYS  first the beginnings of the raw keys, a generation each, then that of the keys of dated
--       marks, then those of marks without a date; in each the first is written to
-- ARGV  1 seconds that marks live, 2 number of generations of raw keys, 3 shards of the raw keys,
--       4 shards of a dated bucket, 5 shards of an undated one, 6 1 if only yes or no is needed, 2
--       if the content may be another one, 7 the raw hashes, 8 bytes each
-- Returns for each raw hash {raw mark, mark}, or nil; with ARGV 6 a string of a 1 or 0 for each.
--
-- Whole keys are not in KEYS: those of the marks are known only here, and three raw keys for each of
-- 50 entries of a feed cost more than looking them up. All are in the slot of KEYS 1.

local keep, raw_count, raws = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[7]
local raw_shards, dated, undated = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local yes_or_no, any_content = ARGV[6] == '1', ARGV[6] == '2'

local function mark_keys(raw_mark)
  local date = struct.unpack('>I3', raw_mark)
  local first, second = string.byte(raw_mark, 4, 5)
  if date > 0 then
    local day = string.format(
      '%04d%02d%02d', math.floor(date / 512), math.floor(date / 32) % 16, date % 32)
    return { KEYS[raw_count + 1] .. day .. string.format(':%x', first % dated) }
  end
  local shard, keys = string.format('%x', (first * 256 + second) % undated), {}
  for n = raw_count + 2, #KEYS do keys[#keys + 1] = KEYS[n] .. shard end
  return keys
end

local function move(from, to, field, value)
  if from ~= to then
    redis.call('HSET', to, field, value)
    redis.call('HDEL', from, field)
  end
end

local touched, results = {}, {}

for n = 1, #raws / 8 do
  local first, second = string.byte(raws, 8 * n - 7, 8 * n - 6)
  local shard = string.format('%x', (first * 256 + second) % raw_shards)
  local raw_field, youngest = string.sub(raws, 8 * n - 6, 8 * n), KEYS[1] .. shard
  results[n] = false
  for generation = 1, raw_count do
    local raw_key = KEYS[generation] .. shard
    local raw_mark = redis.call('HGET', raw_key, raw_field)
    if raw_mark then
      local field = string.sub(raw_mark, 4, 11)
      local keys = mark_keys(raw_mark)
      for _, key in ipairs(keys) do
        local mark = redis.call('HGET', key, field)
        if mark then
          if #mark ~= 19 and (any_content or string.sub(mark, 5, 6) == string.sub(raw_mark, 12, 13)) then
            results[n] = yes_or_no and '1' or { raw_mark, mark }
            move(key, keys[1], field, mark)
            move(raw_key, youngest, raw_field, raw_mark)
            touched[keys[1]], touched[youngest] = true, true
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
