-- Finds the articles of inputs by the hash of their bytes. A hit keeps the article in the index.
--
-- KEYS  1 prefix of the raw keys
-- ARGV  1 seconds that marks live, 2 '{<stream>}:i:', 3 shards of a dated bucket, 4 shards of an
--       undated one, 5 shards of the raw keys, 6 present generation, 7 1 if only yes or no is
--       needed, 2 if the content may be another one, 8 the raw hashes, 8 bytes each
-- Returns for each raw hash {raw mark, mark}, or nil; with ARGV 7 a string of a 1 or 0 for each.
--
-- The keys are not in KEYS: those of the marks are known only here, and three raw keys for each of
-- 50 entries of a feed cost more than looking them up. All are in the slot of KEYS 1.

local keep, prefix, raws = tonumber(ARGV[1]), ARGV[2], ARGV[8]
local dated, undated, raw_shards = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local present, yes_or_no, any_content = tonumber(ARGV[6]), ARGV[7] == '1', ARGV[7] == '2'
local raw_keys = {}
for back = 0, 2 do raw_keys[#raw_keys + 1] = string.format('%s%d:', KEYS[1], present - back) end

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

for n = 1, #raws / 8 do
  local first, second = string.byte(raws, 8 * n - 7, 8 * n - 6)
  local shard = string.format('%x', (first * 256 + second) % raw_shards)
  local raw_field, youngest = string.sub(raws, 8 * n - 6, 8 * n), raw_keys[1] .. shard
  results[n] = false
  for _, start in ipairs(raw_keys) do
    local raw_mark = redis.call('HGET', start .. shard, raw_field)
    if raw_mark then
      local field = string.sub(raw_mark, 4, 11)
      local keys = mark_keys(raw_mark)
      for _, key in ipairs(keys) do
        local mark = redis.call('HGET', key, field)
        if mark then
          if #mark ~= 19 and (any_content or string.sub(mark, 5, 6) == string.sub(raw_mark, 12, 13)) then
            results[n] = yes_or_no and '1' or { raw_mark, mark }
            move(key, keys[1], field, mark)
            move(start .. shard, youngest, raw_field, raw_mark)
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
